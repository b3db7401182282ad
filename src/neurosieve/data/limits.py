"""Bounds on the size of data files, checked while they are read: a small packed file can hold more than memory does.

A file is counted chunk by chunk as it is unpacked, so what is too large is refused before it is held. What a row is
depends on the format: a line, a record of CSV (line ends in quotes are part of it), a value of a JSON array, or the
lines up to a blank one.
"""

from pydantic import BaseModel, ConfigDict, Field

from neurosieve.errors import DataError
from neurosieve.storage.bounded_json import DEPTH

TOKENIZER_BYTES = 215  # a character, at the peak of tokenizing one text
LONG = 1_000_000  # characters of a text from which on that is worth a note
_SAID = {
    "rows": ("rows", "leave some out"),
    "characters": ("characters in a row", f"a text takes about {TOKENIZER_BYTES} bytes of memory a character: cut it"),
    "bytes": ("bytes, unpacked", "leave rows out"),
    "depth": ("brackets in brackets", "flatten the columns"),
}


class Limits(BaseModel):
    """What a data file may hold; far above ordinary data sets."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rows: int = Field(default=5_000_000, ge=1, description="rows of a file; of token tagging its labelled tokens")
    characters: int = Field(
        default=2_000_000, ge=1, description="characters of a row, as it is in the file; of source code, of a file"
    )
    bytes: int = Field(default=2**30, ge=1, description="bytes of a file, unpacked")
    # Python's own reader of JSON gives up at 1000 less what called it.
    depth: int = Field(default=DEPTH, ge=1, le=500, description="brackets in brackets of JSON")

    def check(self, key: str, where: str, size: int, *, at_least: bool = False) -> None:
        """Refuse what is above the limit `key`.

        Raises:
            TooLargeError: It is; `where` names it, and the option that raises the limit.
        """
        if size > (limit := getattr(self, key)):
            what, remedy = _SAID[key]
            raise TooLargeError(
                where,
                expected=f"at most {limit:,} {what}",
                got=f"{'at least ' if at_least else ''}{size:,}",
                remedy=f"{remedy}, or raise the limit with --set limits.{key}=N",
            )


class TooLargeError(DataError):
    """A file above one of the limits."""


LIMITS = Limits()
