"""Many numbers as JSON text at once, without a Python object for each.

A number is written in the fewest digits that give it back in its own precision, so a float32 takes half the room that
it takes as a float.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

Numbers = npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]


def number_texts(values: Numbers) -> list[str]:
    """Return each value of an array of shape (n,) as JSON: ``null`` for NaN and infinity, ``true`` and ``false``."""
    if len(values) == 0:
        return []
    return _json(values)[1:-1].split(",")


def object_texts(values: npt.NDArray[np.floating[Any]], names: Sequence[str]) -> list[str]:
    """Return each row of an array of shape (n, n_names) as a JSON object with these names in this order."""
    if len(values) == 0:
        return []
    keys = (orjson.dumps(name).decode().replace("%", "%%") for name in names)
    template = "{" + ",".join(f"{key}:%s" for key in keys) + "}"
    return [template % tuple(row.split(",")) for row in _json(values)[2:-2].split("],[")]


def _json(values: Numbers) -> str:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY).decode()
