"""HTTP Basic authentication of the dashboards: any user name, one password."""

from __future__ import annotations

import base64
import binascii
import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

CHALLENGE = 'Basic realm="candleloop", charset="UTF-8"'
REFUSAL = "The password is that of CANDLELOOP_DASHBOARD_PASSWORD, with any user name."


def is_right(authorization: str | None, password: str) -> bool:
    """Tell whether an Authorization header has the password; it takes as long wherever a wrong one differs."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, password.encode())


def basic_authorization(password: str) -> str:
    """Return the Authorization header that has the password."""
    return f"Basic {base64.b64encode(f'candleloop:{password}'.encode()).decode()}"


class PasswordGate:
    """ASGI middleware that asks for the password everywhere but at one path, where only life is shown.

    Parameters
    ----------
    app
        What is behind it.
    password
        What opens it.
    open_path
        Answered without.
    """

    def __init__(self, app: ASGIApp, password: str, open_path: str) -> None:
        self.app = app
        self.password = password
        self.open_path = open_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan" or scope.get("path") == self.open_path:
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode("latin-1")
        if is_right(given, self.password):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"www-authenticate", CHALLENGE.encode()), (b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL.encode()})
