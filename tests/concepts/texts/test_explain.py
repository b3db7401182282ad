"""Neurons that follow loops, length, nothing or the label are each explained by what they follow, by nothing else."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.properties import PROPERTIES, annotate, column_property
from neurosieve.concepts.texts.example_findings import ExampleFindings
from neurosieve.concepts.texts.explain import explain_examples
from neurosieve.concepts.texts.single_texts import CHARACTERS, LINES, excerpt, single_texts
from neurosieve.data.dataset import Dataset, Span
from neurosieve.errors import ConfigError, DataError
from neurosieve.results import from_json, to_json
from neurosieve.results.whole_texts import TextFindings
from neurosieve.typing import NeuronId
from tests.concepts.example_texts import (
    DEAD,
    LONG,
    LOOPS,
    NOISE,
    TASK,
    TEXTS,
    WIDTH,
    as_pairs,
    functions,
    store_of,
    values,
)

NEURONS = [NeuronId(1, i) for i in (TASK, LOOPS, DEAD, LONG, NOISE)]
TASK_AT, LOOPS_AT, LONG_AT, NOISE_AT = range(4)  # without the dead one
_HOME = TemporaryDirectory(prefix="explain-")  # lives as long as the test process
DRAWS = 200
FEW = ("loops", "length", "comment-share")


def explained(dataset: Dataset, store: ActivationStore, **options: object) -> ExampleFindings:
    spoken = ["python"] * len(dataset.examples)
    return explain_examples(store, dataset, spoken, NEURONS, **{"draws": DRAWS, "properties": FEW} | options)  # type: ignore[arg-type]


@cache
def plain() -> tuple[Dataset, ActivationStore, ExampleFindings]:
    dataset = functions()
    store = store_of(dataset, Path(_HOME.name) / "plain")
    return dataset, store, explained(dataset, store)


@cache
def turned() -> ExampleFindings:
    """The neuron of loops is low at them on test, and high on train."""
    dataset = functions()
    return explained(dataset, store_of(dataset, Path(_HOME.name) / "turned", turned=True))


def test_each_neuron_is_explained_by_what_it_follows() -> None:
    _, _, found = plain()
    assert found.neurons == tuple(NEURONS[i] for i in (0, 1, 3, 4))
    assert found.rank == (1, 2, 4, 5)
    assert found.dead == (NeuronId(1, DEAD),)
    assert "loops" in found.explained_by(LOOPS_AT)
    assert found.verdict(LOOPS_AT).startswith("by ")
    assert "above length" in found.verdict(LOOPS_AT)
    assert found.explained_by(LONG_AT) == ()
    assert found.by_length(LONG_AT)
    assert found.verdict(LONG_AT) == f"by length (R² {found.length.value[LONG_AT]:.2f})"
    assert found.verdict(NOISE_AT) == found.verdict(TASK_AT) == "not explained"
    assert not found.by_length(LOOPS_AT)
    assert found.together.value[LOOPS_AT] > 0.85 < found.together.value[LONG_AT]
    assert found.together.interval[NOISE_AT, 0] < 0.1


def test_the_label_stands_beside_and_explains_nothing() -> None:
    _, _, found = plain()
    assert found.alone["label"].value[TASK_AT] > 0.5
    assert found.gain["label"].interval[TASK_AT, 0] > 0.5
    assert found.explained_by(TASK_AT) == ()
    neuron = found.result().neurons[TASK_AT]
    assert {v.value for v in neuron.label.values} == {"a", "b"}
    assert all(v.confirmed for v in neuron.label.values)
    assert "label" not in {v.property for v in neuron.values} | {p.property for p in neuron.properties}
    high, low = ([s.label for s in snippets] for snippets in (neuron.highest, neuron.lowest))
    assert (high, low) == (["b"] * 5, ["a"] * 5)


@pytest.mark.parametrize("split", ["train", "test"])
def test_scores_are_those_of_the_texts(split: str) -> None:
    dataset, _, found = plain()
    own = [i for i, e in enumerate(dataset.examples) if e.split == split]
    texts = [dataset.examples[i].text for i in own]
    codes = annotate(texts, "python", properties=["loops", "length"])
    scores = getattr(found, split)
    assert scores.rows == TEXTS["train" if split == "train" else "test"]
    for column in ("loops=0", "loops=1", "length=51-100"):
        v = scores.values.index(tuple(column.split("=")))
        truth = codes.target(column).positive
        assert scores.n[v] == truth.sum()
        for place, neuron in ((LOOPS_AT, LOOPS), (LONG_AT, LONG), (NOISE_AT, NOISE)):
            x = values(dataset.examples)[1, own, neuron].numpy() * (-1 if found.train.low[place, v] else 1)
            assert scores.auroc[place, v] == pytest.approx(roc_auc_score(truth, x), abs=0.02)
            assert scores.ap[place, v] == pytest.approx(average_precision_score(truth, x), abs=0.03)
    np.testing.assert_array_equal(found.test.low, found.train.low)


def test_a_finding_that_turns_on_test_is_not_confirmed() -> None:
    _, _, found = plain()
    other = turned()
    v = found.train.values.index(("loops", "1"))
    assert found.confirmed[LOOPS_AT, v]
    assert other.train.q[LOOPS_AT, v] < 0.05 > other.test.q[LOOPS_AT, v]
    assert other.test.auroc[LOOPS_AT, v] < 0.1
    assert not other.confirmed[LOOPS_AT, v]
    assert other.explained_by(LOOPS_AT) == ()


def test_test_texts_choose_nothing() -> None:
    _, _, found = plain()
    other = turned()
    for name in ("low", "auroc", "ap", "effect", "z", "q"):
        np.testing.assert_array_equal(getattr(other.train, name), getattr(found.train, name), err_msg=name)


def test_texts_are_the_same_in_other_shards(tmp_path: Path) -> None:
    dataset, store, _ = plain()
    other = single_texts(store_of(dataset, tmp_path / "store", shard=7), dataset, "train", NEURONS)
    whole = single_texts(store, dataset, "train", NEURONS)
    assert other.examples == whole.examples == tuple(dataset.split("train"))
    assert other.label == whole.label == tuple(e.spans[0].label for e in whole.examples)
    np.testing.assert_array_equal(other.values, whole.values)


def test_snippets_are_the_ends_of_the_test_texts_each_of_another_group() -> None:
    dataset, _, found = plain()
    test = [e for e in dataset.examples if e.split == "test"]
    x = values(dataset.examples)[1].numpy()
    train = np.array([e.split == "train" for e in dataset.examples])
    own = np.array([e.split == "test" for e in dataset.examples])
    for place, neuron in ((LOOPS_AT, LOOPS), (LONG_AT, LONG)):
        z = (x[own, neuron] - x[train, neuron].mean()) / x[train, neuron].std()
        best: dict[str, int] = {}
        for i in np.argsort(-z):
            best.setdefault(test[i].group, int(i))
        wanted = list(best.values())[:5]
        assert [s.id for s in found.highest[place]] == [test[i].id for i in wanted]
        assert [s.value for s in found.highest[place]] == pytest.approx(z[wanted].tolist(), abs=1e-4)
        lowest = [s.value for s in found.lowest[place]]
        assert lowest == sorted(lowest)
        assert lowest[0] == pytest.approx(z.min(), abs=1e-4)


@given(st.text("ab \n\u2028é", max_size=900))
@example("a\n" * LINES)
@example("a\n" * (LINES + 1))
@example("a" * (CHARACTERS + 1))
def test_an_excerpt_is_a_beginning_and_says_what_is_cut(text: str) -> None:
    head, cut = excerpt(text)
    lines = [line for line in text.split("\n") if line.strip()]
    assert len(head) <= CHARACTERS
    assert len(head.split("\n")) <= LINES
    assert "\n".join(lines).startswith(head)
    assert (cut is None) == (head == "\n".join(lines))
    if cut is not None:
        assert cut.endswith(("lines", "characters"))


def test_of_pairs_each_text_counts_once_and_has_no_label(tmp_path: Path) -> None:
    pairs = as_pairs(functions())
    store = store_of(pairs, tmp_path / "store")
    alone = single_texts(store, pairs, "test", NEURONS)
    assert {e.id for e in alone.examples} == {e.id for e in pairs.examples if e.split == "test"}
    assert len(alone) == TEXTS["test"]
    known = dict(zip((e.id for e in pairs.examples), values(pairs.examples)[1], strict=True))
    for e, x in zip(alone.examples, alone.values, strict=True):
        np.testing.assert_array_equal(x, known[e.id][[n.index for n in NEURONS]])
    found = explained(pairs, store)
    assert "loops" in found.explained_by(LOOPS_AT)
    assert "label" not in found.gain
    result = found.result()
    assert result.notes == (
        "probes on pairs read |u - v| and u * v of a neuron; explained is its value u on single texts",
    )
    assert result.neurons[0].label.reason == "labels are of pairs, not of single texts"
    assert result.neurons[0].highest[0].label is None
    assert found.groups == {"train": 50, "test": 33}


def test_pairs_in_one_text_are_explained_together(tmp_path: Path) -> None:
    dataset = functions()
    joined = tuple(
        replace(e, text=(t := f"{e.text}\nx = 1"), spans=(Span(0, len(t), e.spans[0].label),), joint=(e.text, "x = 1"))
        for e in dataset.examples
    )
    dataset = replace(dataset, examples=joined)
    found = explained(dataset, store_of(dataset, tmp_path / "store"))
    assert found.notes == ("both texts of a pair are one input; properties are those of both together",)
    assert found.with_errors == 0
    assert "loops" in found.explained_by(LOOPS_AT)
    assert found.lowest[LOOPS_AT][0].text.startswith("def f")


def test_a_column_of_the_user_explains_by_ids() -> None:
    dataset, store, _ = plain()
    x = values(dataset.examples)[1, :, NOISE]
    told = column_property("team", {e.id: "red" if v > 0 else "blue" for e, v in zip(dataset.examples, x, strict=True)})
    found = explained(dataset, store, properties=[told])
    assert found.explained_by(NOISE_AT) == ("team",)
    assert set(found.alone) == {"length", "team", "label"}
    assert found.left_out == {}


def test_labels_that_are_numbers_are_told_by_quarters(tmp_path: Path) -> None:
    dataset = functions(numeric=True)
    found = explained(dataset, store_of(dataset, tmp_path / "store"))
    cuts = np.quantile([float(e.spans[0].label) for e in dataset.examples if e.split == "train"], (0.25, 0.5, 0.75))
    a, b, c = (f"{cut:.4g}" for cut in cuts)
    names = [f"below {a}", f"{a} to {b}", f"{b} to {c}", f"from {c}"]
    scored = [(name, v) for v, (kind, name) in enumerate(found.train.values) if kind == "label"]
    assert [n for n in names if n in dict(scored) or f"label={n}" in found.rare] == names
    for _, v in scored:
        assert found.train.n[v] == pytest.approx(TEXTS["train"] / 4, abs=1)
    assert found.alone["label"].value.shape == (4,)
    assert float(found.highest[0][0].label or "") in {float(e.spans[0].label) for e in dataset.examples}


def test_rare_values_have_no_score_but_count_for_r2() -> None:
    dataset, store, _ = plain()
    few = {e.id: "odd" if i % 30 == 0 else "even" for i, e in enumerate(dataset.examples)}
    found = explained(dataset, store, properties=[column_property("turn", few), "loops"])
    assert {"turn=odd", "turn=even"} <= found.rare.keys()
    assert "turn" not in {name for name, _ in found.train.values}
    assert "turn" in found.gain
    assert "at least 30 are needed" in found.rare["turn=odd"]


def test_by_default_all_properties_are_read_of_code_alone() -> None:
    dataset, store, _ = plain()
    spoken = ["python" if i % 3 else None for i in range(len(dataset.examples))]
    found = explain_examples(store, dataset, spoken, NEURONS, draws=DRAWS)
    names = {p.name for p in PROPERTIES.values() if p.scope == "example"}
    assert found.alone.keys() | found.left_out.keys() == names | {"label"}
    assert found.left_out["pointers"] == "no row that it applies to"
    assert {"loops", "complexity", "nesting"} <= found.gain.keys()
    left = sum(1 for e, of in zip(dataset.examples, spoken, strict=True) if of is None and e.split != "validation")
    assert found.notes == (f"{left} texts left out: they are no code",)
    assert found.train.rows + found.test.rows == TEXTS["train"] + TEXTS["test"] - left


def test_a_record_is_plain_and_a_frame_has_all_values() -> None:
    _, _, found = plain()
    result = found.result()
    record = json.loads(json.dumps(to_json(result), allow_nan=False))
    assert from_json(TextFindings, record, "concepts.json") == result
    assert [n.rank for n in result.neurons] == [1, 2, 4, 5]
    loops = result.neurons[LOOPS_AT]
    assert loops.explained_by == found.explained_by(LOOPS_AT)
    assert {p.property for p in loops.properties if p.explains} == set(loops.explained_by)
    gains = [p.gain.value for p in loops.properties]
    assert gains == sorted(gains, reverse=True)
    frame = found.to_frame()
    assert len(frame) == len(found.neurons) * len(found.train.values)
    (row,) = frame.filter(layer=1, index=LOOPS, property="loops", value="1").to_dicts()
    assert row["explains"]
    assert row["base_rate"] == row["n"] / TEXTS["test"]
    assert row["gain"] == found.gain["loops"].value[LOOPS_AT]
    assert "not explained" in found._repr_html_()


def _spans(dataset: Dataset) -> Dataset:
    return replace(dataset, whole=False)


def _one_group(dataset: Dataset) -> Dataset:
    return replace(dataset, examples=tuple(replace(e, group="all") for e in dataset.examples))


def _other_ids(dataset: Dataset) -> Dataset:
    return replace(dataset, examples=tuple(replace(e, id=f"{e.id}x") for e in dataset.examples))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_spans, "expected whole examples, or pairs of them, got characters 0 to .*look for properties of tokens"),
        (
            _one_group,
            "train split: expected at least 30 texts of code, in two groups or more .*, got 150 in 1; add data",
        ),
        (
            _other_ids,
            "expected examples of the data set, got 'train:0'; take the data set and the activations of one run",
        ),
    ],
)
def test_data_that_cannot_be_explained(change: object, message: str) -> None:
    dataset, store, _ = plain()
    with pytest.raises(DataError, match=message) as error:
        explained(change(dataset), store)  # type: ignore[operator]
    assert "\n" not in str(error.value)


def test_spans_inside_of_examples_are_no_texts() -> None:
    dataset, store, _ = plain()
    longer = replace(dataset, examples=tuple(replace(e, text=f"{e.text}\nx = 1") for e in dataset.examples))
    with pytest.raises(DataError, match="got characters 0 to"):
        explained(longer, store)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"properties": ["lexical"]},
            ConfigError,
            "property 'lexical': expected a property of whole texts, got one of tokens",
        ),
        ({"properties": ["lenght"]}, ConfigError, "did you mean length"),
        ({"properties": [column_property("label", {"a": 1})]}, ConfigError, "expected another name than 'label'"),
    ],
)
def test_properties_that_do_not_fit(options: dict[str, object], error: type[Exception], message: str) -> None:
    dataset, store, _ = plain()
    with pytest.raises(error, match=message):
        explained(dataset, store, **options)


@pytest.mark.parametrize("text", ["x = 1", "def f(a):\n    return a"])
def test_texts_that_are_all_alike_have_no_property(text: str, tmp_path: Path) -> None:
    dataset = functions()
    alike = tuple(replace(e, text=text, spans=(Span(0, len(text), e.spans[0].label),)) for e in dataset.examples)
    dataset = replace(dataset, examples=alike)
    store = store_of(dataset, tmp_path / "store")
    with pytest.raises(
        DataError, match=r"properties of texts: expected one with two values on train, got .*column_property"
    ):
        explained(dataset, store)


@pytest.mark.parametrize("neuron", [NeuronId(2, 0), NeuronId(0, WIDTH), NeuronId(-1, 0)])
def test_a_neuron_of_another_model(neuron: NeuronId) -> None:
    dataset, store, _ = plain()
    with pytest.raises(DataError, match=f"neuron {neuron}: expected layer 0 to 1, index 0 to 5"):
        single_texts(store, dataset, "train", [neuron])


def test_no_neurons_and_neurons_that_never_vary() -> None:
    dataset, store, _ = plain()
    spoken = ["python"] * len(dataset.examples)
    with pytest.raises(ConfigError, match="neurons: expected at least one"):
        explain_examples(store, dataset, spoken, [])
    with pytest.raises(DataError, match="expected at least one that varies"):
        explain_examples(store, dataset, spoken, [NeuronId(1, DEAD)])
    with pytest.raises(DataError, match=r"train split: expected at least 30 texts of code, .* got 0 in 0"):
        explain_examples(store, dataset, [None] * len(spoken), NEURONS)
    with pytest.raises(DataError, match="languages: expected one for each of 253 examples, got 252"):
        explain_examples(store, dataset, spoken[1:], NEURONS)
