"""Where the command line writes: standard output and, of errors, one line on standard error."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from neurosieve.errors import NeurosieveWarning
from neurosieve.printing import Screen


def console() -> Screen:
    """Standard output; `NO_COLOR` and pipes are respected by rich."""
    return Screen()


def warning_line(message: str) -> None:
    """One yellow line on standard error, never wrapped."""
    text = Text(" ".join(message.split()), style="yellow")
    Screen(stderr=True, soft_wrap=True).print(Text("warning: ", style="bold yellow") + text)


@contextlib.contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Within the context the package's own warnings are lines; all others are shown as Python shows them."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def shown(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, NeurosieveWarning):
                warning_line(str(message))
            else:
                show(message, category, *where, **more)

        warnings.showwarning = shown
        yield


def error_line(message: str) -> None:
    """One red line on standard error, never wrapped."""
    text = Text(" ".join(message.split()), style="red")
    Screen(stderr=True, soft_wrap=True).print(Text("error: ", style="bold red") + text)
