"""Kinds of jobs and their arguments."""

from __future__ import annotations

import pytest

from candleloop.errors import BadRequest
from jobs.kinds import KINDS, QUEUES, AutolabelArguments, checked_arguments, kind_named


def test_every_kind_runs_on_a_queue_that_has_a_worker() -> None:
    assert {kind.queue for kind in KINDS.values()} <= set(QUEUES)


def test_arguments_given_as_json_become_the_type_of_their_kind() -> None:
    checked = checked_arguments(kind_named("autolabel"), {"series": ["AAPL-1d"], "label_set": "default"})
    assert checked == AutolabelArguments(series=("AAPL-1d",), label_set="default")
    assert checked.model_dump(mode="json") == {"series": ["AAPL-1d"], "label_set": "default"}


@pytest.mark.parametrize(
    ("kind", "arguments", "field"),
    [
        ("autolabel", {}, "label_set"),
        ("autolabel", {"label_set": "default", "series": "AAPL-1d"}, "series"),
        ("train", {"label_set": "Default!"}, "label_set"),
        ("train", {"label_set": "default", "reason": "boredom"}, "reason"),
        ("train", {"label_set": "default", "candles": [1]}, "candles"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(kind: str, arguments: dict[str, object], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        checked_arguments(kind_named(kind), arguments)
    assert caught.value.details["field"] == field


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadRequest, match="autolabel"):
        kind_named("guess")
