"""Who asks: the keys of the API, and which calls are answered without one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

ANYBODY = "api"
"""How jobs and feedback events are marked that came without a key, or with the one key that has no name."""

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs"})
"""Answered without a key: signs of life, and the description of the API, which is public with the source.

All below ``/docs/`` is open too: it is Swagger's page.
"""

CALLER = "candleloop.caller"
"""Where in the ASGI scope it stands who asks."""


class Keys:
    """The keys that open the API, none of them in clear.

    Parameters
    ----------
    named
        Keys by name; that of the key without a name is "".
    """

    def __init__(self, named: Mapping[str, str]) -> None:
        self._digests = {name: _digest(key.encode()) for name, key in named.items()}

    def __bool__(self) -> bool:
        """Tell whether a key is needed."""
        return bool(self._digests)

    def caller(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Return how what is done with the key in these headers is marked; None when there is no or a wrong one.

        Every key is compared, each in a time that does not depend on where it differs.
        """
        if not self._digests:
            return ANYBODY
        given = _digest(sent_key(headers))
        found = [name for name, digest in self._digests.items() if hmac.compare_digest(digest, given)]
        return None if not found else f"{ANYBODY}:{found[0]}" if found[0] else ANYBODY


def sent_key(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the key of ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``, empty where there is none.

    ``Authorization: Basic`` has it as the password, whoever the user: Label Studio can send nothing else to a model.
    """
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(key.strip(), validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"").strip()


def is_open(path: str) -> bool:
    """Tell whether a path is answered without a key."""
    return path in OPEN_PATHS or path.startswith("/docs/")


def _digest(key: bytes) -> bytes:
    """Make keys of any length equally long, so that comparing tells nothing about their length either."""
    return hashlib.sha256(key).digest()


async def _caller_of(request: Request) -> str:
    caller: str = request.scope.get(CALLER, ANYBODY)
    return caller


Caller = Annotated[str, Depends(_caller_of)]
"""How what this request asks for is marked: ``api``, or ``api:NAME`` with a named key."""
