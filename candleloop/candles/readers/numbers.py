"""Numbers as text, parsed once into float64: decimal comma, thousands, currency signs, ``95.91K``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from candleloop.candles.frame import FloatArray

NULLS = ("", "null", "NULL", "Null", "nan", "NaN", "NAN", "None", "none", "N/A", "n/a", "NA", "-", "--", "#N/A", "\\N")
"""Texts that stand for no value."""

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_INFINITE = r"^[+-]?(inf|Inf|INF|infinity|Infinity)$"
_SUFFIXES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass(frozen=True)
class Numbers:
    """A parsed column: NaN where there is no value, and where the text is no number (then ``unreadable``)."""

    values: FloatArray
    unreadable: npt.NDArray[np.bool_]


def read_numbers(column: pa.ChunkedArray | pa.Array, *, decimal_comma: bool = False) -> Numbers:
    """Parse a column of texts or numbers.

    Parameters
    ----------
    column
        Arrow array of shape (n_rows,), text or numeric; null where the file has no value.
    decimal_comma
        The comma is the decimal mark and the point groups thousands; else the other way round.
    """
    column = pa.chunked_array(column.chunks, type=column.type) if isinstance(column, pa.ChunkedArray) else column
    if not _is_text(column.type):
        try:
            values = pc.cast(column, pa.float64(), safe=False)
        except pa.ArrowException:
            return Numbers(np.full(len(column), np.nan), np.ones(len(column), dtype=bool))
        return Numbers(_to_numpy(values), np.zeros(len(column), dtype=bool))
    text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    empty = pc.is_in(text, value_set=pa.array([*NULLS, None]))
    plain = pc.replace_substring_regex(text, r"^([+-]?)[$€£¥]\s?", r"\1")
    plain = _ungroup(plain, decimal_comma)
    scale = pc.fill_null(pc.utf8_upper(pc.utf8_slice_codeunits(plain, -1)), "")
    has_suffix = pc.and_(
        pc.is_in(scale, value_set=pa.array(list(_SUFFIXES))),
        pc.match_substring_regex(plain, r"^[+-]?[\d.]+\s?[A-Za-z]$"),
    )
    has_suffix = pc.fill_null(has_suffix, False)
    factor = np.ones(len(text))
    if pc.any(has_suffix).as_py():
        letters = np.asarray(scale.to_numpy(zero_copy_only=False), dtype=object)
        for letter, value in _SUFFIXES.items():
            factor[letters == letter] = value
        factor[~_mask(has_suffix)] = 1.0
        plain = pc.if_else(has_suffix, pc.replace_substring_regex(plain, r"\s?[A-Za-z]$", ""), plain)
    good = pc.fill_null(pc.match_substring_regex(plain, NUMBER), False)
    infinite = _mask(pc.fill_null(pc.match_substring_regex(text, _INFINITE), False))
    values = _to_numpy(pc.cast(pc.if_else(good, plain, None), pa.float64()))
    if (factor != 1).any():
        values = np.where(factor != 1, np.round(values * factor, 6), values)
    values[infinite] = np.inf
    unreadable = ~_mask(good) & ~_mask(empty) & ~infinite
    return Numbers(values, unreadable)


def _ungroup(text: pa.Array, decimal_comma: bool) -> pa.Array:
    """Take the thousands separators out of well-grouped numbers and make the decimal mark a point.

    Badly grouped numbers stay as they are, and so are no numbers.
    """
    if decimal_comma:
        grouped = pc.match_substring_regex(text, r"^[+-]?\d{1,3}([. ]\d{3})+(,\d*)?([KMBTkmbt])?$")
        bare = pc.match_substring_regex(text, r"^[+-]?\d*,?\d*(e[+-]?\d+)?([KMBTkmbt])?$", ignore_case=True)
        text = pc.if_else(grouped, pc.replace_substring_regex(text, r"[. ]", ""), text)
        return pc.if_else(pc.or_(grouped, bare), pc.replace_substring(text, ",", "."), text)
    grouped = pc.match_substring_regex(text, r"^[+-]?\d{1,3}([, ']\d{3})+(\.\d*)?([KMBTkmbt])?$")
    return pc.if_else(grouped, pc.replace_substring_regex(text, r"[, ']", ""), text)


def has_decimal_comma(samples: list[str], delimiter: str) -> bool | None:
    """Tell from prices whether the comma is the decimal mark; None when both readings fit."""
    with_comma = [text.strip().lstrip("$€£¥+-") for text in samples if "," in text]
    if not with_comma:
        return False
    if any("." in text and text.rindex(".") > text.rindex(",") for text in with_comma):
        return False
    if any("." in text and text.rindex(",") > text.rindex(".") for text in with_comma):
        return True
    if any(text.count(",") > 1 for text in with_comma):
        return False
    if any(len(text.rpartition(",")[2]) != 3 or len(text.partition(",")[0]) > 3 for text in with_comma):
        return True
    if any("." in text for text in samples):
        return False
    if any(text.startswith("0,") for text in with_comma):
        return True
    return True if delimiter != "," else None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _to_numpy(column: pa.ChunkedArray | pa.Array) -> FloatArray:
    filled = pc.fill_null(column, float("nan"))
    values = filled.to_numpy() if isinstance(filled, pa.ChunkedArray) else filled.to_numpy(zero_copy_only=False)
    return np.array(values, dtype=np.float64, copy=None if values.flags.writeable else True)


def _mask(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.bool_]:
    if isinstance(column, pa.ChunkedArray):
        return np.asarray(column.to_numpy(), dtype=bool)
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)
