"""Ctrl-C and SIGTERM, which end a command alike: what is being written is left out, what was finished stays.

While what a command needs is still being loaded, which takes seconds, nothing is begun: the process ends at once, with
one line and no traceback out of a library, and libraries that catch every exception while they load cannot hold it up.
Later both are a KeyboardInterrupt. Where neurosieve is a library, signals stay what they are.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

INTERRUPTED = 130  # 128 and the signal's number, as shells count
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_came: list[int] = []


def _end(number: int, *_: Any) -> None:
    with contextlib.suppress(OSError):  # closed standard error
        os.write(2, b"error: interrupted before anything was begun\n")
    os._exit(128 + number)


def _interrupt(number: int, *_: Any) -> None:
    _came.append(number)
    raise KeyboardInterrupt


def exit_code() -> int:
    """Of a command that was interrupted: 128 and the number of the first signal that came."""
    return 128 + _came[0] if _came else INTERRUPTED


def _is_command_line() -> bool:
    """Was this very process begun as `neurosieve` or `python -m neurosieve`?"""
    name = (sys.argv or [""])[0]
    as_module = name == "-m" and " -m neurosieve " in f" {' '.join(sys.orig_argv)} "
    return (as_module or Path(name).stem == "neurosieve") and multiprocessing.parent_process() is None


def imported() -> None:
    """All is imported: from here on both signals are an exception."""
    for number in _SIGNALS:
        if signal.getsignal(number) is _end:
            signal.signal(number, _interrupt)


def watch() -> None:
    """From here on both signals end the process at once, until all is imported."""
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):  # else a parent has it ignored
            signal.signal(number, _end)


if _is_command_line():
    watch()
