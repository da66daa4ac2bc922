"""Signs of life."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Each part is ``ok``, or says what is missing; only the database decides whether the service is ready."""

    status: Literal["ready", "not_ready"]
    database: str
    model: str
    redis: str
    mlflow: str
    workers: str
