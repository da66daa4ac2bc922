"""What the server that imports the application was told."""

from __future__ import annotations

import sys

import uvicorn


def uvicorn_config() -> uvicorn.Config | None:
    """Return the configuration of the uvicorn that imports the application just now; None when something else does.

    uvicorn tells its application nothing about the address that it will listen on, and the application must not start
    open to others. But it is uvicorn's configuration that imports it, so that is up the stack, whether it came from the
    command line, from the environment or from a call.
    """
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        holder = frame.f_locals.get("self")
        if isinstance(holder, uvicorn.Config):
            return holder
    return None
