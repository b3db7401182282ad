"""A file of another tool that cannot be read: one error for all that its library raises."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError

from safetensors import SafetensorError

from neurosieve.errors import DataError

# NumPy reads a header as Python's tokens.
_BROKEN = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    EOFError,
    SafetensorError,
    TokenError,
    SyntaxError,
    OverflowError,
)


@contextmanager
def whole(path: Path, kind: str) -> Iterator[None]:
    """A library's message about a broken file, as an error of ours.

    Raises:
        DataError: In place of the library's error.
    """
    try:
        yield
    except _BROKEN as e:
        reason = [*str(e).splitlines(), type(e).__name__][0]
        raise DataError(f"{path}", expected=f"a whole {kind} file", got=reason, remedy="write or copy it again") from e
