"""Label sets in the database: written once, never changed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from candleloop.annotations.label_set import LabelSet
from candleloop.errors import Conflict, NotFound
from candleloop.store.statements import insert_into, rows_changed
from candleloop.store.tables import LabelSetRow, now


def ensure(session: Session, label_set: LabelSet) -> bool:
    """Write a label set unless it is there; return whether it was written.

    Raises
    ------
    Conflict
        When the name belongs to another definition: a label set is frozen.
    """
    statement = insert_into(session, LabelSetRow).values(
        name=label_set.name, definition=label_set.model_dump(mode="json"), created_at=now()
    )
    if rows_changed(session, statement.on_conflict_do_nothing(index_elements=["name"])):
        return True
    if get(session, label_set.name) != label_set:
        raise Conflict(
            f"Label set {label_set.name!r} is frozen and its definition differs; give the new one another name.",
            code="label_set_frozen",
            field="name",
        )
    return False


def get(session: Session, name: str) -> LabelSet:
    """Return a label set.

    Raises
    ------
    NotFound
        With the names that do exist.
    """
    definition = session.scalar(select(LabelSetRow.definition).where(LabelSetRow.name == name))
    if definition is None:
        known = ", ".join(session.scalars(select(LabelSetRow.name).order_by(LabelSetRow.name))) or "none"
        raise NotFound(f"There is no label set {name!r}; known: {known}.", code="unknown_label_set", field="label_set")
    return LabelSet.model_validate(definition)


def every(session: Session) -> list[LabelSet]:
    """Return every label set, by name."""
    definitions = session.scalars(select(LabelSetRow.definition).order_by(LabelSetRow.name))
    return [LabelSet.model_validate(definition) for definition in definitions]
