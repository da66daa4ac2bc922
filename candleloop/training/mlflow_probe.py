"""Whether MLflow answers, without its client: importing that takes seconds, and it retries for minutes."""

from __future__ import annotations

import httpx

PROBE_SECONDS = 3.0


def why_mlflow_is_away(url: str) -> str | None:
    """Ask an MLflow server for a sign of life; return what went wrong, None when it answers or is a database file."""
    if not url.startswith(("http://", "https://")):
        return None
    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=PROBE_SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    return None
