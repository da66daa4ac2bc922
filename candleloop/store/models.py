"""Model versions in the database, and which of them each label set serves."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from candleloop.errors import BadRequest, Conflict, NotFound
from candleloop.store.pages import Page, check_limit, page_of, read_cursor
from candleloop.store.statements import insert_into, rows_changed
from candleloop.store.tables import ChampionRow, ModelRow, PromotionRow, now


class How(StrEnum):
    """Who moved the champion."""

    AUTOMATIC = "automatic"
    """The gate, after a training."""
    MANUAL = "manual"
    """A person."""
    ROLLBACK = "rollback"
    """A person, back to an earlier version; pins it."""


def add_model(
    session: Session,
    *,
    version: str,
    label_set: str,
    family: str,
    snapshot: str,
    bundle_sha256: str,
    metrics: dict[str, Any],
    gate: dict[str, Any],
    trained_at: datetime,
    registry_version: str | None = None,
    run_id: str | None = None,
    job_id: str | None = None,
) -> bool:
    """Write down a trained model version; return whether it is new.

    Training again with the same inputs gives the same version: its row stays, with what the latest run measured and
    with the checksum of the bundle as it is stored now (a damaged one has been replaced).

    Raises
    ------
    Conflict
        When the version belongs to another label set or snapshot.
    """
    facts = {
        "bundle_sha256": bundle_sha256,
        "registry_version": registry_version,
        "run_id": run_id,
        "metrics": metrics,
        "gate": gate,
        "trained_at": trained_at,
        "job_id": job_id,
    }
    statement = insert_into(session, ModelRow).values(
        version=version,
        label_set=label_set,
        family=family,
        snapshot=snapshot,
        **facts,
    )
    if rows_changed(session, statement.on_conflict_do_nothing(index_elements=["version"])):
        return True
    row = get(session, version)
    if (row.label_set, row.snapshot) != (label_set, snapshot):
        raise Conflict(f"Model version {version} exists with other content.", code="model_exists", field="version")
    for name, value in facts.items():
        setattr(row, name, value)
    session.flush()
    return False


def get(session: Session, version: str) -> ModelRow:
    """Return a model version.

    Raises
    ------
    NotFound
        When there is none.
    """
    row = session.get(ModelRow, version)
    if row is None:
        raise NotFound(f"There is no model version {version!r}.", code="unknown_model", field="version")
    return row


def list_models(
    session: Session, *, label_set: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page[ModelRow]:
    """Return a page of the model versions, the latest training first.

    Raises
    ------
    BadRequest
        When the limit is out of range or the cursor is not from this list.
    """
    check_limit(limit)
    statement = select(ModelRow).order_by(ModelRow.trained_at.desc(), ModelRow.version.desc()).limit(limit + 1)
    if label_set is not None:
        statement = statement.where(ModelRow.label_set == label_set)
    if cursor is not None:
        moment, version = read_cursor(cursor, (datetime, str))
        before = ModelRow.trained_at < moment
        statement = statement.where(or_(before, and_(ModelRow.trained_at == moment, ModelRow.version < version)))
    return page_of(session.scalars(statement).all(), limit, lambda row: (row.trained_at, row.version))


def champion(session: Session, label_set: str) -> ChampionRow | None:
    """Return which version a label set serves, with the revision to hand to :func:`promote`; None before the first."""
    return session.get(ChampionRow, label_set, populate_existing=True)


def of_other_family(session: Session, version: str) -> ModelRow | None:
    """Return the latest model of the same label set and another family than a version, None when there is none."""
    own = get(session, version)
    statement = select(ModelRow).where(ModelRow.label_set == own.label_set, ModelRow.family != own.family)
    return session.scalars(statement.order_by(ModelRow.trained_at.desc(), ModelRow.version.desc())).first()


def promote(
    session: Session,
    label_set: str,
    version: str,
    *,
    expected_revision: int | None,
    how: How,
    reason: str | None = None,
) -> ChampionRow:
    """Make a version the champion of its label set, if nobody else moved it meanwhile.

    Parameters
    ----------
    expected_revision
        The revision on which the decision was taken, None when there was no champion.
    how
        A rollback pins the version. An automatic promotion is refused while a version is pinned; a manual one goes
        through and leaves the pin.
    reason
        In plain words, for the history.

    Returns
    -------
    ChampionRow
        As it is now. Promoting the version that serves already changes nothing but the pin of a rollback.

    Raises
    ------
    NotFound
        When there is no such version.
    BadRequest
        When the version belongs to another label set.
    Conflict
        ``champion_moved`` when somebody else promoted meanwhile, ``champion_pinned`` for an automatic promotion.
    """
    model = get(session, version)
    if model.label_set != label_set:
        raise BadRequest(
            f"Model {version} belongs to label set {model.label_set!r}, not to {label_set!r}.",
            code="other_label_set",
            field="label_set",
        )
    previous = champion(session, label_set)
    held = previous.version if previous is not None else None
    revision = previous.revision if previous is not None else None
    if previous is not None and previous.pinned and how is How.AUTOMATIC:
        raise Conflict(
            f"Version {held} of {label_set!r} is pinned; unpin it before another is promoted by itself.",
            code="champion_pinned",
        )
    if revision != expected_revision:
        raise _moved(label_set, version)
    if held == version:
        if how is How.ROLLBACK:
            pin(session, label_set)
        return _champion(session, label_set)
    moment = now()
    if revision is None:
        statement = insert_into(session, ChampionRow).values(
            label_set=label_set, version=version, revision=1, pinned=how is How.ROLLBACK, updated_at=moment
        )
        won = rows_changed(session, statement.on_conflict_do_nothing(index_elements=["label_set"]))
    else:
        guard = and_(ChampionRow.label_set == label_set, ChampionRow.revision == revision)
        if how is How.AUTOMATIC:
            guard = and_(guard, ChampionRow.pinned.is_(False))
        values: dict[str, Any] = {"version": version, "revision": revision + 1, "updated_at": moment}
        if how is How.ROLLBACK:
            values["pinned"] = True
        won = rows_changed(session, update(ChampionRow).where(guard).values(**values))
    if not won:
        raise _moved(label_set, version)
    session.add(PromotionRow(label_set=label_set, version=version, previous=held, how=how, reason=reason, at=moment))
    session.flush()
    return _champion(session, label_set)


def set_tracked(session: Session, label_set: str, version: str) -> None:
    """Write down which version MLflow calls the champion now."""
    rows_changed(session, update(ChampionRow).where(ChampionRow.label_set == label_set).values(tracked_version=version))


def set_run(session: Session, version: str, *, run_id: str, registry_version: str) -> None:
    """Write down where MLflow keeps a version that was trained while it was away."""
    statement = update(ModelRow).where(ModelRow.version == version)
    rows_changed(session, statement.values(run_id=run_id, registry_version=registry_version))


def pin(session: Session, label_set: str) -> ChampionRow:
    """Keep the champion until it is unpinned, whatever the gate says of later models.

    Raises
    ------
    NotFound
        When the label set has no champion.
    """
    return _set_pin(session, label_set, pinned=True)


def unpin(session: Session, label_set: str) -> ChampionRow:
    """Let the gate move the champion again.

    Raises
    ------
    NotFound
        When the label set has no champion.
    """
    return _set_pin(session, label_set, pinned=False)


def promotions(session: Session, label_set: str, *, limit: int = 100) -> list[PromotionRow]:
    """Return who served when and why it changed, the latest first."""
    statement = select(PromotionRow).where(PromotionRow.label_set == label_set).order_by(PromotionRow.id.desc())
    return list(session.scalars(statement.limit(limit)))


def served_versions(session: Session, label_set: str) -> set[str]:
    """Return the versions that have ever been the champion of a label set."""
    return set(session.scalars(select(PromotionRow.version).where(PromotionRow.label_set == label_set).distinct()))


def _set_pin(session: Session, label_set: str, *, pinned: bool) -> ChampionRow:
    rows_changed(session, update(ChampionRow).where(ChampionRow.label_set == label_set).values(pinned=pinned))
    return _champion(session, label_set)


def _champion(session: Session, label_set: str) -> ChampionRow:
    row = champion(session, label_set)
    if row is None:
        raise NotFound(f"Label set {label_set!r} serves no model yet.", code="no_champion", field="label_set")
    return row


def _moved(label_set: str, version: str) -> Conflict:
    return Conflict(
        f"The champion of {label_set!r} was changed while {version} was judged; judge it again against the new one.",
        code="champion_moved",
    )
