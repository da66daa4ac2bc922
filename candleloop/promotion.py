"""Which model version a label set serves, when a person decides it: promote, roll back, unpin."""

from __future__ import annotations

from dataclasses import dataclass

from candleloop.context import Context
from candleloop.errors import BadRequest, BundleRefused, Conflict, NotFound, Unavailable
from candleloop.inference.bundle import ModelBundle
from candleloop.store import models
from candleloop.training.tracking import Tracker


@dataclass(frozen=True)
class PromotionOutcome:
    """What a promotion by hand changed; ``previous`` is the version served before, None when there was none."""

    label_set: str
    version: str
    previous: str | None
    revision: int
    pinned: bool
    how: models.How
    warnings: tuple[str, ...]


def promote_model(
    context: Context,
    version: str,
    *,
    override: bool = False,
    reason: str | None = None,
    expected_revision: int | None = None,
) -> PromotionOutcome:
    """Make a version the champion of its label set.

    A version that was served before is rolled back to, which pins it: no later training replaces it until it is
    unpinned. One that was never served must have passed the gate, or be promoted in spite of it with a reason.

    Parameters
    ----------
    override
        Promote it although the gate said no.
    reason
        In plain words, for the history; needed with ``override``.
    expected_revision
        The revision that the person saw; the present one unless given.

    Raises
    ------
    NotFound
        When there is no such version.
    BadRequest
        ``missing_reason`` when the gate is overruled without one.
    Conflict
        ``gate_failed`` with the gate's ``reasons``, ``champion_moved`` when somebody else promoted meanwhile,
        ``bundle_refused`` when its bundle cannot be served.
    """
    reason = (reason or "").strip() or None
    with context.database.read() as session:
        row = models.get(session, version)
        champion = models.champion(session, row.label_set)
        served_before = version in models.served_versions(session, row.label_set)
        gate = row.gate
        sha256, label_set, registry_version = row.bundle_sha256, row.label_set, row.registry_version
    previous, revision = (None, None) if champion is None else (champion.version, champion.revision)
    rolls_back = served_before and version != previous
    if not served_before and not gate.get("promote"):
        if not override:
            reasons = list(gate.get("reasons", ()))
            said = f" ({' '.join(reasons)})" if reasons else ""
            raise Conflict(
                f"Version {version} did not pass the gate{said}. Say override and why to promote it all the same.",
                code="gate_failed",
                field="override",
                reasons=reasons,
            )
        if reason is None:
            raise BadRequest("Say why the gate is overruled.", code="missing_reason", field="reason")
    try:
        ModelBundle.load(context.storage, version, sha256=sha256)
    except (BundleRefused, NotFound) as error:
        raise Conflict(f"Version {version} cannot be served: {error.message}", code="bundle_refused") from error
    how = models.How.ROLLBACK if rolls_back else models.How.MANUAL
    with context.database.begin() as session:
        now = models.promote(
            session,
            label_set,
            version,
            expected_revision=revision if expected_revision is None else expected_revision,
            how=how,
            reason=reason,
        )
        outcome = (now.revision, now.pinned)
    warnings: tuple[str, ...] = ()
    if registry_version is not None:
        try:
            tell_mlflow(context, label_set, version, registry_version)
        except Unavailable as error:
            warnings = (f"The champion alias in MLflow moves when it is back: {error.message}",)
    return PromotionOutcome(label_set, version, previous, *outcome, how, warnings)


def tell_mlflow(context: Context, label_set: str, version: str, registry_version: str) -> None:
    """Move MLflow's alias to a version and write down that it was moved.

    When two promotions overtake one another here, what was written down last is what the alias says, and the relay
    sees that it is not the champion.

    Raises
    ------
    Unavailable
        When MLflow cannot be reached, or does not know the version.
    """
    Tracker(context.tracking_url, context.tracking_database).set_champion(label_set, registry_version)
    with context.database.begin() as session:
        models.set_tracked(session, label_set, version)
