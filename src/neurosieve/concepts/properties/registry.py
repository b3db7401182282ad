"""All properties by name, those of the package and those that a user adds."""

from collections.abc import Mapping, Sequence

from neurosieve.concepts.properties.by_characters import TEXTS
from neurosieve.concepts.properties.by_place import TOKENS
from neurosieve.concepts.properties.by_role import NAMES
from neurosieve.concepts.properties.contract import Property
from neurosieve.concepts.properties.of_texts import EXAMPLES
from neurosieve.concepts.properties.unions import union_from_text, union_of
from neurosieve.errors import ConfigError, unknown_name

PROPERTIES: dict[str, Property] = {p.name: p for p in (*TOKENS, *TEXTS, *NAMES, *EXAMPLES)}


_OWN = frozenset(PROPERTIES)


def register_property(new: Property) -> Property:
    """Add a property under its name, for `annotate` and all that takes names, in this process.

    A name that was registered before means the new one. `neurosieve.testing.check_property` tries a property.

    Examples:
        >>> from neurosieve.concepts.properties import Property
        >>> def read(source, spans):
        ...     return ["yes" if end - start > 8 else "no" for start, end in spans]
        >>> ns.register_property(Property("long-word", "token", "longer than eight characters", read)).name
        'long-word'

    Raises:
        ConfigError: The name of a property of the package.
    """
    if new.name in _OWN and PROPERTIES.get(new.name) is not new:
        raise ConfigError(
            f"property {new.name!r}",
            expected="a name of its own",
            got="one of the package's",
            remedy="give it another name",
        )
    PROPERTIES[new.name] = new
    return new


def find_property(name: str, more: Mapping[str, Property] | None = None) -> Property:
    """The property of this name, or the union that `NAME:property=value|property=value` makes.

    Args:
        name: A name, or the text of a union.
        more: Properties in addition to the registered ones.

    Raises:
        ConfigError: There is none; a union of what there is not.
    """
    known = PROPERTIES | dict(more or {})
    if name not in known and "=" in name:
        return union_from_text(name, known)
    if name not in known:
        raise unknown_name("property", name, known)
    return known[name]


def union_property(
    name: str, values: Mapping[str, Sequence[str]], *, rest: str | None = None, description: str = ""
) -> Property:
    """A property whose values take values of registered properties together.

        union_property("sign", {YES: ["lexical=operator", "lexical=punctuation"]}, rest=NO)

    Args:
        name: Of the property.
        values: For each of its values the parts, named `property=value`; a row with any of them has it, the first
            value in this order where parts of several fit.
        rest: Value of rows that have some value of these properties, but no part; None: it does not apply to them.
        description: One line.

    Raises:
        ConfigError: A part that is unknown or named twice, a value without parts, properties of tokens and those of
            whole texts, or a bad name.
    """
    return union_of(name, values, PROPERTIES, rest=rest, description=description)
