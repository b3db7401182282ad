"""Results as JSON and back, by their types: the one place that knows how a result is written.

A field has its name as key: tuples are lists, None is null. What was not measured is null, and the text under the same
key with `_reason` says why. A default replaces a key that files of earlier versions lack. Any other key that is
missing is an error, as is a value of another type. Keys that no field asks for are passed over. What differs from this
in a file is given by a mark of the field, see `marks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from neurosieve.errors import RunFolderError
from neurosieve.results.marks import Absent, Inline, Key, Omitted, ReasonIfMissing, ReasonOmitted
from neurosieve.results.measured import EARLIER, NotMeasured
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId

T = TypeVar("T")
_REMEDY = "delete the file and give the same command again, or use the version of neurosieve that wrote it"
_OBJECT = Inline()  # by its own names, in an object of its own
_NAMES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


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
    result: T = _value(kind, record, _Place(file))
    return result


@dataclass(frozen=True)
class _Part:
    """One field of a result, and how it is written in the file by its type.

    Attributes:
        name: Of the field.
        key: Under which it is written, or the first of its own fields that are written next to its neighbours.
        kind: Its type, where it was measured.
        missing: The kind of `NotMeasured` that may take its place; None if it is always measured.
        inline: See `Inline`.
        if_missing: See `ReasonIfMissing`.
        absent: See `Absent`.
        omitted: See `Omitted`.
        reason_omitted: See `ReasonOmitted`.
        default: It has one.
    """

    name: str
    key: str
    kind: Any
    missing: type[NotMeasured] | None
    inline: Inline | None
    if_missing: ReasonIfMissing | None
    absent: Absent | None
    omitted: bool
    reason_omitted: bool
    default: bool

    @property
    def reason(self) -> str | None:
        """The key under which the reason is always written, null if there is none."""
        always = self.missing and not (self.if_missing or self.absent or self.nullable or self.reason_omitted)
        return f"{self.key}_reason" if always else None

    @property
    def nullable(self) -> bool:
        """Null means None, so that there is no reason for it."""
        return NoneType in _options(self.kind) and not self.omitted


@cache  # a result has thousands of values of few kinds
def _parts(kind: Any, own: Inline) -> tuple[_Part, ...]:
    """The fields of a dataclass, in the order of the file."""
    hints, defaults = _hints(kind), {part.name: part.default is not MISSING for part in fields(kind)}
    names = dict.fromkeys((*own.keys, *defaults))
    return tuple(_part(name, own.keys.get(name), hints[name], default=defaults[name]) for name in names)


def _part(name: str, own_key: str | None, hint: Any, *, default: bool) -> _Part:
    hint, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    inline, if_missing, absent = _mark(marks, Inline), _mark(marks, ReasonIfMissing), _mark(marks, Absent)
    key = _mark(marks, Key)
    missing = next((one for one in _options(hint) if isinstance(one, type) and issubclass(one, NotMeasured)), None)
    inner = _without(hint, missing) if missing else hint
    first = own_key or (key.name if key else name)
    if inline:
        inner = _without(inner, NoneType)
        first = absent.keys[0] if absent else _parts(inner, inline)[0].key
    if if_missing:
        if_missing = ReasonIfMissing(if_missing.key or f"{first}_reason", if_missing.after or first)
    omitted, reason_omitted = Omitted in marks, ReasonOmitted in marks
    return _Part(name, first, inner, missing, inline, if_missing, absent, omitted, reason_omitted, default)


def _mark(marks: Sequence[Any], kind: type[T]) -> T | None:
    return next((mark for mark in marks if isinstance(mark, kind)), None)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _options(hint: Any) -> tuple[Any, ...]:
    """The types of a union; a type that is none alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _without(hint: Any, absent: type) -> Any:
    """`X` of a type `X | absent`."""
    left = tuple(option for option in _options(hint) if option is not absent)
    return left[0] if len(left) == 1 else Union[left]  # noqa: UP007 - of types that are known at run time alone


def _written(result: Any, own: Inline) -> dict[str, Any]:
    record: dict[str, Any] = {}
    kind: Any = type(result)
    parts = _parts(kind, own)
    for part in parts:
        value = getattr(result, part.name)
        if isinstance(value, NotMeasured):
            record |= {} if value == EARLIER else _unmeasured(part, value)
        elif not (part.omitted and value is None):
            record |= _measured(part, value)
        record |= _reasons_after(part.key, parts, result)
    return record


def _measured(part: _Part, value: Any) -> dict[str, Any]:
    shown = _written(value, part.inline) if part.inline else {part.key: _plain(value)}
    # Its reason follows the first of its keys.
    return {part.key: shown[part.key], part.reason: None} | shown if part.reason else shown


def _unmeasured(part: _Part, value: NotMeasured) -> dict[str, Any]:
    if part.absent:
        known = {key: _plain(getattr(value, key, None)) for key in part.absent.keys} | {"reason": value.text}
        return known if part.inline else {part.key: known}
    reason = part.reason or (f"{part.key}_reason" if part.reason_omitted and value.text else None)
    return {part.key: None} | ({reason: value.text} if reason else {})


def _reasons_after(key: str, parts: Sequence[_Part], result: Any) -> dict[str, str]:
    """The reasons that follow a key, each with those that follow itself."""
    reasons: dict[str, str] = {}
    for part in parts:
        if part.if_missing and part.if_missing.after == key:
            value = getattr(result, part.name)
            if isinstance(value, NotMeasured) and value != EARLIER:
                reasons[part.if_missing.key] = value.text
            reasons |= _reasons_after(part.if_missing.key, parts, result)
    return reasons


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_json(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(one) for one in value] if isinstance(value, tuple | list | NeuronSet) else value


