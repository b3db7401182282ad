"""Marks of a result's fields, as `Annotated[kind, mark]`: how a field stands in its file where it is not as all are."""

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
class Told:
    """Marks a field that may not be measured, whose reason stands in the file only where it is not.

    Attributes:
        key: Of the reason; by default that of the field with `_reason`.
        after: The key behind which the reason stands: of a field or of another reason; by default that of the field.
    """

    key: str = ""
    after: str = ""


@dataclass(frozen=True)
class Absent:
    """Marks a field that may not be measured and then stands as an object too.

    Attributes:
        keys: Of that object, in the order of the file: `reason`, what the kind of `NotMeasured` knows; others are null.
    """

    keys: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Beside:
    """Marks a field whose own fields stand beside its neighbours in the file, not in an object of their own.

    Attributes:
        keys: The key of each inner field, in the order of the file; by default their names.
        lacked: Inner fields whose keys files of earlier versions lack: None stands for them.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    lacked: Sequence[str] = ()
