"""A kind of job for tests: it does as it is told. A worker that has imported this module can run it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import text

from candleloop.context import Context
from candleloop.errors import TooFewLabels, Unavailable
from candleloop.progress import Progress
from jobs.kinds import KINDS, Arguments, Kind
from jobs.runner import run_job
from tests.support.waiting import wait_for


class ProbeArguments(Arguments):
    """What the job shall do; ``folder`` is where it tells and is told things by files."""

    act: Literal["count", "wait", "fail", "crash", "away", "die_once", "die", "boost", "deaf", "read"]
    folder: str = ""


def run(job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run in a worker."""
    chosen = ProbeArguments.model_validate(arguments)
    return run_job(job_id, lambda context, progress: act(chosen, context, progress))


def act(chosen: ProbeArguments, context: Context, progress: Progress) -> dict[str, Any]:
    """Do as told."""
    folder = Path(chosen.folder)
    if chosen.act == "count":
        for done in range(101):
            progress("counting", done, 100, "numbers")
        return {"counted": 100}
    if chosen.act == "wait":
        progress("waiting", 1, 2, "steps")
        with (folder / "started").open("a") as file:
            file.write(f"{os.getpid()}\n")
        wait_for((folder / "go").exists, "permission to go on", 100)
        return {"waited": True}
    if chosen.act == "deaf":
        _be_deaf_once(folder)
        try:
            wait_for((folder / "go").exists, "permission to go on", 100)
        finally:
            time.sleep(1.2)  # meanwhile it is asked again
            (folder / "tidied").touch()
    if chosen.act == "read":
        _read(context, folder)
    if chosen.act == "fail":
        raise TooFewLabels("Only 2 spans of morning_star.", counts={"morning_star": 2})
    if chosen.act == "away":
        raise Unavailable("The tracking server does not answer.")
    if chosen.act in {"die", "die_once"}:
        first = not (folder / "died").exists()
        (folder / "died").touch()
        if first or chosen.act == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return {"survived": True}
    if chosen.act == "boost":
        return {"rounds": _boost()}
    raise RuntimeError("secret detail of the crash")


class _Deaf:
    """An object whose end takes long; Python drops whatever is raised in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __del__(self) -> None:
        with (self.folder / "started").open("a") as file:
            file.write(f"{os.getpid()}\n")
        wait_for((self.folder / "go").exists, "permission to go on", 100)


def _be_deaf_once(folder: Path) -> None:
    _Deaf(folder)
    (folder / "missed").touch()


def _read(context: Context, folder: Path) -> None:
    """Stay in a transaction until somebody has tried to stop the job twice, and then wait outside of it."""
    tries = []

    def counting(signum: int, stop: Any) -> None:
        def handle(*arguments: Any) -> None:
            tries.append(signum)
            stop(*arguments)

        signal.signal(signum, handle)

    for signum in (signal.SIGUSR1, signal.SIGALRM):
        counting(signum, signal.getsignal(signum))
    with context.database.read() as session:
        session.execute(text("SELECT 1"))
        (folder / "started").write_text(f"{os.getpid()}\n")
        wait_for(lambda: len(tries) >= 2, "second try to stop the job", 100)
        (folder / "whole").touch()
    wait_for((folder / "go").exists, "permission to go on", 100)


def _boost() -> int:
    import numpy as np
    import xgboost

    rng = np.random.default_rng(1)
    features = rng.standard_normal((2_000, 8))
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=2).fit(features, features[:, 0] > 0)
    model.predict_proba(features)
    return int(model.get_booster().num_boosted_rounds())


PROBE = Kind("probe", "batch", f"{__name__}.run", ProbeArguments, timeout=120, attempts=2)
HASTY = Kind("hasty_probe", "batch", f"{__name__}.run", ProbeArguments, timeout=2, attempts=1)
KINDS.update({kind.name: kind for kind in (PROBE, HASTY)})
