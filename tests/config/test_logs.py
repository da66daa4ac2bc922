"""Log lines for people and for programs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from candleloop.correlation import correlated, correlation_id
from config.logs import JsonLines, Lines

SECRETS = frozenset({"pass", "pass/word", 'with "quotes"'})


@pytest.fixture
def written() -> Callable[[logging.Formatter], tuple[logging.Logger, io.StringIO]]:
    """Make a logger of its own whose lines can be read."""

    def make(formatter: logging.Formatter) -> tuple[logging.Logger, io.StringIO]:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        logger = logging.Logger("test.logger", logging.INFO)
        logger.addHandler(handler)
        return logger, stream

    return make


def test_a_json_line_has_everything_a_program_looks_for(written: Any) -> None:
    logger, stream = written(JsonLines(SECRETS))
    with correlated("request-1"):
        logger.info("Job %s\nended", "j-1", extra={"facts": {"kind": "train", "seconds": 2.5}})
    found = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert found["message"] == "Job j-1\nended"
    assert (found["level"], found["logger"], found["correlation_id"]) == ("INFO", "test.logger", "request-1")
    assert (found["kind"], found["seconds"]) == ("train", 2.5)
    assert found["time"].endswith("+00:00")


def test_a_json_line_holds_the_traceback(written: Any) -> None:
    logger, stream = written(JsonLines(()))
    try:
        raise ValueError("no\nnewline")
    except ValueError:
        logger.exception("It failed")
    assert "ValueError: no\nnewline" in json.loads(stream.getvalue())["exception"]


def test_what_others_sent_begins_no_line_of_its_own(written: Any) -> None:
    logger, stream = written(Lines(()))
    with correlated("request-1"):
        logger.info("Asked for %s", "a\r\n2026-01-01 INFO forged")
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith(r"Asked for a\r\n2026-01-01 INFO forged [request-1]" + "\n")


@pytest.mark.parametrize("formatter", [Lines(SECRETS), JsonLines(SECRETS)])
def test_no_secret_is_shown_in_messages_facts_or_tracebacks(written: Any, formatter: logging.Formatter) -> None:
    logger, stream = written(formatter)
    try:
        raise ValueError('redis://:pass/word@somewhere, with "quotes"')
    except ValueError:
        logger.exception("Cannot reach %s", "redis://:pass/word@there", extra={"facts": {"url": "x:pass@y"}})
    text = stream.getvalue()
    assert "pass" not in text
    assert "word" not in text
    assert "quotes" not in text
    assert "[secret]@somewhere" in text


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "-a", "a\nb", 'a"b', "ü"])
def test_an_id_that_is_not_sane_is_replaced(given: str | None) -> None:
    with correlated(given) as chosen:
        assert chosen != given
        assert len(chosen) == 32
        assert correlation_id() == chosen
    assert correlation_id() is None
