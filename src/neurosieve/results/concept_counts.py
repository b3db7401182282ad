"""What was read for concepts: texts and tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TextCounts:
    """Texts that were read.

    Attributes:
        read: All.
        with_errors: Those that hold code which does not parse.
        framed: Fragments, which were parsed inside a frame of typical code.
    """

    read: int
    with_errors: int
    framed: int


@dataclass(frozen=True, kw_only=True)
class TokenCounts:
    """Tokens that were read.

    Attributes:
        read: All.
        in_error: Those in code that does not parse.
    """

    read: int
    in_error: int
