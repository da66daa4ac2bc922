"""What annotating costs: acts counted, and what a second of them is assumed to be."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class CostModel:
    """Seconds of each act of a person.

    Only ``draw`` is anchored in a measurement (a published time of marking a span by hand); the others are assumptions,
    named as such wherever a figure in seconds is shown, and swept with :meth:`scaled`.

    Parameters
    ----------
    look
        Looking at a window and declaring it complete.
    draw
        Marking a span by hand: label, first and last bar.
    confirm, dismiss
        Saying yes or no to a suggestion, one key each.
    relabel
        Giving a suggestion at the right place its right label.
    fix_edges
        Moving the first or last bar of a suggestion.
    """

    look: float = 5.0
    draw: float = 45.0
    confirm: float = 3.0
    dismiss: float = 3.0
    relabel: float = 5.0
    fix_edges: float = 12.0

    def scaled(self, **factors: float) -> CostModel:
        """Return the costs with some of them multiplied: ``scaled(draw=0.5)``.

        Raises
        ------
        ValueError
            For a factor of something that is no act.
        """
        known = {field.name for field in fields(self)}
        if unknown := set(factors) - known:
            raise ValueError(f"no such act: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        return replace(self, **{name: getattr(self, name) * factor for name, factor in factors.items()})


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each act was done; efforts add up.

    Parameters
    ----------
    look
        Windows looked at.
    draw, confirm, dismiss, relabel, fix_edges
        As in :class:`CostModel`.
    """

    look: int = 0
    draw: int = 0
    confirm: int = 0
    dismiss: int = 0
    relabel: int = 0
    fix_edges: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def windows(self) -> int:
        """Windows that were looked at."""
        return self.look

    @property
    def actions(self) -> int:
        """All acts, the completion of each window among them."""
        return sum(getattr(self, field.name) for field in fields(self))

    def seconds(self, costs: CostModel) -> float:
        """Return what it takes a person under a cost model."""
        return float(sum(getattr(self, field.name) * getattr(costs, field.name) for field in fields(self)))
