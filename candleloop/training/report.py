"""What a training gave, as tables and figures: for MLflow's runs and DVC's plots."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from candleloop.inference.bundle import ModelBundle
from candleloop.training.confusion import confusion_matrix
from candleloop.training.evaluation import Evaluation
from candleloop.training.families import fitted_from_files
from candleloop.training.reliability import Reliability
from candleloop.training.train import TrainedModel

NONE = "(none)"
"""Stands for "no label" in the confusion table: missed, or predicted where nothing is."""

MOST_IMPORTANT = 25
"""Columns that the figure of importances shows."""


def tables(trained: TrainedModel) -> dict[str, str]:
    """Return the tables of a training as CSV by file name; what cannot be measured is empty."""
    evaluation = trained.evaluation
    bins = () if evaluation.calibration is None else evaluation.calibration.bins
    return {
        "labels.csv": _label_table(trained),
        "confusion.csv": _csv(
            ("label", "predicted", "count"),
            ((cell.label or NONE, cell.predicted or NONE, cell.count) for cell in evaluation.confusions),
        ),
        "importance.csv": _csv(("column", "share"), ((name, f"{share:.6f}") for name, share in importance(trained))),
        "reliability.csv": _csv(
            ("confidence", "right", "count"),
            ((f"{part.confidence:.6f}", f"{part.right:.6f}", part.count) for part in bins),
        ),
    }


def figures(trained: TrainedModel) -> dict[str, Any]:
    """Return matplotlib figures of a training by file name."""
    evaluation = trained.evaluation
    found = {
        "confusion.png": _confusion_figure(evaluation, trained.bundle),
        "importance.png": _importance_figure(importance(trained)[:MOST_IMPORTANT]),
    }
    if evaluation.calibration is not None:
        found["reliability.png"] = _reliability_figure(evaluation.calibration)
    return found


def importance(trained: TrainedModel) -> list[tuple[str, float]]:
    """Return the columns that the model reads and their shares, the most important first."""
    bundle = trained.bundle
    model = fitted_from_files(bundle.family, bundle.files)
    names = [
        name if offset == 0 else f"{name} (+{offset})"
        for offset in bundle.encoding.offsets
        for name in bundle.feature_spec.names
    ]
    order = np.argsort(-model.importance, kind="stable").tolist()
    return [(names[column], float(model.importance[column])) for column in order]


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return table.getvalue()


def _label_table(trained: TrainedModel) -> str:
    numbers = ("precision", "recall", "f1", "strict_f1", "average_precision", "threshold", "ece")
    rows = []
    for score in trained.evaluation.labels:
        values = [getattr(score, name) for name in numbers]
        low, high = score.f1_interval or (None, None)
        shown = ["" if value is None else f"{value:.4f}" for value in (*values, low, high)]
        rows.append((score.label, trained.counts[score.label], score.support, score.predicted, *shown))
    return _csv(("label", "teaching_spans", "support", "predicted", *numbers, "f1_low", "f1_high"), rows)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _reliability_figure(calibration: Reliability) -> Any:
    """Draw the share of right spans over confidence, with 95 % intervals; on the diagonal it means what it says."""
    from scipy.stats import binomtest

    figure, axes = _figure(4, 4)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for item in calibration.bins:
        interval = binomtest(round(item.right * item.count), item.count).proportion_ci(method="wilson")
        axes.plot([item.confidence] * 2, [interval.low, interval.high], color="C0", alpha=0.5)
        axes.plot(item.confidence, item.right, color="C0", marker="o")
    axes.set(
        xlabel="confidence",
        ylabel="share of spans that are right",
        title=f"{calibration.spans} spans, calibration error {calibration.ece:.3f}",
    )
    return figure


def _confusion_figure(evaluation: Evaluation, bundle: ModelBundle) -> Any:
    """Draw the shares of each true label's spans by what they were predicted as, the counts written in."""
    matrix = confusion_matrix(evaluation.confusions, bundle.label_set)
    names = [*bundle.label_set.names, NONE]
    size = 2.5 + 0.4 * len(names)
    figure, axes = _figure(size, size)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(matrix).tolist():
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true", title="spans at IoU 0.5")
    return figure


def _importance_figure(shares: Sequence[tuple[str, float]]) -> Any:
    figure, axes = _figure(5, 1 + 0.2 * len(shares))
    axes.barh([name for name, _ in shares], [share for _, share in shares])
    axes.invert_yaxis()
    axes.set(xlabel="share of what the model learned")
    return figure
