"""What a call can end with besides an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class ServiceProblem(Exception):
    """The service refused a call.

    Attributes
    ----------
    status
        HTTP status.
    code
        Stable code of the problem, e.g. ``no_model``.
    detail
        A sentence for people; names row and field where there are some.
    more
        All else that the service said: ``row``, ``field``, ``counts``, ``correlation_id``.
    """

    def __init__(self, status: int, code: str, detail: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{detail} ({code})")
        self.status = status
        self.code = code
        self.detail = detail
        self.more = dict(more or {})

    @classmethod
    def of(cls, answer: httpx.Response) -> ServiceProblem:
        """Read a refusal; one that is not ours (a proxy's page, say) is told by its status."""
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("code"), str):
            detail = f"{answer.request.url} answered {answer.status_code}, but not as candleloop does."
            return cls(answer.status_code, "not_candleloop", detail)
        known = {"type", "title", "status", "detail", "code"}
        more = {name: value for name, value in body.items() if name not in known and value is not None}
        return cls(answer.status_code, body["code"], str(body.get("detail", body["code"])), more)


class ServiceAway(Exception):
    """The service could not be reached, also after every retry."""


class JobFailed(Exception):
    """A job ended without a result.

    Attributes
    ----------
    job
        The job as the service shows it: ``status`` is ``failed`` or ``cancelled``, ``error`` says why.
    """

    def __init__(self, job: Mapping[str, Any]) -> None:
        error = job.get("error") or {"code": job["status"], "message": f"The job was {job['status']}."}
        super().__init__(f"{error['message']} ({error['code']}; job {job['id']})")
        self.job = dict(job)
