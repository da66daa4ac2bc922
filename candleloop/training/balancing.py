"""What each sample weighs: rare classes, people's decisions, and rejections, which leave several classes open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from candleloop.annotations.encodings import BACKGROUND, Encoding
from candleloop.annotations.label_set import LabelSet
from candleloop.errors import BadConfiguration
from candleloop.pipeline_config import SourceWeights

Balancing = Literal["none", "balanced", "square_root", "custom"]
BACKGROUND_NAME = "background"
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """What teaches, one row per sample.

    Parameters
    ----------
    rows
        Bar of each sample, int64 array of shape (n_samples,). A rejected bar comes once per class it may still be.
    target
        Class of each sample, int16 array of shape (n_samples,).
    weight
        Weight of each sample, float64 array of shape (n_samples,); together they weigh as much as there are bars.
    """

    rows: IntArray
    target: npt.NDArray[np.int16]
    weight: FloatArray


def class_weights(mass: FloatArray, how: Balancing, custom: FloatArray | None = None) -> FloatArray:
    """Return the weight of each class.

    Parameters
    ----------
    mass
        Sum of the source weights of each class, float64 array of shape (n_classes,).
    how
        ``balanced``: all classes that are present weigh the same in total. ``square_root``: the square root of that
        weight, which keeps probabilities nearly calibrated. ``none``: every sample weighs the same. ``custom``: as
        ``custom`` says.
    custom
        Weight of each class, float64 array of shape (n_classes,); see :func:`custom_weights`.

    Returns
    -------
    ndarray of shape (n_classes,)
        1 for classes without mass, unless ``custom``.

    Raises
    ------
    ValueError
        For ``custom`` without a weight for each class.
    """
    if how == "custom":
        if custom is None or custom.shape != mass.shape:
            raise ValueError(f"custom balancing needs a weight for each of the {len(mass)} classes")
        return custom
    weights = np.ones(len(mass))
    present = mass > 0
    if how == "none" or not present.any():
        return weights
    weights[present] = mass.sum() / (present.sum() * mass[present])
    return np.sqrt(weights) if how == "square_root" else weights


def custom_weights(weights: Mapping[str, float], label_set: LabelSet, encoding: Encoding) -> FloatArray:
    """Return the weight of each class of an encoding from weights by label name.

    Parameters
    ----------
    weights
        Weight by label; ``background`` for bars without a label. 1 for all that are not named.
    label_set, encoding
        What the classes stand for.

    Returns
    -------
    ndarray of shape (n_classes,)

    Raises
    ------
    BadConfiguration
        With ``field`` for a name that is no label of the set.
    """
    found = np.ones(encoding.n_classes)
    for name, weight in weights.items():
        if name in label_set.names:
            found[list(encoding.classes_of(label_set.index(name)))] = weight
        elif name == BACKGROUND_NAME:
            found[BACKGROUND] = weight
        else:
            field = f"training.label_weights.{name}"
            raise BadConfiguration(
                f"{field}: label set {label_set.name!r} has no label {name!r}; it has {', '.join(label_set.names)}.",
                field=field,
            )
    return found


def weighted_samples(
    rows: IntArray,
    target: npt.NDArray[np.int16],
    by_human: npt.NDArray[np.bool_],
    rejected: IntArray,
    *,
    n_classes: int,
    balancing: Balancing,
    source_weights: SourceWeights,
    custom: FloatArray | None = None,
) -> Samples:
    """Give every sample its weight and turn rejections into samples of the classes that are left.

    Parameters
    ----------
    rows
        Bars whose class is known, int64 array of shape (n_rows,).
    target, by_human
        Their classes, and whether a person decided them; arrays of shape (n_rows,).
    rejected
        (bar, class) pairs where the class is unknown but for not being that one, int64 array of shape
        (n_rejected, 2).
    n_classes
        Number of classes with the background.
    balancing, custom
        See :func:`class_weights`.
    source_weights
        Weight of a sample by who decided it.

    Returns
    -------
    Samples
        The known bars first, then the rejected ones by bar and class. A rejected bar is shared out among the classes
        that nobody rejected there in proportion to how much of each there is among the known bars.
    """
    source = np.where(by_human, source_weights.human, source_weights.talib)
    mass = np.bincount(target, weights=source, minlength=n_classes).astype(np.float64)
    extra = _share_out(rejected, mass)
    all_rows = np.concatenate([rows, extra.rows])
    all_target = np.concatenate([target, extra.target]).astype(np.int16)
    weight = (
        np.concatenate([source, source_weights.human * extra.weight])
        * class_weights(mass, balancing, custom)[all_target]
    )
    if len(weight):
        weight *= (len(rows) + len(np.unique(extra.rows))) / weight.sum()
    return Samples(all_rows, all_target, weight)


def _share_out(rejected: IntArray, mass: FloatArray) -> Samples:
    """Return one sample per rejected bar and class left, its weight the share of that class."""
    bars, place = np.unique(rejected[:, 0], return_inverse=True)
    share = np.tile(mass, (len(bars), 1))
    share[place, rejected[:, 1]] = 0
    total = share.sum(axis=1, keepdims=True)
    share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
    bar, cls = np.nonzero(share)
    return Samples(bars[bar].astype(np.int64), cls.astype(np.int16), share[bar, cls])
