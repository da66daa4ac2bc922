"""Label sets: the frozen, ordered lists of labels that everything else belongs to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from candleloop.errors import NotFound
from candleloop.yaml_files import read_yaml


class Label(BaseModel):
    """One kind of pattern.

    ``name`` is the identifier used everywhere (``morning_star``), ``code`` the three letters shown where space is
    short, ``hotkey`` the digit or letter that picks it (large sets have more labels than keys), ``bars`` the length of
    its spans where that is fixed, ``longest`` the most bars they have where it is not, if that is known. ``talib``
    names the CDL function that finds it and ``sign``, for functions that find two patterns, the one that means this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
    code: Annotated[str, Field(pattern=r"^[A-Z0-9]{3}$")]
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
    hotkey: Annotated[str, Field(pattern=r"^[1-9a-z]$")] | None = None
    bars: Annotated[int, Field(ge=1, le=500)] | None = None
    longest: Annotated[int, Field(ge=1, le=500)] | None = None
    talib: Annotated[str, Field(pattern=r"^CDL[A-Z0-9]+$")] | None = None
    sign: Annotated[int, Field(ge=-1, le=1)] | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.bars is not None and self.longest is not None:
            raise ValueError("bars and longest exclude each other: a fixed length has no longest")
        return self


class LabelSet(BaseModel):
    """A frozen, ordered list of labels.

    Class 0 of every model is the background; class ``k`` is ``labels[k - 1]``, whatever a slice of data contains.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for field in ("name", "code", "hotkey"):
            values = [value for label in self.labels if (value := getattr(label, field)) is not None]
            repeated = {value for value in values if values.count(value) > 1}
            if repeated:
                raise ValueError(f"{field} is not unique: {', '.join(sorted(repeated))}")
        return self

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """The label names in their frozen order."""
        return tuple(label.name for label in self.labels)

    def index(self, name: str) -> int:
        """Return the position of a label, counted from 0.

        Raises
        ------
        NotFound
            With the labels that do exist.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise NotFound(
                f"Label set {self.name!r} has no label {name!r}; it has {', '.join(self.names)}.",
                code="unknown_label",
                field="label",
            ) from None

    @property
    def fixed_length(self) -> bool:
        """Whether every label has a fixed number of bars, so that the ``window`` encoding applies."""
        return all(label.bars is not None for label in self.labels)

    def content_hash(self) -> str:
        """Return 16 hex digits of a SHA-256 over the whole definition."""
        definition = self.model_dump(mode="json")
        for label in definition["labels"]:
            # Came later: a set that does not use it keeps its hash.
            if label["longest"] is None:
                del label["longest"]
        return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a label set from a YAML file.

        Raises
        ------
        BadConfiguration
            See :func:`~candleloop.yaml_files.read_yaml`.
        """
        return read_yaml(path, cls)
