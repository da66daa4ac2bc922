"""A Python that runs what it is told, one JSON text a line, all in one namespace; see :mod:`tests.support.guides`."""

from __future__ import annotations

import json
import sys
import traceback

if __name__ == "__main__":
    names: dict[str, object] = {"__name__": "__main__"}
    for order in sys.stdin:
        try:
            exec(compile(json.loads(order), "guide", "exec"), names)
            told = "done"
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            told = "failed"
        print(f"\n\0{told}", flush=True)  # noqa: T201 - the answer
