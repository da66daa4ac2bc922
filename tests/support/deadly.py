"""Runs a module as a program that is killed at a call of a function of ours.

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


def die_at(module: str, function: str, when: str, die: Callable[[], None]) -> None:
    """Let ``die`` be called at each call of a function, ``before`` or ``after`` it does its work."""
    place = importlib.import_module(module)
    real = getattr(place, function)

    def deadly(*arguments: Any, **others: Any) -> None:
        if when == "before":
            die()
        real(*arguments, **others)
        die()

    setattr(place, function, deadly)


def main() -> None:
    """Run the program."""
    module, function, when, program, *arguments = sys.argv[1:]
    die_at(module, function, when, lambda: os.kill(os.getpid(), signal.SIGKILL))
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
