"""Marks of a result's fields, as `Annotated[kind, mark]`: how a field is written that is not like the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Key:
    """Marks a field whose key in the file is not its name."""

    name: str


class Omitted:
    """Marks a field whose key is left out of the file where the field is None."""


class ReasonOmitted:
    """Marks a field that the file may give as null without a reason: then `NotMeasured` has no text."""


@dataclass(frozen=True)
class ReasonIfMissing:
    """Marks a field that may not be measured, whose reason is in the file only if it is not.

    Attributes:
        key: Of the reason; by default that of the field with `_reason`.
        after: The key that the reason follows: of a field or of another reason; by default that of the field.
    """

    key: str = ""
    after: str = ""


@dataclass(frozen=True)
class Absent:
    """Marks a field that may not be measured and is then written as an object too.

    Attributes:
        keys: Of that object, in the order of the file: `reason`, what the kind of `NotMeasured` knows; others are null.
    """

    keys: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Inline:
    """Marks a field whose own fields are written next to its neighbours in the file, not in an object of their own.

    Attributes:
        keys: The key of each inner field, in the order of the file; by default their names.
        lacked: Inner fields whose keys files of earlier versions lack: they are None.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    lacked: Sequence[str] = ()
