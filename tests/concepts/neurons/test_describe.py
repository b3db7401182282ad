"""The sentence on a neuron: what it says follows from the scores, and nothing more is said."""

from dataclasses import replace

import pytest

from neurosieve.concepts.neurons.describe import describe
from neurosieve.results.concepts import Concept, ConceptNeuron, UnseenRows
from neurosieve.typing import NeuronId, View

NEURON = NeuronId(4, 31)
RIVALS = {"position": 0.2, "length": 0.3, "frequency": 0.1, "lookup": 0.86}


def scored(ap: float, auroc: float, lacking: str = "", *, low: bool = False, q: float | None = 0.001) -> ConceptNeuron:
    ends = (ap - 0.01, ap + 0.01)
    return ConceptNeuron(
        neuron=NEURON, low=low, train_auroc=auroc, train_ap=ap, auroc=auroc, ap=ap, interval=ends, iou=0.5, effect=2.0,
        z=9.0, q=q, selectivity=0.9, p=0.001, unseen_ap=None, claimed=not lacking, lacking=lacking,
    )  # fmt: skip


def concept(name: str, *neurons: ConceptNeuron, view: View = "detect", base: float = 0.05) -> Concept:
    prop, _, value = name.partition("=")
    return Concept(
        view=view, property_name=prop, value=value, train=100, test=50, base=base, rivals=RIVALS,
        unseen=UnseenRows(5, 0.1), neurons=neurons, layers=(0.5,) * 5,
    )  # fmt: skip


NUMBER = concept("lexical=number", scored(0.97, 0.99))
STRING = concept("lexical=string", scored(0.2, 0.71, "AP 0.20 < 0.8", low=True))


def test_a_claim_stands_beside_rival_and_guess() -> None:
    assert describe(NEURON, [STRING, NUMBER], 5) == (
        "4:31 (layer 4 of 4) is high on lexical=number (AP 0.97; the text of the token has 0.86, a guess has 0.05);"
        " less clearly low on lexical=string (AUROC 0.71; a guess has 0.50)."
    )


def test_without_a_claim_the_sentence_says_what_is_lacking() -> None:
    assert describe(NEURON, [STRING], 5) == (
        "4:31 (layer 4 of 4) is claimed for no value; nearest, it is low on lexical=string (AP 0.20; the text of the"
        " token has 0.86, a guess has 0.05), not claimed: AP 0.20 < 0.8."
    )


def test_a_neuron_that_is_shown_for_nothing() -> None:
    assert describe(NeuronId(1, 1), [NUMBER], 5) == "1:1 (layer 1 of 4) is among the strongest neurons of no value."


@pytest.mark.parametrize(
    "weak", [scored(0.3, 0.69, "low"), scored(0.3, 0.9, "low", q=0.2), scored(0.3, 0.9, "low", q=None)]
)
def test_what_chance_may_do_is_not_told(weak: ConceptNeuron) -> None:
    assert "less clearly" not in describe(NEURON, [NUMBER, concept("use=use", weak)], 5)


def test_the_best_claim_goes_first_and_many_are_counted() -> None:
    others = [concept(f"role=r{i}", scored(0.8 + i / 100, 0.95)) for i in range(4)]
    text = describe(NEURON, [*others, NUMBER], 5)
    places = [text.index(name) for name in ("lexical=number", "role=r3", "role=r2")]
    assert places == sorted(places)
    assert "role=r1" not in text
    assert "; also 2 more." in text


def test_hidden_tokens_are_spoken_of_as_such() -> None:
    hidden = replace(NUMBER, view="predict")
    assert "high before lexical=number (AP 0.97; the text of the last token has 0.86" in describe(NEURON, [hidden], 5)


def test_rivals_that_have_no_score_are_passed_over() -> None:
    none = replace(NUMBER, rivals=dict.fromkeys(RIVALS))
    assert describe(NEURON, [none], 5) == "4:31 (layer 4 of 4) is high on lexical=number (AP 0.97; a guess has 0.05)."
    some = replace(NUMBER, rivals={"position": 0.4, "lookup": None})
    assert "the place in line and file has 0.40, a guess" in describe(NEURON, [some], 5)
