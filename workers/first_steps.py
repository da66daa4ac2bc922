"""What happens on the first start: demo series in, auto-labelled, a first model trained; all of it the usual way."""

from __future__ import annotations

import time
from collections.abc import Callable

from candleloop.context import Context
from candleloop.progress import Progress
from candleloop.store import jobs
from candleloop.store.tables import JobRow
from jobs.connections import hasty_connection
from jobs.kinds import Arguments, AutolabelArguments, TrainArguments
from jobs.queue import dispatch, submit
from workers.supervisor import Supervisor

FOLLOW_SECONDS = 0.25
SERVED_SECONDS = 30.0


class FirstSteps:
    """Runs the first steps that have not been taken yet; taken up where an interrupted start left off.

    Parameters
    ----------
    context
        Database and files.
    redis_url
        Where the jobs go.
    serves_model
        Tells whether the API serves a model.
    supervisor
        Watches the processes meanwhile.
    progress
        Told how far each step is.
    say
        Tells the user a line.
    """

    def __init__(
        self,
        context: Context,
        redis_url: str,
        serves_model: Callable[[], bool],
        supervisor: Supervisor,
        progress: Progress,
        say: Callable[[str], None],
    ) -> None:
        self.context = context
        self.redis_url = redis_url
        self.serves_model = serves_model
        self.supervisor = supervisor
        self.progress = progress
        self.say = say
        self.label_set = context.config.label_set

    def take(self) -> None:
        """Import, label and train, unless that was done before.

        Raises
        ------
        StopAsked
            When the user wants to stop meanwhile; the next start goes on from there.
        """
        labelled = self._earlier("autolabel")
        if labelled is None:
            self.say("First start: importing the demo series (daily candles of AAPL, GOOG, IBM and MSFT).")
            from candleloop import pipeline

            pipeline.import_demo(self.context, self._interruptible)
            labelled = self._submit("autolabel", AutolabelArguments(label_set=self.label_set))
        if labelled.status in jobs.ENDED and self._earlier("train") is not None:
            return
        labelled = self._follow(labelled.id)
        if labelled.status != jobs.Status.SUCCEEDED:
            self.say(f"Auto-labelling did not succeed: {_reason(labelled)}")
            return
        self.say(f"TA-Lib has labelled the demo series: {(labelled.result or {}).get('spans', 0):,} patterns.")
        self.supervisor.wait_until_ready(["mlflow"])
        trained = self._submit("train", TrainArguments(label_set=self.label_set, reason="first"))
        trained = self._follow(trained.id)
        result = trained.result or {}
        if trained.status != jobs.Status.SUCCEEDED:
            self.say(f"Training the first model did not succeed: {_reason(trained)}")
        elif not result.get("promoted"):
            self.say(f"The gate did not let the first model go live: {'; '.join(result.get('reasons', []))}")
        elif self._is_served():
            self.say(f"The first model is trained and served: version {result.get('version')}.")
        else:
            self.say(
                f"The first model is trained (version {result.get('version')}), but the API does not serve it yet."
            )

    def _is_served(self) -> bool:
        """Wait until the API has noticed the new model; it looks every second or so."""
        deadline = time.monotonic() + SERVED_SECONDS
        while time.monotonic() < deadline:
            if self.serves_model():
                return True
            self.supervisor.pause(FOLLOW_SECONDS)
        return False

    def _key(self, kind: str) -> str:
        return f"first-{kind}-{self.label_set}"

    def _earlier(self, kind: str) -> JobRow | None:
        with self.context.database.read() as session:
            return jobs.with_idempotency_key(session, self._key(kind))

    def _submit(self, kind: str, arguments: Arguments) -> JobRow:
        with self.context.database.begin() as session:
            row = submit(
                session,
                kind,
                arguments,
                label_set=self.label_set,
                requested_by="first start",
                idempotency_key=self._key(kind),
            )
        with hasty_connection(self.redis_url) as connection:
            dispatch(self.context.database, connection, row.id)
        return row

    def _follow(self, job_id: str) -> JobRow:
        """Show the progress of a job until it has ended."""
        while True:
            with self.context.database.read() as session:
                row = jobs.get(session, job_id)
            if row.status in jobs.ENDED:
                return row
            if row.status == jobs.Status.RUNNING and row.stage is not None:
                self.progress(row.stage, row.done, row.total, row.unit)
            self.supervisor.restart_dead()
            self.supervisor.pause(FOLLOW_SECONDS)

    def _interruptible(self, stage: str, done: int, total: int | None = None, unit: str = "steps") -> None:
        self.progress(stage, done, total, unit)
        self.supervisor.pause(0)


def _reason(row: JobRow) -> str:
    return (row.error or {}).get("message", row.status) if row.status != jobs.Status.CANCELLED else "it was cancelled."
