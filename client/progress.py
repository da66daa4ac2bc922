"""How waiting for a job shows: nothing, a bar in a terminal or a notebook, or a function of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Watch = Callable[[Mapping[str, Any]], None]
"""Is told the job each time it was polled."""


@contextmanager
def watching(progress: bool | Watch) -> Iterator[Watch]:
    """Give what is told of each poll; ``True`` shows a bar where rich is installed."""
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda _job: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
    ) as bar:
        task = bar.add_task("waiting", total=None)

        def show(job: Mapping[str, Any]) -> None:
            at = job["progress"]
            stage = f"{job['kind']}: {at['stage'] or job['status']} ({at['unit']})"
            bar.update(task, description=stage, completed=at["done"], total=at["total"])

        yield show
