"""One progress bar for all long work, and what is known before it, on standard error; silent where nobody watches."""

import multiprocessing
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from neurosieve.printing import Screen

T = TypeVar("T")


def print_notes(lines: Iterable[str], *, always: bool = False) -> None:
    """Print what a reader should know before long work begins, a line each.

    Args:
        lines: The texts.
        always: Also when standard error is not a terminal; else nothing is printed then.
    """
    console = Screen(stderr=True)
    for line in lines if always or console.is_terminal else ():
        console.print(Text(f"· {line}", style="dim"), soft_wrap=True)


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield the items under a bar named `label`; no bar where standard error is no terminal, and none of a worker's."""
    console = Screen(stderr=True)
    silent = not console.is_terminal or multiprocessing.parent_process() is not None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=silent) as progress:
        yield from progress.track(items, total=total, description=label)
