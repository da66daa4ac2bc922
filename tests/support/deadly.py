"""Interrupts programs at a call of a function of ours; run as a program itself, it kills one there.

``python -m tests.support.deadly MODULE FUNCTION before|after PROGRAM [ARGUMENT ...]``: at that call, before or after
its work, the process kills itself as a power cut would, inside whatever transaction it is in.
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any

Point = tuple[str, str, str]
"""A module, a function of it, and ``before`` or ``after`` it does its work."""


def interrupt(module: str, function: str, when: str, act: Callable[[], None]) -> None:
    """Let ``act`` be called at each call of a function."""
    place = importlib.import_module(module)
    real = getattr(place, function)

    def interrupted(*arguments: Any, **others: Any) -> Any:
        if when == "before":
            act()
        result = real(*arguments, **others)
        if when == "after":
            act()
        return result

    setattr(place, function, interrupted)


def main() -> None:
    """Run the program."""
    module, function, when, program, *arguments = sys.argv[1:]
    interrupt(module, function, when, lambda: os.kill(os.getpid(), signal.SIGKILL))
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
