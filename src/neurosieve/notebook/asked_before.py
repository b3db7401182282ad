"""Does what a run holds answer what is asked, or has it to be found now?"""

from collections.abc import Sequence
from typing import Any

from neurosieve.results.concepts import ConceptResult


def answers(result: ConceptResult, properties: Sequence[str] | None, options: dict[str, Any]) -> bool:
    """Was all that is asked for found before, by the same options?"""
    if properties is not None:
        names = {name.partition(":")[0] for name in properties}
        looked = {c.property_name for view in result.views.values() for c in view.concepts}
        looked |= {name.partition("=")[0] for view in result.views.values() for name in view.left_out}
        if not names <= looked:
            return False
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    return all(key in result.options and result.options[key] == value for key, value in plain.items())
