"""What Prometheus is told.

Requests are counted by each process. Everything else is read from the database when it is asked for, so it is the same
whichever process answers. Where several processes answer on one port, ``PROMETHEUS_MULTIPROC_DIR`` names an empty
folder in which they add up what they count (that is prometheus_client's own way; it must be set before they start).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.readiness import OK, Report
from candleloop.store.vital_signs import DURATION_BUCKETS, VitalSigns

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
UNKNOWN_ROUTE = "unknown"
"""Stands for every path that is no call, so that nobody can make a time series of each word he asks for."""

disable_created_metrics()  # type: ignore[no-untyped-call]
_counted = CollectorRegistry()
REQUESTS = Counter("candleloop_http_requests", "Requests answered", ["method", "route", "status"], registry=_counted)
LATENCY = Histogram(
    "candleloop_http_request_seconds",
    "Time from the first byte of a request to the last byte of its answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=_counted,
)


def exposition(report: Report, signs: VitalSigns | None) -> bytes:
    """Return everything in Prometheus' text format.

    Parameters
    ----------
    report
        What is there and what is missing.
    signs
        What the database says; None when it does not answer.
    """
    registry = CollectorRegistry()
    if FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Given(_counted.collect()))
    registry.register(_Given(_families(report, signs)))
    return generate_latest(registry)


@dataclass(frozen=True)
class _Given(Collector):
    """Metrics that are known already."""

    families: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families

    def describe(self) -> Iterable[Metric]:
        return ()


def _families(report: Report, signs: VitalSigns | None) -> Iterator[Metric]:
    parts = {part: float(state == OK) for part, state in asdict(report).items()}
    yield _gauge("candleloop_part_ok", "Whether a part of the service is there", "part", parts)
    if signs is None:
        return
    yield _gauge("candleloop_queue_depth", "Jobs that are due and wait for a worker", "queue", signs.waiting)
    yield _gauge("candleloop_jobs_running", "Jobs that a worker runs", "queue", signs.running)
    yield _gauge("candleloop_oldest_job_seconds", "How long the oldest due job has waited", "queue", signs.oldest)
    durations = HistogramMetricFamily(
        "candleloop_job_seconds", "Time from start to end of the last attempt of a job", labels=["kind", "status"]
    )
    for (kind, status), found in sorted(signs.durations.items()):
        bounds = [*(f"{bound:g}" for bound in DURATION_BUCKETS), "+Inf"]
        buckets = list(zip(bounds, accumulate(map(float, found.counts)), strict=True))
        durations.add_metric([kind, status], buckets, found.total_seconds)
    yield durations
    champions = GaugeMetricFamily(
        "candleloop_model_info", "The champion of a label set", labels=["label_set", "version", "pinned"]
    )
    for label_set, champion in sorted(signs.champions.items()):
        champions.add_metric([label_set, champion.version, str(champion.pinned).lower()], 1)
    yield champions
    trained = {name: champion.trained_at.timestamp() for name, champion in signs.champions.items()}
    yield _gauge("candleloop_model_trained_timestamp_seconds", "When the champion was trained", "label_set", trained)
    yield _gauge(
        "candleloop_feedback_waiting", "Feedback that no retrain has taken up", "label_set", signs.feedback_waiting
    )
    yield _gauge(
        "candleloop_retrain_lag_seconds",
        "How long the oldest feedback has waited that no finished retrain has seen",
        "label_set",
        signs.retrain_lag,
    )


def _gauge(name: str, says: str, label: str, values: dict[str, float] | dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
