"""Label sets made from TA-Lib's functions: all of them, groups, or some by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from candleloop.annotations.label_set import Label, LabelSet
from candleloop.errors import BadRequest
from candleloop.patterns.catalogue import PATTERNS, Pattern, SignMeaning

_NAMES = {
    "CDL3INSIDE": "three_inside",
    "CDL3OUTSIDE": "three_outside",
    "CDLGAPSIDESIDEWHITE": "side_by_side_white_lines",
    "CDLKICKINGBYLENGTH": "kicking_by_length",
    "CDLRISEFALL3METHODS": "three_methods",
    "CDLTAKURI": "takuri",
    "CDLXSIDEGAP3METHODS": "gap_three_methods",
}
"""Names of functions whose title says "Up/Down" or explains itself at length."""

_COLOURS = {1: "#00735C", -1: "#A01C3F", None: "#4D4D4D"}
"""Bullish, bearish and neither: more labels than colours that can be told apart."""

_LETTERS = {1: "U", -1: "D", None: "N"}

_CANDLES = {1: "one-candle", 2: "two-candles", 3: "three-candles", 4: "four-candles", 5: "five-candles"}

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        group: tuple(name for name, one in PATTERNS.items() if not one.confirmation and one.bars == bars)
        for bars, group in _CANDLES.items()
    }
    | {"confirmed-later": tuple(name for name, one in PATTERNS.items() if one.confirmation)}
)
"""TA-Lib's functions by the candles they mark; those that later bars confirm, which have no fixed length, are apart."""


def functions_of(chosen: Iterable[str]) -> tuple[str, ...]:
    """Return the functions that groups and names of functions stand for, each once, in the order given.

    Raises
    ------
    BadRequest
        For what is neither a group nor a function.
    """
    found: dict[str, None] = {}
    for one in chosen:
        if one not in GROUPS and one not in PATTERNS:
            raise BadRequest(
                f"{one!r} is neither a function of TA-Lib nor a group; groups are {', '.join(GROUPS)}.",
                field="functions",
                value=one,
            )
        found |= dict.fromkeys(GROUPS.get(one, (one,)))
    return tuple(found)


def label_set_of(name: str, functions: Iterable[str] = tuple(PATTERNS)) -> LabelSet:
    """Make a label set of functions, each with its length; one that later bars confirm has no fixed one.

    A function whose sign means a direction and that finds both becomes two labels, ``bullish_...`` and ``bearish_...``;
    one that finds a single direction, or whose sign means something else, becomes one. A label's code is the function's
    place in the catalogue and U(p), D(own) or N(either).

    Parameters
    ----------
    name
        Name of the label set.
    functions
        TA-Lib's names, in the order of the labels.
    """
    order = list(PATTERNS)
    labels = []
    for function in functions:
        pattern, place = PATTERNS[function], order.index(function) + 1
        both = pattern.sign is SignMeaning.DIRECTION and len(pattern.signs) == 2
        directions = (1, -1) if both else (pattern.signs[0],) if pattern.sign is SignMeaning.DIRECTION else (None,)
        for sign in directions:
            prefix = {1: "bullish_", -1: "bearish_"}[sign] if both and sign is not None else ""
            labels.append(
                Label(
                    name=prefix + label_name(pattern),
                    code=f"{place:02d}{_LETTERS[sign]}",
                    colour=_COLOURS[sign],
                    bars=None if pattern.confirmation else pattern.bars,
                    longest=pattern.bars + pattern.confirmation if pattern.confirmation else None,
                    talib=function,
                    sign=sign,
                )
            )
    return LabelSet(name=name, labels=tuple(labels))


def label_name(pattern: Pattern) -> str:
    """Return the name of a function as a label, such as ``morning_star``."""
    if pattern.function in _NAMES:
        return _NAMES[pattern.function]
    words = re.sub(r"\b(Pattern|Candle)\b", "", pattern.title).lower()
    return "_".join(re.findall(r"[a-z0-9]+", words))


def as_yaml(label_set: LabelSet, heading: str) -> str:
    """Return a label set as the text of a file in ``config/label_sets``."""
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    lines += [f"name: {label_set.name}", "labels:"]
    for label in label_set.labels:
        sign = "" if label.sign is None else f", sign: {label.sign}"
        length = f"longest: {label.longest}" if label.bars is None else f"bars: {label.bars}"
        lines.append(
            f'  - {{name: {label.name}, code: "{label.code}", colour: "{label.colour}", {length}, '
            f"talib: {label.talib}{sign}}}"
        )
    return "\n".join(lines) + "\n"
