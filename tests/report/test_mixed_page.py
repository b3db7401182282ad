"""One page whose parts are in different states: measured, not measured, at chance, claimed, not claimed."""

import re
from dataclasses import replace

from neurosieve.report import render_page
from neurosieve.results import ConceptResult, InterventionResult, NotMeasured, RedundancyResult
from tests.report.concept_results import concepts_of, found_neuron
from tests.report.edit_results import intervention, on_the_task_alone
from tests.report.records import all_seen, nothing, result_of, untrained
from tests.report.test_page import NO_VALUE, Texts

NOT_GROUPED = NotMeasured.from_text("no groups were asked for")


def study() -> RedundancyResult:
    """At chance, without untrained copies, control task and unseen rows; all else is measured."""
    return nothing(all_seen(untrained(result_of("full"))))


def concepts() -> ConceptResult:
    """Claims where the token is seen and none where it is hidden; no groups, but latent clusters."""
    result = concepts_of("full")
    weak = (found_neuron(0, 1, 0.06, claimed=False),)
    hidden = result.views["predict"]
    hidden = replace(hidden, concepts=tuple(replace(c, neurons=weak) for c in hidden.concepts))
    return replace(result, views={**result.views, "predict": hidden}, groups=NOT_GROUPED)


def edits() -> list[InterventionResult]:
    """One with a claimed effect, one without, one whose predictions were not measured."""
    return [intervention("ablate", claimed=True), intervention("clamp", claimed=False), on_the_task_alone("erase")]


def section(page: str, name: str) -> str:
    """The visible words of the part with that id, up to the next."""
    return " ".join(Texts(re.split(r'<section id="', page.partition(f'<section id="{name}"')[2])[0]).texts)


def test_each_part_shows_its_own_state() -> None:
    page = render_page(study(), "run", concepts(), edits())
    read = Texts(page)
    assert len(read.ids) == len(set(read.ids))
    text = " ".join(read.texts)
    assert not NO_VALUE.findall(text.replace("language None", ""))
    assert "no draw was asked for" in section(page, "control")
    for name in ("set", "pareto"):
        assert "the oracle is at chance" in section(page, name)
    assert "the oracle is at chance" not in section(page, "layers")
    assert {"latent", "effects", "edits"} <= set(read.ids)
    assert not {"sets", "values", "overlaps", "polysemy"} & set(read.ids)
    figures = re.findall(r'data-figure="?([\w-]+)', page)
    assert {"set", "pareto"}.isdisjoint(figures)
    assert page.count("<svg xmlns") == 2 * len(figures)


def test_claims_of_one_view_are_not_shown_for_another() -> None:
    page = render_page(study(), "run", concepts(), edits())
    values = len(concepts_of("full").views["detect"].concepts)
    seen, hidden = (re.findall(r"(?:not )?claimed:", section(page, f"values-{view}")) for view in ("detect", "predict"))
    assert sorted(set(seen)) == ["claimed:", "not claimed:"]
    assert hidden == ["not claimed:"] * values
