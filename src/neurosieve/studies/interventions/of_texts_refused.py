"""Edits are of values of tokens: one of a whole text is refused before anything is read."""

from neurosieve.concepts.properties.registry import PROPERTIES
from neurosieve.errors import ConfigError
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.text_sets import TextSets


def refuse_of_texts(concept: str, found: ConceptResult | None) -> None:
    """No predicted token has a value of whole texts, so that there is no effect to measure.

    Args:
        concept: `property=value`, or the name of a property alone.
        found: What was found in the run; None where concepts were not looked for.

    Raises:
        ConfigError: The property is one of whole texts, and the run did not look for it in tokens.
    """
    name = concept.partition("=")[0]
    sets = found.text_sets if found and isinstance(found.text_sets, TextSets) else None
    of_texts = {p.name for p in PROPERTIES.values() if p.scope == "example"}
    if sets:
        of_texts |= {c.property_name for c in sets.values.concepts} | {n.property_name for n in sets.numbers}
    of_tokens = {c.property_name for view in found.views.values() for c in view.concepts} if found else set()
    if name not in of_texts - of_tokens:
        return
    few = sets and sets.claimed.get(concept)
    known = f", claimed for {len(few)} neurons" if few else ""
    raise ConfigError(
        f"concept {concept}",
        expected="a value of tokens, which the model predicts",
        got=f"a property of whole texts{known}",
        remedy=_remedy(concept, claimed=bool(few)),
    )


def _remedy(concept: str, *, claimed: bool) -> str:
    """The set's neurons can be changed in Python; where there is none, only another concept helps."""
    if claimed:
        return f"edit these neurons in Python, concepts().text_sets.claimed[{concept!r}], with ns.live"
    return "name a value of tokens, such as lexical=number"
