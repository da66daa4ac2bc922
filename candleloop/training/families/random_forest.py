"""Random forest: grown by scikit-learn, stored as plain arrays, predicted tree by tree without its thread pool.

``RandomForestClassifier.predict_proba`` costs 20 ms even for one row, nearly all of it in handing the trees to a pool.
Asking each tree for its leaves and adding up their class shares gives the same numbers for the cost of the trees.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from candleloop.errors import BundleRefused
from candleloop.pipeline_config import RandomForestConfig
from candleloop.progress import Progress, silent
from candleloop.training.families.base import (
    FeatureArray,
    FittedModel,
    FloatArray,
    IntArray,
    ProbabilityArray,
    TrainingBars,
    expand,
)

FOREST_FILE = "forest.json"
NODE_FIELDS = {"left_child": "<i4", "right_child": "<i4", "feature": "<i4", "threshold": "<f8"}
"""The fields of a scikit-learn tree that decide where a row goes, and how they are stored."""


@dataclass(frozen=True, eq=False)
class FittedForest:
    """The trees of a forest as arrays of nodes, all trees after one another.

    Parameters
    ----------
    nodes
        Arrays of shape (n_nodes,) by the names in ``NODE_FIELDS``; children are counted within their tree, -1 in
        leaves.
    shares
        Share of each class among the training samples of a node, float32, shape (n_nodes, n_present).
    sizes
        Number of nodes of each tree, int64 array of shape (n_trees,).
    classes, n_classes
        The class of each column of ``shares``, and how many the label set has with the background.
    n_features
        Columns that the forest was grown on.
    importance
        Share of each column in the impurity that all splits together took away, float64 array of shape (n_features,).
    """

    nodes: dict[str, npt.NDArray[Any]]
    shares: npt.NDArray[np.float32]
    sizes: IntArray
    classes: IntArray
    n_classes: int
    n_features: int
    importance: FloatArray

    context: ClassVar[int] = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "_trees", self._walkable())
        object.__setattr__(self, "_first", np.concatenate([[0], np.cumsum(self.sizes)[:-1]]))

    def _walkable(self) -> list[Any]:
        """Return scikit-learn's own tree walkers over the arrays (it copies them)."""
        from sklearn.tree._tree import NODE_DTYPE, Tree

        trees = []
        first = 0
        for size in self.sizes.tolist():
            part = slice(first, first + size)
            node = np.zeros(size, dtype=NODE_DTYPE)
            for field in NODE_FIELDS:
                node[field] = self.nodes[field][part]
            tree = Tree(self.n_features, np.ones(1, dtype=np.intp), 1)
            state = {"max_depth": 0, "node_count": size, "nodes": node, "values": np.zeros((size, 1, 1))}
            tree.__setstate__(state)
            trees.append(tree)
            first += size
        return trees

    def predict_probabilities(
        self, features: FeatureArray, rows: IntArray, group: npt.NDArray[np.int32] | None = None
    ) -> ProbabilityArray:
        """Return class probabilities at ``rows``, shape (n_rows, n_classes); each row stands alone."""
        taken = np.ascontiguousarray(features[rows], dtype=np.float32)
        total = np.zeros((len(rows), len(self.classes)), dtype=np.float64)
        for tree, first in zip(self._trees, self._first.tolist(), strict=True):  # type: ignore[attr-defined]
            total += self.shares[first + tree.apply(taken)]
        return expand(total / total.sum(axis=1, keepdims=True), self.classes, self.n_classes)

    def predict_with_votes(self, features: FeatureArray, rows: IntArray) -> tuple[ProbabilityArray, ProbabilityArray]:
        """Return the class probabilities at ``rows``, and which share of the trees takes each class for the likeliest.

        Both have the shape (n_rows, n_classes); the trees are walked once.
        """
        taken = np.ascontiguousarray(features[rows], dtype=np.float32)
        favourite = self.shares.argmax(axis=1)
        total, votes = (np.zeros((len(rows), len(self.classes)), dtype=np.float64) for _ in range(2))
        row = np.arange(len(rows))
        for tree, first in zip(self._trees, self._first.tolist(), strict=True):  # type: ignore[attr-defined]
            leaf = first + tree.apply(taken)
            total += self.shares[leaf]
            votes[row, favourite[leaf]] += 1
        probabilities, voted = total / total.sum(axis=1, keepdims=True), votes / len(self.sizes)
        return expand(probabilities, self.classes, self.n_classes), expand(voted, self.classes, self.n_classes)

    def to_files(self) -> dict[str, bytes]:
        """Return the arrays in NumPy's own file format and the rest as JSON."""
        about = {"classes": self.classes.tolist(), "n_classes": self.n_classes, "n_features": self.n_features}
        files = {FOREST_FILE: json.dumps(about, sort_keys=True).encode()}
        for name, values in self._arrays().items():
            files[f"{name}.npy"] = _npy(values)
        return files

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {**self.nodes, "shares": self.shares, "sizes": self.sizes, "importance": self.importance}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, threads: int = 1) -> Self:  # noqa: ARG003
        """Read the arrays (pickle is refused); ``threads`` has no effect, one walks the trees.

        Raises
        ------
        BundleRefused
            When a file is missing, is no plain array, or the arrays do not fit together.
        """
        try:
            about = json.loads(files[FOREST_FILE])
            arrays = {
                name: np.load(io.BytesIO(files[f"{name}.npy"]), allow_pickle=False)
                for name in (*NODE_FIELDS, "shares", "sizes", "importance")
            }
            classes = np.array(about["classes"], dtype=np.int64)
            nodes = {field: arrays[field] for field in NODE_FIELDS}
            _check(nodes, arrays["shares"], arrays["sizes"], len(classes), int(about["n_features"]))
            if arrays["importance"].shape != (int(about["n_features"]),):
                raise ValueError("the importance is not that of the columns")
            return cls(
                nodes=nodes,
                shares=arrays["shares"],
                sizes=arrays["sizes"],
                classes=classes,
                n_classes=int(about["n_classes"]),
                n_features=int(about["n_features"]),
                importance=arrays["importance"],
            )
        except (KeyError, ValueError, EOFError) as error:
            raise BundleRefused(f"The forest cannot be read: {error}") from error


