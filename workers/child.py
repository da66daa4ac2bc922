"""Run a command that ends when its parent does: ``python -I -S workers/child.py PARENT SIGNAL COMMAND...``.

Uses nothing but the standard library, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, signal_number: int = signal.SIGKILL) -> None:
    """Ask the kernel to end this process when its parent dies; only Linux can.

    Parameters
    ----------
    parent
        Process id of the parent. It may have died before this call; then this process ends at once.
    signal_number
        What this process gets.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def main() -> None:
    """Become the command."""
    parent, signal_number, *command = sys.argv[1:]
    die_with_parent(int(parent), int(signal_number))
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
