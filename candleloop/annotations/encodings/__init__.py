"""Encodings: how spans become one class per bar, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from candleloop.annotations.encodings.base import BACKGROUND, UNKNOWN, Encoding, Proposals, Targets
from candleloop.annotations.encodings.bio import BioEncoding
from candleloop.annotations.encodings.window import WindowEncoding
from candleloop.annotations.label_set import LabelSet
from candleloop.errors import BadConfiguration
from candleloop.pipeline_config import EncodingConfig

__all__ = [
    "BACKGROUND",
    "ENCODINGS",
    "UNKNOWN",
    "BioEncoding",
    "Encoding",
    "Proposals",
    "Targets",
    "WindowEncoding",
    "encoding_for",
    "encoding_from_json",
]


@dataclass(frozen=True, slots=True)
class RegisteredEncoding:
    """How an encoding is made from the configuration, and read back from what its ``to_json`` gave."""

    for_labels: Callable[[EncodingConfig, LabelSet], Encoding]
    from_json: Callable[[Mapping[str, Any]], Encoding]


ENCODINGS: Mapping[str, RegisteredEncoding] = {
    "window": RegisteredEncoding(
        lambda config, labels: WindowEncoding.for_labels(labels, right_context=config.right_context),
        WindowEncoding.from_json,
    ),
    "bio": RegisteredEncoding(
        lambda config, labels: BioEncoding.for_labels(
            labels, longest_span=config.longest_span, right_context=config.right_context
        ),
        BioEncoding.from_json,
    ),
}
"""Every encoding by the name that the configuration and the bundle use."""


def encoding_for(config: EncodingConfig, label_set: LabelSet) -> Encoding:
    """Return the encoding that the configuration asks for; ``auto`` is ``window`` where every label has fixed ``bars``.

    Raises
    ------
    BadConfiguration
        With ``field``: a label without fixed ``bars`` under the ``window`` encoding, or a right context that the
        encoding cannot have.
    """
    kind: str = config.kind
    if kind == "auto":
        kind = "window" if label_set.fixed_length else "bio"
    return _registered(kind).for_labels(config, label_set)


def encoding_from_json(description: Mapping[str, Any]) -> Encoding:
    """Build an encoding from what its ``to_json`` gave.

    Raises
    ------
    BadConfiguration
        When the kind is not known.
    """
    return _registered(description.get("kind")).from_json(description)


def _registered(kind: object) -> RegisteredEncoding:
    if not isinstance(kind, str) or kind not in ENCODINGS:
        raise BadConfiguration(
            f"There is no encoding of kind {kind!r}; there are {', '.join(ENCODINGS)}.", field="encoding.kind"
        )
    return ENCODINGS[kind]
