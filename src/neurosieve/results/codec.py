"""Results as JSON and back, by their types: the one place that knows how a result is written.

A field stands under its name: tuples as lists, None as null. What was not measured is null, and the text under the same
key with `_reason` says why. A default stands for a key that files of earlier versions lack. Any other key that is
missing is an error, as is a value of another type. Keys that no field asks for are passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from neurosieve.errors import RunFolderError
from neurosieve.results.measured import NotMeasured

T = TypeVar("T")
_REMEDY = "delete the file and give the same command again, or use the version of neurosieve that wrote it"
_ABSENT = (NotMeasured, NoneType)  # what stands in a union for no value
_NAMES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


class Omitted:
    """Marks a field whose key is left out of the file where the field is None."""


class ReasonOmitted:
    """Marks a field that the file may give as null without a reason: then `NotMeasured` has no text."""


@dataclass(frozen=True, eq=False)
class Beside:
    """Marks a field whose own fields stand beside its neighbours in the file, not in an object of their own.

    Attributes:
        keys: The key of each inner field, in the order of the file; by default their names.
        lacked: Inner fields whose keys files of earlier versions lack: None stands for them.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    lacked: Sequence[str] = ()


_OBJECT = Beside()  # by its own names, in an object of its own


def to_json(result: Any) -> dict[str, Any]:
    """A result as its file holds it, keys in the order of the file."""
    return _written(result, _OBJECT)


def from_json(kind: type[T], record: Any, file: str) -> T:
    """A result from what its file holds.

    Args:
        kind: Its dataclass.
        record: The content.
        file: Named in errors.

    Raises:
        RunFolderError: A key that is missing, or a value of another type (names file and key: `effects[0].here.n`).
    """
    found: T = _value(kind, record, _Place(file))
    return found


@dataclass(frozen=True)
class _Part:
    """One field of a result, as its type tells how it stands in the file.

    Attributes:
        name: Of the field.
        key: Under which it stands, or the first of its own fields that stand beside its neighbours.
        kind: Its type, where it was measured.
        measured: It may not have been.
        beside: See `Beside`.
        omitted: See `Omitted`.
        reason_omitted: See `ReasonOmitted`.
        default: It has one.
    """

    name: str
    key: str
    kind: Any
    measured: bool
    beside: Beside | None
    omitted: bool
    reason_omitted: bool
    default: bool


@cache  # a result has thousands of values of few kinds
def _parts(kind: Any, own: Beside) -> tuple[_Part, ...]:
    """The fields of a dataclass, in the order of the file."""
    hints, defaults = _hints(kind), {part.name: part.default is not MISSING for part in fields(kind)}
    return tuple(
        _part(name, own.keys.get(name, name), hints[name], default=defaults[name])
        for name in dict.fromkeys((*own.keys, *defaults))
    )


def _part(name: str, key: str, hint: Any, *, default: bool) -> _Part:
    hint, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    beside = next((mark for mark in marks if isinstance(mark, Beside)), None)
    options = _options(hint)
    measured = NotMeasured in options
    kind = next(o for o in options if o not in _ABSENT) if measured or (options and beside) else hint
    if beside:
        key = _parts(kind, beside)[0].key
    return _Part(name, key, kind, measured, beside, Omitted in marks, ReasonOmitted in marks, default)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _options(hint: Any) -> tuple[Any, ...]:
    """The types of a union; none of any other type."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


def _written(result: Any, own: Beside) -> dict[str, Any]:
    record: dict[str, Any] = {}
    kind: Any = type(result)
    for part in _parts(kind, own):
        value = getattr(result, part.name)
        if part.omitted and value is None:
            continue
        if isinstance(value, NotMeasured):
            reason = {} if part.reason_omitted and not value.text else {f"{part.key}_reason": value.text}
            record |= {part.key: None} | reason
            continue
        shown = _written(value, part.beside) if part.beside else {part.key: _plain(value)}
        record[part.key] = shown[part.key]
        if part.measured and not part.reason_omitted:
            record[f"{part.key}_reason"] = None
        record |= shown
    return record


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_json(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True)
class _Place:
    """Where in which file a value stands."""

    file: str
    path: str = ""

    def key(self, name: str) -> "_Place":
        return replace(self, path=f"{self.path}.{name}" if self.path else name)

    def item(self, number: int) -> "_Place":
        return replace(self, path=f"{self.path}[{number}]")

    def error(self, expected: str, got: str) -> RunFolderError:
        subject = f"{self.file}: {self.path}" if self.path else self.file
        return RunFolderError(subject, expected=expected, got=got, remedy=_REMEDY)

    def of(self, record: Mapping[str, Any], key: str) -> Any:
        """The value under a key that has to be there."""
        if key not in record:
            raise self.key(key).error("a value", "no such key")
        return record[key]


def _object(kind: Any, record: Any, place: _Place, own: Beside) -> Any:
    if not isinstance(record, Mapping):
        raise place.error("an object", _told(record))
    values: dict[str, Any] = {}
    for part in _parts(kind, own):
        if part.omitted and part.default and part.key not in record:
            continue
        if part.measured and place.of(record, part.key) is None:
            values[part.name] = _not_measured(part, record, place)
        elif part.beside:
            values[part.name] = _object(part.kind, record, place, part.beside)
        elif part.key in record:
            values[part.name] = _value(part.kind, record[part.key], place.key(part.key))
        elif part.name in own.lacked:
            values[part.name] = None
        elif not part.default:
            place.of(record, part.key)
    return kind(**values)


def _not_measured(part: _Part, record: Mapping[str, Any], place: _Place) -> NotMeasured:
    reason = f"{part.key}_reason"
    if part.reason_omitted and reason not in record:
        return NotMeasured.told("")
    return NotMeasured.told(_value(str, place.of(record, reason), place.key(reason)))


def _value(hint: Any, value: Any, place: _Place) -> Any:
    """A value of JSON as the type has it."""
    if hint is Any:
        return value
    if options := _options(hint):
        return None if value is None else _value(next(o for o in options if o is not NoneType), value, place)
    if is_dataclass(hint):
        return _object(hint, value, place, _OBJECT)
    if get_origin(hint) is Literal:
        if value not in get_args(hint) or isinstance(value, bool):
            raise place.error(" or ".join(map(str, get_args(hint))), _told(value))
        return value
    if get_origin(hint) is Mapping:
        if not isinstance(value, Mapping):
            raise place.error("an object", _told(value))
        return {key: _value(get_args(hint)[1], one, place.key(key)) for key, one in value.items()}
    if get_origin(hint) is tuple or hasattr(hint, "_fields"):
        return _tuple(hint, value, place)
    if not isinstance(value, (int, float) if hint is float else hint) or (isinstance(value, bool) and hint is not bool):
        raise place.error(_NAMES[hint], _told(value))
    return hint(value)


def _tuple(hint: Any, value: Any, place: _Place) -> Any:
    """A list of any length, or of one value for each type; a named tuple is one."""
    kinds: tuple[Any, ...] = tuple(_hints(hint).values()) if hasattr(hint, "_fields") else get_args(hint)
    if not isinstance(value, list):
        raise place.error("a list", _told(value))
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise place.error(f"a list of {len(kinds)}", f"one of {len(value)}")
    found = [_value(kind, one, place.item(i)) for i, (kind, one) in enumerate(zip(kinds, value, strict=True))]
    return hint(*found) if hasattr(hint, "_fields") else tuple(found)


def _told(value: Any) -> str:
    """A value that was not expected."""
    return "null" if value is None else f"{value!r:.40}"
