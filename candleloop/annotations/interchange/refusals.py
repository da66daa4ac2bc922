"""Why a file of spans is refused as a whole."""

from __future__ import annotations

from candleloop.errors import BadRequest


def not_a_file(what: str, **where: int) -> BadRequest:
    """Return the refusal of what cannot be read as a file of annotations."""
    return BadRequest(f"This is no file of annotations: {what}.", code="not_an_annotation_file", **where)


def holds_predictions(**where: int) -> BadRequest:
    """Return the refusal of what a model proposed."""
    return BadRequest(
        "The file holds what a model proposed. Predictions are confirmed one by one; they cannot be imported as "
        "annotations.",
        code="predictions_are_no_annotations",
        **where,
    )
