"""The one tree of errors that the domain raises.

Every error carries a stable ``code`` (for programs), a sentence (for people) and ``details`` that say where the
problem is: ``row`` counts from 0 in the candles as given, ``field`` is a column or a configuration key.
"""

from __future__ import annotations

from typing import Any


class CandleloopError(Exception):
    """An expected failure that the user can act on.

    Parameters
    ----------
    message
        One sentence in plain words that says what is wrong and where.
    code
        Stable identifier; defaults to the ``code`` of the class.
    **details
        JSON-ready facts such as ``row``, ``field``, ``value``, ``counts``.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details


class BadCandles(CandleloopError):
    """Candles that cannot be used as they are; ``row`` and ``field`` name the place."""

    code = "bad_candles"


class NotACandleFile(CandleloopError):
    """A file that no reader recognises as candles."""

    code = "not_a_candle_file"


class BadConfiguration(CandleloopError):
    """A configuration that does not fit its schema; ``field`` is the dotted key."""

    code = "bad_configuration"


class BadRequest(CandleloopError):
    """Input other than candles that is well formed but cannot be accepted."""

    code = "bad_request"


class NotFound(CandleloopError):
    """Something named that does not exist."""

    code = "not_found"


class Conflict(CandleloopError):
    """A change that somebody else's newer change rules out."""

    code = "conflict"


class Outdated(Conflict):
    """A change that was made to an older revision than the present one."""

    code = "outdated"


class NoModel(CandleloopError):
    """There is no champion for the label set yet; the message says how to get one."""

    code = "no_model"


class TooFewLabels(CandleloopError):
    """Not enough annotations to train; ``counts`` gives the number of spans by label."""

    code = "too_few_labels"


class BundleRefused(CandleloopError):
    """A model bundle whose checksum, format or TA-Lib version does not fit."""

    code = "bundle_refused"


class Unavailable(CandleloopError):
    """Something candleloop needs (Redis, database, MLflow) cannot be reached just now."""

    code = "unavailable"
