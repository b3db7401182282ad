"""All properties by name, those of the package and those that a user adds."""

from neurosieve.concepts.properties.base import Property
from neurosieve.concepts.properties.examples import EXAMPLES
from neurosieve.concepts.properties.names import NAMES
from neurosieve.concepts.properties.text import TEXTS
from neurosieve.concepts.properties.tokens import TOKENS
from neurosieve.errors import ConfigError, unknown_name

PROPERTIES: dict[str, Property] = {p.name: p for p in (*TOKENS, *TEXTS, *NAMES, *EXAMPLES)}


def register_property(new: Property) -> Property:
    """Add a property under its name, for `annotate` and all that takes names.

    Raises:
        ConfigError: The name is taken.
    """
    if PROPERTIES.get(new.name, new) is not new:
        raise ConfigError(
            f"property {new.name!r}", expected="a new name", got="one that is taken", remedy="give it another name"
        )
    PROPERTIES[new.name] = new
    return new


def find_property(name: str) -> Property:
    """The property of this name.

    Raises:
        ConfigError: There is none.
    """
    if name not in PROPERTIES:
        raise unknown_name("property", name, PROPERTIES)
    return PROPERTIES[name]
