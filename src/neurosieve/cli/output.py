"""Standard output as the command line writes to it: closed, full or without a character, it never makes a traceback."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurosieve.cli.terminal import error_line
from neurosieve.errors import ResourceError
from neurosieve.printing import json_text

CLOSED = 141  # 128 and the number of SIGPIPE, as shells count


@contextlib.contextmanager
def safe_output() -> Iterator[None]:
    """Write through `Output`, to the end; characters that standard output has no code for become question marks."""
    with contextlib.ExitStack() as stack:
        stream: Any = sys.stdout
        if stream is None:  # closed before the start: its number must not go to the next file that is opened
            stream = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
        output = Output(stream)
        stack.callback(output.flush)
        stack.enter_context(contextlib.redirect_stdout(output))
        yield


class Output:
    """A stream that ends the command where nothing more can be written to it.

    Raises:
        SystemExit: The reader has closed it (code 141, as of any program in a pipe), or an error of writing (code 1).
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As of any text stream."""
        with self._ended():
            return int(self._stream.write(text))

    def flush(self) -> None:
        """As of any text stream."""
        with self._ended():
            self._stream.flush()

    @contextlib.contextmanager
    def _ended(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            self._drop()
            if isinstance(e, BrokenPipeError):
                raise SystemExit(CLOSED) from e
            error_line(str(_unwritable(e)))
            raise SystemExit(ResourceError.exit_code) from e

    def _drop(self) -> None:
        """What is not written yet goes nowhere, or Python would try again at its end."""
        with contextlib.suppress(OSError):  # a stream without a file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def print_json(value: Any) -> None:
    """A record, with escapes for what standard output has no code for."""
    print(json_text(value, sys.stdout.encoding or "utf-8"))


def print_result(result: Any) -> None:
    """A typed result in the form in which it is saved."""
    from neurosieve.results.codec import to_json  # loaded where a result is there

    print_json(to_json(result))


def _unwritable(error: OSError) -> ResourceError:
    return ResourceError(
        "standard output",
        expected="a place that takes the result",
        got=error.strerror or type(error).__name__,
        remedy="what was finished is saved; the same command prints it again",
    )
