"""What waits to teach the next model."""

from __future__ import annotations

from sqlalchemy.orm import Session

from api.schemas import FeedbackWaiting
from api.service import Service
from candleloop.store import jobs, outbox
from jobs.retrain import WaitingEvents, retrain_at


def feedback_waiting(service: Service, session: Session, label_set: str) -> FeedbackWaiting:
    """Count what waits to teach, and tell when the retrain that takes it up is due."""
    scheduled = [row.scheduled_for or row.created_at for row in jobs.jobs_of(session, "train", label_set, ["queued"])]
    waiting = next((item for item in outbox.waiting(session) if item.label_set == label_set), None)
    if waiting is None:
        return FeedbackWaiting(waiting=0, next_retrain_at=min(scheduled, default=None))
    due = retrain_at(WaitingEvents(waiting.first, waiting.last, waiting.count), service.context.config.retrain)
    return FeedbackWaiting(waiting=waiting.count, next_retrain_at=min(scheduled, default=due))
