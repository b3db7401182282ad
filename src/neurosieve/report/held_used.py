"""Values that neurons hold, beside what edits say of their use: detected × predicted × caused, in one table."""

from collections.abc import Sequence

from neurosieve.report.interventions import edit_name, outcome, with_whole
from neurosieve.report.numbers import NONE, count, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concepts import Concept, ConceptResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.measured import NotMeasured
from neurosieve.typing import View

_TAKES_AWAY = ("ablate", "clamp", "erase")  # what steering adds need not be what the model uses


def held_used_table(concepts: ConceptResult, edits: Sequence[InterventionResult]) -> Table:
    """Each value that is claimed or edited: "held" if some view has a claimed neuron or set, "used" if an effect is.

    Edits are those that take the value away; no row where neither is.
    """
    taking = [edit for edit in with_whole(edits) if edit.edit in _TAKES_AWAY]
    claimed = [c.name for view in concepts.views.values() for c in view.concepts if _holds(c)]
    rows = [_row(concepts, name, [e for e in taking if e.concept == name]) for name in dict.fromkeys(
        [*claimed, *(e.concept for e in taking)])]  # fmt: skip
    heads = ("value", "detected", "predicted", "caused", "verdict")
    return make_table("Values that are held and used", heads, rows)


def _holds(concept: Concept) -> bool:
    return bool(concept.claimed or concept.claimed_set)


def _row(concepts: ConceptResult, name: str, edits: Sequence[InterventionResult]) -> tuple[str, ...]:
    views: tuple[View, ...] = ("detect", "predict")
    found = [
        next((c for c in concepts.views[view].concepts if c.name == name), None) if view in concepts.views else None
        for view in views
    ]
    held, used = any(_holds(c) for c in found if c), any(edit.claimed for edit in edits)
    verdict = f"held, {'used' if used else 'not shown to be used'}" if held else "not held"
    if used and not held:
        verdict += ", but its neurons together are used"
    return name, *map(_best, found), "; ".join(map(_effect, edits)) or "no edit", verdict


def _best(concept: Concept | None) -> str:
    """The strongest neuron, claimed or not; where only a set is claimed, the set."""
    if concept is None or not concept.neurons:
        return NONE
    best = (concept.claimed or concept.neurons)[0]
    if not best.claimed and (few := concept.claimed_set):
        return f"claimed: set of {count(few.size)}, AP {ratio(few.ap, few.ap_interval)}"
    said = "claimed" if best.claimed else "not claimed"
    return f"{said}: {best.neuron}{' low' if best.low else ''}, AP {ratio(best.ap, best.interval)}"


def _effect(edit: InterventionResult) -> str:
    if isinstance(edit.predictions, NotMeasured):
        return f"{edit_name(edit)}: not measured"
    (own,) = (e for e in edit.predictions.effects if e.score == "property")
    return f"{edit_name(edit)}: {outcome(own)}"
