"""Sending calls: retries where a repeated call does no harm, and problems as exceptions."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from client.problems import ServiceAway, ServiceProblem

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0
FEW_RETRIES = 4
"""The most while the service answers that it cannot now, and where nobody has ever answered: some three seconds."""
PASSING = frozenset({429, 502, 503, 504})
"""Statuses after which the same call may succeed a moment later."""


class Transport:
    """A connection to one service.

    Parameters
    ----------
    url
        Where the service listens.
    api_key
        Sent as a bearer token.
    timeout
        Seconds that a call may take; connecting may take 5 at most.
    retries
        How often a call is sent again that did not get through. Only calls are repeated that change nothing, or that
        the service knows again (by an idempotency key, by event ids). So many only for a service that has answered
        before and is away now, as it is while it starts again; else ``FEW_RETRIES`` at most.
    inner
        Another httpx transport, for a service in the same process.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None,
        *,
        timeout: float,
        retries: int,
        inner: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"User-Agent": "candleloop-client"} | (
            {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        )
        self._retries = retries
        self._has_answered = False
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=min(5.0, timeout)),
            transport=inner,
            trust_env=inner is None,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def json(self, method: str, path: str, *, repeatable: bool, **request: Any) -> Any:
        """Send a call and return its JSON answer; None for an answer without content."""
        answer = self.send(method, path, repeatable=repeatable, **request)
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, *, repeatable: bool, **request: Any) -> httpx.Response:
        """Send a call and return the answer.

        Raises
        ------
        ServiceProblem
            When the service refused it.
        ServiceAway
            When it did not get through.
        """
        request["params"] = _given(request.get("params"))
        few = min(self._retries, FEW_RETRIES)
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._client.request(method, path, **request)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                if attempt > (self._retries if self._has_answered else few) or not _may_repeat(error, repeatable):
                    raise ServiceAway(
                        f"{self._client.base_url} cannot be reached: {str(error).rstrip('.') or type(error).__name__}."
                    ) from error
                _pause(attempt, None)
                continue
            self._has_answered = True
            if answer.status_code in PASSING and repeatable and attempt <= few:
                _pause(attempt, answer.headers.get("retry-after"))
                continue
            if answer.is_success:
                return answer
            raise ServiceProblem.of(answer)

    def items(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Go through all pages of a list."""
        cursor = None
        while True:
            page = self.json("GET", path, repeatable=True, params={**params, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return


def _may_repeat(error: Exception, repeatable: bool) -> bool:
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return False
    # What was never connected was never done, so it may be sent again whatever it is.
    return repeatable or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _given(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in (params or {}).items()
        if value is not None
    }


def _pause(attempt: int, asked: str | None) -> None:
    """Wait before the next try: as long as the service asks for, else longer each time, never all clients at once."""
    grown = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret hangs on it
    wanted = float(asked) if asked is not None and asked.isdigit() else grown
    time.sleep(min(LONGEST_PAUSE_SECONDS, wanted))
