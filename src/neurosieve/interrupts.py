"""Ctrl-C while what a command needs is still being loaded: one line, and no traceback out of a library.

That takes seconds. Nothing is begun then, so the process ends at once; libraries that catch every exception while
they load cannot hold it up. Where neurosieve is a library, Ctrl-C stays what it is.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

INTERRUPTED = 130  # 128 and the signal's number, as shells count


def _end(*_: Any) -> None:
    with contextlib.suppress(OSError):  # closed standard error
        os.write(2, b"error: interrupted before anything was begun\n")
    os._exit(INTERRUPTED)


def _is_command_line() -> bool:
    """Was this very process begun as `neurosieve` or `python -m neurosieve`?"""
    name = (sys.argv or [""])[0]
    as_module = name == "-m" and " -m neurosieve " in f" {' '.join(sys.orig_argv)} "
    return (as_module or Path(name).stem == "neurosieve") and multiprocessing.parent_process() is None


def imported() -> None:
    """All is imported: from here on Ctrl-C is an exception."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if _is_command_line() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
