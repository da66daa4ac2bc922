"""Encodings: how spans become one class per bar, and back."""

from candleloop.annotations.encodings.base import (
    BACKGROUND,
    UNKNOWN,
    Encoding,
    Proposals,
    Targets,
    encoding_for,
    encoding_from_json,
)
from candleloop.annotations.encodings.bio import BioEncoding
from candleloop.annotations.encodings.window import WindowEncoding

__all__ = [
    "BACKGROUND",
    "UNKNOWN",
    "BioEncoding",
    "Encoding",
    "Proposals",
    "Targets",
    "WindowEncoding",
    "encoding_for",
    "encoding_from_json",
]
