"""Annotations as files: what another tool exported comes in, what candleloop holds goes out."""

from candleloop.annotations.interchange.bars import write_bars
from candleloop.annotations.interchange.files import (
    FileFormat,
    SpanFile,
    read_spans,
    write_annotations,
    write_predictions,
)
from candleloop.annotations.interchange.placing import Placed, place_records
from candleloop.annotations.interchange.records import Record
from candleloop.annotations.interchange.report import DroppedSpan, IngestReport

__all__ = [
    "DroppedSpan",
    "FileFormat",
    "IngestReport",
    "Placed",
    "Record",
    "SpanFile",
    "place_records",
    "read_spans",
    "write_annotations",
    "write_bars",
    "write_predictions",
]
