"""The progress of an import: what it is reading, checking or writing, on the terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

BYTES_TOLD_MIN = 1_000_000
"""A smaller file is done before a bar could be read."""


@contextmanager
def staging(size: int) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on standard error for `size` bytes; call what is yielded with stage, done, total.

    None where standard error is no terminal, or the files are small.
    """
    if size < BYTES_TOLD_MIN or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def tell(stage: str, done: int, total: int) -> None:
            """From any thread: rich locks."""
            bar.update(task, description=stage, completed=done, total=total or None)

        yield tell