@dataclass(frozen=True)
class _Place:
    """The place of a value in a file."""

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


def _object(kind: Any, record: Any, place: _Place, own: Inline) -> Any:
    if not isinstance(record, Mapping):
        raise place.error("an object", _shown(record))
    values: dict[str, Any] = {}
    for part in _parts(kind, own):
        if part.key not in record and part.name in own.lacked:
            values[part.name] = None
        elif part.key in record or not part.default:
            values[part.name] = _field(part, record, place)
    try:
        return kind(**values)
    except ValueError as e:  # a kind may say so itself
        raise place.error("parts that fit together", " ".join(str(e).split())[:200]) from e


def _field(part: _Part, record: Mapping[str, Any], place: _Place) -> Any:
    """The value of a field whose key is there, or has to be."""
    if part.missing and (missing := _not_measured(part, part.missing, record, place)):
        return missing
    if part.inline:
        return _object(part.kind, record, place, part.inline)
    return _value(part.kind, place.of(record, part.key), place.key(part.key))


def _not_measured(part: _Part, kind: type[NotMeasured], record: Mapping[str, Any], place: _Place) -> NotMeasured | None:
    """What takes the place of a field that was not measured; None if it was."""
    if part.absent:
        content = record if part.inline else place.of(record, part.key)
        return _absent(part, part.absent, kind, content, place if part.inline else place.key(part.key))
    if part.nullable or place.of(record, part.key) is not None:
        return None
    reason = part.if_missing.key if part.if_missing else f"{part.key}_reason"
    if part.reason_omitted and reason not in record:
        return kind.from_text("")
    return kind.from_text(_value(str, place.of(record, reason), place.key(reason)))


def _absent(part: _Part, mark: Absent, kind: Any, content: Any, place: _Place) -> NotMeasured | None:
    """The content of an object whose figures are null; None if it has figures."""
    known = {one.name for one in fields(kind)} - {"reason", "text"}
    nulls = [key for key in mark.keys if key not in known | {"reason"}]
    whole: Any = next(one for one in _options(part.kind) if is_dataclass(one))
    if not isinstance(content, Mapping) or not any(key in content and content[key] is None for key in nulls):
        return None
    if _needed(whole) <= content.keys():
        return None
    more = {key: _value(_hints(kind)[key], place.of(content, key), place.key(key)) for key in known}
    missing: NotMeasured = kind.from_text(_value(str, place.of(content, "reason"), place.key("reason")), **more)
    return missing


def _value(hint: Any, value: Any, place: _Place) -> Any:
    """A value of JSON as the type has it."""
    if hint is Any:
        return value
    if len(_options(hint)) > 1:
        return _of_union(hint, value, place)
    if is_dataclass(hint):
        return _object(hint, value, place, _OBJECT)
    if get_origin(hint) is Literal:
        return _of_words(get_args(hint), value, place)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_of_words([one.value for one in hint], value, place))
    if get_origin(hint) is Mapping:
        if not isinstance(value, Mapping):
            raise place.error("an object", _shown(value))
        return {key: _value(get_args(hint)[1], one, place.key(key)) for key, one in value.items()}
    if get_origin(hint) is tuple or hasattr(hint, "_fields"):
        return _tuple(hint, value, place)
    if hint is NeuronSet:
        return NeuronSet(_tuple(tuple[NeuronId, ...], value, place))
    if getattr(hint, "array_type", None) is np.ndarray:
        return _array(hint, value, place)
    if not isinstance(value, (int, float) if hint is float else hint) or (isinstance(value, bool) and hint is not bool):
        raise place.error(_NAMES[hint], _shown(value))
    return hint(value)


def _of_words(words: Sequence[Any], value: Any, place: _Place) -> Any:
    if value not in words or isinstance(value, bool):
        raise place.error(" or ".join(map(str, words)), _shown(value))
    return value


def _of_union(hint: Any, value: Any, place: _Place) -> Any:
    """None; a whole number or another; or an object that has all keys of its kind."""
    if NoneType in _options(hint):
        return None if value is None else _value(_without(hint, NoneType), value, place)
    kinds = _options(hint)
    if set(kinds) == {int, float}:
        return _value(int if isinstance(value, int) else float, value, place)
    whole = (kind for kind in kinds if isinstance(value, Mapping) and _needed(kind) <= value.keys())
    return _value(next(whole, kinds[0]), value, place)


@cache
def _needed(kind: Any) -> frozenset[str]:
    """Keys that an object of the kind has to have."""
    return frozenset(part.key for part in _parts(kind, _OBJECT) if not part.default)


def _tuple(hint: Any, value: Any, place: _Place) -> Any:
    """A list of any length, or of one value for each type; a named tuple is one."""
    kinds: tuple[Any, ...] = tuple(_hints(hint).values()) if hasattr(hint, "_fields") else get_args(hint)
    if not isinstance(value, list):
        raise place.error("a list", _shown(value))
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise place.error(f"a list of {len(kinds)}", f"one of {len(value)}")
    values = [_value(kind, one, place.item(i)) for i, (kind, one) in enumerate(zip(kinds, value, strict=True))]
    return hint(*values) if hasattr(hint, "_fields") else tuple(values)


def _array(hint: Any, value: Any, place: _Place) -> Any:
    """Numbers of one length in each dimension: whole ones as integers, others as floats."""
    try:
        array = np.array(value)
    except ValueError:  # rows of several lengths
        array = np.array(None)
    if not isinstance(array, hint) or not np.isfinite(array).all():
        raise place.error(f"finite numbers of shape [{hint.dim_str.strip()}]", _shown(value))
    return array


def _shown(value: Any) -> str:
    """A value that was not expected."""
    return "null" if value is None else f"{value!r:.40}"
