"""Whether MLflow answers, without its client: importing that takes seconds, and it retries for minutes."""

from __future__ import annotations

import hashlib

import httpx

from candleloop.urls import without_credentials

PROBE_SECONDS = 3.0

DATABASE_HEADER = "x-candleloop-database"
"""By this header of its answers a server tells which database file it keeps its runs in, as :func:`database_tag`."""


def database_tag(database: str) -> str:
    """Return what stands for a database file where its path is nobody's business."""
    return hashlib.sha256(database.encode()).hexdigest()[:16]


def why_mlflow_is_away(url: str, database: str | None = None, *, seconds: float = PROBE_SECONDS) -> str | None:
    """Ask an MLflow server for a sign of life; return what went wrong, None when it answers or is a database file.

    Life is shown without the password of the URL. With ``database``, the server must keep its runs there: on a machine
    with two data folders the one at this address may be the other's.
    """
    if not url.startswith(("http://", "https://")):
        return None
    try:
        answer = httpx.get(f"{without_credentials(url).rstrip('/')}/health", timeout=seconds).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    if database is not None and answer.headers.get(DATABASE_HEADER) != database_tag(database):
        return "another MLflow server answers there, not the one of this data folder"
    return None
