"""What to doubt: labels that are probably wrong, and how far two annotators agree."""

from __future__ import annotations

from collections.abc import Sequence

from candleloop.candles.store import CandleStore
from candleloop.context import Context
from candleloop.errors import CandleloopError
from candleloop.inference.bundle import ModelBundle
from candleloop.loop.agreement import Agreement, agreement_of
from candleloop.loop.disagreement import SURE, Kind
from candleloop.loop.suspects import Suspect, compared_series, find_suspects, merged
from candleloop.progress import Progress, silent
from candleloop.store import label_sets, models, predictions, series


def list_suspects(
    context: Context,
    label_set_name: str,
    *,
    series_ids: Sequence[str] | None = None,
    kinds: Sequence[Kind] | None = None,
    sure: float = SURE,
    unlabelled: bool = False,
    progress: Progress = silent,
) -> tuple[list[Suspect], int]:
    """Find the labels that are probably wrong or missing, over all series or some of them.

    Series that no model has predicted have none.

    Parameters
    ----------
    series_ids, unlabelled
        See :func:`~candleloop.loop.suspects.compared_series`.

    Returns
    -------
    suspects : list of Suspect
        The likeliest first.
    left_out : int
        Number of series left out because nobody has labelled them.

    Raises
    ------
    NotFound
        When there is no such label set or series.
    """
    store = CandleStore(context.storage)
    bundles: dict[str, ModelBundle | None] = {}
    parts = []
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
        rows, left_out = compared_series(session, label_set_name, series_ids, unlabelled=unlabelled)
        for done, row in enumerate(rows):
            progress("comparing", done, len(rows), "series")
            scoring = predictions.scoring(session, row.id, label_set_name)
            if scoring is None:
                continue
            version = scoring.model_version
            if version not in bundles:
                try:
                    sha256 = models.get(session, version).bundle_sha256
                    bundles[version] = ModelBundle.load(context.storage, version, sha256=sha256)
                except CandleloopError:
                    bundles[version] = None
            bundle, time = bundles[version], store.read(row.id, row.version).time
            usable = None if bundle is None else bundle.usable_bars(time)
            found = find_suspects(session, row.id, label_set, time, sure=sure, usable=usable)
            parts.append([one for one in found if kinds is None or one.dispute.kind in kinds])
    return merged(parts), left_out


def measure_agreement(
    context: Context, label_set_name: str, first: str, second: str, *, series_ids: Sequence[str] | None = None
) -> Agreement:
    """Return how far two annotators agree, by event F1 of each label; see :func:`agreement_of`.

    Raises
    ------
    NotFound
        When there is no such label set or series, or nothing of one of the two.
    """
    store = CandleStore(context.storage)
    with context.database.read() as session:
        label_set = label_sets.get(session, label_set_name)
        wanted = [row.id for row in series.every_series(session)] if series_ids is None else series_ids
        times = {}
        for series_id in wanted:
            row = series.get_series(session, series_id)
            times[series_id] = store.read(series_id, row.version).time
        return agreement_of(session, label_set, first, second, times)