@dataclass(frozen=True)
class RandomForestFamily:
    """Random forest over the classes that are present."""

    config: RandomForestConfig
    name: str = "random_forest"
    context: int = 0

    def fit(
        self,
        bars: TrainingBars,
        validation: TrainingBars | None = None,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = silent,
    ) -> FittedForest:
        """Grow the trees; a forest has nothing to choose on ``validation``.

        Raises
        ------
        TooFewLabels
            With fewer than two classes in ``bars``.
        """
        import joblib
        from sklearn.ensemble import RandomForestClassifier

        classes = bars.present()
        forest = RandomForestClassifier(
            n_estimators=self.config.trees,
            max_features=self.config.max_features,
            min_samples_leaf=self.config.min_samples_leaf,
            random_state=seed,
            n_jobs=threads,
        )
        progress("fitting the model", 0, self.config.trees, "trees")
        with joblib.parallel_backend("threading", n_jobs=threads):
            forest.fit(bars.read(bars.rows), bars.target, sample_weight=bars.weight)
        progress("fitting the model", self.config.trees, self.config.trees, "trees")
        states = [estimator.tree_.__getstate__() for estimator in forest.estimators_]
        return FittedForest(
            nodes={
                field: np.concatenate([state["nodes"][field] for state in states]).astype(kind)
                for field, kind in NODE_FIELDS.items()
            },
            shares=np.concatenate([state["values"][:, 0, :] for state in states]).astype(np.float32),
            sizes=np.array([state["node_count"] for state in states], dtype=np.int64),
            classes=classes,
            n_classes=bars.n_classes,
            n_features=bars.n_columns,
            importance=forest.feature_importances_,
        )

    def settled(self, fitted: FittedModel) -> RandomForestFamily:
        """Return the family itself: nothing was chosen."""
        return self


def _npy(values: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def _check(
    nodes: Mapping[str, npt.NDArray[Any]],
    shares: npt.NDArray[Any],
    sizes: npt.NDArray[Any],
    n_present: int,
    n_features: int,
) -> None:
    """Refuse arrays that would send the tree walker outside its memory."""
    total = int(sizes.sum())
    if sizes.ndim != 1 or len(sizes) == 0 or (sizes < 1).any() or shares.shape != (total, n_present):
        raise ValueError("the trees and their class shares do not fit together")
    if any(values.shape != (total,) for values in nodes.values()):
        raise ValueError("the node arrays have different lengths")
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    own = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    size = np.repeat(sizes, sizes)
    leaf = left == -1
    if ((right == -1) != leaf).any():
        raise ValueError("a node has one child")
    inner = ~leaf
    for child in (left[inner], right[inner]):
        if (child <= own[inner]).any() or (child >= size[inner]).any():
            raise ValueError("a child is outside its tree")
    if (feature[inner] < 0).any() or (feature[inner] >= n_features).any():
        raise ValueError("a split names a feature that is not there")
