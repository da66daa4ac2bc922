"""What became of the spans of an imported file."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from pydantic import BaseModel, ConfigDict

FIRST_ROWS = 5
"""How many row numbers a line for people names."""


_CLAIMED = {
    "human": "warning: of {:,} the file says that TA-Lib made them; they now weigh like a person's decisions",
    "talib": "warning: of {:,} the file says that a person decided them; they now weigh like TA-Lib's marks",
}


class DroppedSpan(BaseModel):
    """A span that was not taken: its row in the file, a stable reason, and what is wrong in words."""

    model_config = ConfigDict(frozen=True)

    row: int
    reason: str
    message: str


class IngestReport(BaseModel):
    """What an import of spans found, JSON-ready.

    Attributes
    ----------
    label_set
        Whose labels the spans have.
    rows
        Spans in the file.
    kept
        Number of them that became annotations, by label; labels without any left out.
    snapped
        Kept spans of which an end was moved, by at most half a bar, to where a bar opens.
    dropped
        The others, in the order of the file.
    other_length
        Kept spans that do not have as many bars as their label says: many of them hint at another timeframe.
    imported_as, claimed_otherwise
        Whose marks the importer said they are, and the number of kept spans of which the file says the contrary.
    two_labels
        Rows of kept spans that lie on exactly the bars of a kept span of another label.
    within_a_bar
        Kept spans of labels that have several bars whose two times, though not equal, fell on one bar: they hint at a
        shorter timeframe.
    notes
        What else should be known about the file, in words.
    """

    model_config = ConfigDict(frozen=True)

    label_set: str
    rows: int
    kept: dict[str, int]
    snapped: int
    other_length: int
    imported_as: Literal["human", "talib"]
    claimed_otherwise: int
    dropped: tuple[DroppedSpan, ...]
    two_labels: tuple[int, ...]
    within_a_bar: int
    notes: tuple[str, ...]

    @property
    def kept_rows(self) -> int:
        """Number of spans that became annotations."""
        return sum(self.kept.values())

    def lines(self) -> list[str]:
        """Return the report as lines for people: one for each reason, with an example."""
        by_label = ", ".join(f"{label} {count:,}" for label, count in self.kept.items())
        found = [f"{self.kept_rows:,} of {self.rows:,} spans kept" + (f": {by_label}" if by_label else "")]
        if self.snapped:
            found.append(f"{self.snapped:,} moved by at most half a bar to where a bar opens")
        if self.other_length:
            found.append(f"{self.other_length:,} have another number of bars than their label says")
        if self.within_a_bar:
            found.append(f"{self.within_a_bar:,} lie within one bar: were they marked on a shorter timeframe?")
        if self.claimed_otherwise:
            found.append(_CLAIMED[self.imported_as].format(self.claimed_otherwise))
        by_reason = defaultdict(list)
        for one in self.dropped:
            by_reason[one.reason].append(one)
        for reason, rows in by_reason.items():
            found.append(f"dropped: {len(rows):,} x {reason} ({_rows([one.row for one in rows])}): {rows[0].message}")
        if self.two_labels:
            found.append(f"{len(self.two_labels):,} lie on the same bars as another label ({_rows(self.two_labels)})")
        return [*found, *self.notes]


def _rows(rows: list[int] | tuple[int, ...]) -> str:
    shown = ", ".join(str(row) for row in rows[:FIRST_ROWS])
    return f"row{'s' if len(rows) > 1 else ''} {shown}{', ...' if len(rows) > FIRST_ROWS else ''}"
