"""JSON from data files, whose escapes can name what is no Unicode: half of a surrogate pair."""

import json
import re
from typing import Any

from neurosieve.data.limits import LIMITS, Limits
from neurosieve.errors import DataError
from neurosieve.storage.bounded_json import depth_of

_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")  # UTF-8 itself holds no surrogates, so only an escape brings them
_HALF = re.compile(r"[\ud800-\udfff]")


def parse_json(
    text: str,
    where: str,
    *,
    expected: str = "JSON",
    remedy: str = "write one object a line",
    limits: Limits = LIMITS,
) -> Any:
    """The value of a JSON text.

    Args:
        text: The JSON.
        where: Names it in an error.
        expected: In an error: what should be there.
        remedy: In an error.
        limits: Their `depth` is counted before a value is made.

    Raises:
        DataError: No JSON, or nested too deep.
    """
    limits.check("depth", where, depth_of(text))
    try:
        return json.loads(text)
    except ValueError as e:
        reason = e.msg if isinstance(e, json.JSONDecodeError) else str(e)
        raise DataError(where, expected=expected, got=f"no JSON ({reason})", remedy=remedy) from e


def may_be_broken(text: str) -> bool:
    """Whether a JSON text has an escape that could be half a surrogate pair; a pair that is whole has them too."""
    return _ESCAPE.search(text) is not None


def check_unicode(value: object, where: str) -> None:
    """Refuse a value of JSON with half a surrogate pair in one of its texts or keys: nothing can encode it.

    Raises:
        DataError: There is one.
    """
    rest = [value]
    while rest:  # not by recursion: JSON may be nested deep
        item = rest.pop()
        if isinstance(item, dict):
            rest += [*item, *item.values()]
        elif isinstance(item, list):
            rest += item
        elif isinstance(item, str) and _HALF.search(item):
            raise DataError(
                where, expected="Unicode text", got="half a surrogate pair", remedy="mend the code's \\u escapes"
            )
