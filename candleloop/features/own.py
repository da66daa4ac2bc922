"""A user's own features: a :class:`FeatureGroup` in an importable module, named ``my_package.my_module:my_group``.

Only the configuration file names such a group. A request, a model bundle or a job can ask for one that the
configuration of this process has loaded already, and for no other: nothing from outside decides what is imported.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from candleloop.candles.frame import MICROSECONDS, Candles
from candleloop.errors import BadConfiguration
from candleloop.features.catalogue import CATALOGUE
from candleloop.features.contract import breaches
from candleloop.features.feature import Feature, FeatureGroup

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class OwnGroup:
    """Which group of a user's, in which state.

    Parameters
    ----------
    path
        ``package.module:attribute``.
    source
        16 hex digits of a SHA-256 over the text of the module. Modules that it imports are not looked at.
    """

    path: str
    source: str

    @property
    def group(self) -> FeatureGroup:
        """The loaded group.

        Raises
        ------
        BadConfiguration
            When the configuration of this process does not name it, or its module has another text.
        """
        if self.path not in _LOADED:
            raise BadConfiguration(
                f"The feature group {self.path} is missing: install its package and name it under features.add in the "
                "pipeline configuration.",
                code="own_features_missing",
                field="features.add",
                value=self.path,
            )
        loaded, group = _LOADED[self.path]
        if loaded != self:
            raise BadConfiguration(
                f"The feature group {self.path} has changed since: its module was {self.source}, now it is "
                f"{loaded.source}. Train again, or bring the old text back.",
                code="own_features_changed",
                field="features.add",
                value=self.path,
            )
        return group


_LOADED: dict[str, tuple[OwnGroup, FeatureGroup]] = {}


def is_own(name: str) -> bool:
    """Tell whether an entry of ``features.add`` is a dotted path and not a name of the catalogue."""
    return ":" in name


def load_own(path: str, field: str) -> OwnGroup:
    """Import a user's group and check its interface (its promises are checked by :func:`require_promises`).

    Parameters
    ----------
    path
        ``package.module:attribute``.
    field
        The configuration key it comes from, for messages.

    Raises
    ------
    BadConfiguration
        When the module cannot be imported, the attribute is no :class:`FeatureGroup`, or a name of its features is not
        in small letters, belongs to the catalogue or is given twice.
    """

    def refuse(what: str) -> BadConfiguration:
        return BadConfiguration(f"{field}: {path}: {what}", code="bad_own_features", field=field, value=path)

    if not _PATH.fullmatch(path):
        raise refuse("is not of the form package.module:group.")
    name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(name)
    except Exception as error:
        # Importing runs the user's code, which may fail in any way.
        raise refuse(f"the module cannot be imported ({type(error).__name__}: {error}).") from error
    group: Any = getattr(module, attribute, None)
    if not isinstance(group, FeatureGroup):
        raise refuse(f"is {type(group).__name__}, not a candleloop.features.feature.FeatureGroup.")
    if not group.features or not all(isinstance(feature, Feature) for feature in group.features):
        raise refuse("its features are not a tuple of at least one Feature.")
    if not callable(group.fill):
        raise refuse("its fill cannot be called.")
    for feature in group.features:
        if not _NAME.fullmatch(feature.name):
            raise refuse(f"the name {feature.name!r} is not of small letters, digits and underscores.")
        if feature.name in CATALOGUE or group.names.count(feature.name) > 1:
            raise refuse(f"the name {feature.name!r} is taken.")
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError) as error:
        raise refuse(
            "the source of its module cannot be read, so no model could say what it was trained with."
        ) from error
    own = OwnGroup(path, hashlib.sha256(text.encode()).hexdigest()[:16])
    _LOADED[path] = own, group
    return own


def require_promises(groups: tuple[OwnGroup, ...]) -> None:
    """Refuse groups that break the contract on made candles, such as by reading the future.

    Raises
    ------
    BadConfiguration
        With the first promises that a group breaks.
    """
    for own in groups:
        warmup = max(feature.warmup for feature in own.group.features)
        found = breaches(own.group, made_candles(3 * warmup + 400))
        if found:
            told = "; ".join(f"{breach.feature} breaks {breach.promise} ({breach.detail})" for breach in found[:3])
            raise BadConfiguration(
                f"features.add: {own.path} does not keep what a feature promises: {told}. See candleloop doctor.",
                code="own_features_refused",
                field="features.add",
                value=own.path,
                promises=sorted({breach.promise for breach in found}),
            )


def made_candles(n_bars: int) -> Candles:
    """Return a random walk with prices of two decimals."""
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n_bars)))
    open_ = np.concatenate([[100.0], close[:-1]]) * (1 + rng.normal(0, 0.002, n_bars))
    high = np.maximum(open_, close) * (1 + rng.exponential(0.004, n_bars))
    low = np.minimum(open_, close) * (1 - rng.exponential(0.004, n_bars))
    time = np.arange(n_bars, dtype=np.int64) * 3600 * MICROSECONDS
    open_, high, low, close = (np.round(values, 2) for values in (open_, high, low, close))
    return Candles(time, open_, high, low, close, np.round(rng.lognormal(8, 1, n_bars)))
