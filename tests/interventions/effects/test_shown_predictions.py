"""Predictions before and after an edit, against plain calls of transformers with hooks set by hand."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from neurosieve.activations import ExtractionOptions
from neurosieve.activations.windows import Window
from neurosieve.concepts.rows import ConceptStore
from neurosieve.interventions import Ablate
from neurosieve.interventions.effects.shown_predictions import SHOWN, TOP, prediction_examples
from neurosieve.interventions.predictions import Predictions
from neurosieve.models import LanguageModel, load_language_model
from neurosieve.results.interventions import ShownPrediction
from tests.concepts.planted import planted_rows, planted_store
from tests.tiny import quiet_transformers, tiny_model

_UNTYPED: Any = transformers
SOME = (0, 3, 9)
BLOCK = {"roberta": "roberta.encoder.layer.0", "gpt2": "transformer.h.0"}
HEAD = {"roberta": "MaskedLM", "gpt2": "CausalLM"}


@dataclass(frozen=True)
class Case:
    """A model, windows of test code, and made-up predictions that are right at random."""

    name: str
    model: LanguageModel
    store: ConceptStore
    windows: tuple[Window, ...]

    @cached_property
    def plain(self) -> Any:
        with quiet_transformers():
            return getattr(_UNTYPED, f"AutoModelFor{HEAD[self.name]}").from_pretrained(tiny_model(self.name)).eval()

    def predictions(self, seed: int, right: float = 0.5) -> Predictions:
        rows = np.array([row for w in self.windows for row in w.rows])
        rng = np.random.default_rng(seed)
        exact, loss = rng.random(len(rows)) < right, rng.random(len(rows))
        return Predictions(rows, np.zeros(len(rows), dtype=np.int64), exact, loss, np.zeros(len(rows)))

    def here(self, predictions: Predictions) -> np.ndarray:
        has: np.ndarray = self.store.table.target("lexical=number").positive[predictions.row]
        return has

    def shown(
        self, base: Predictions, edited: Predictions, *, only_predicted: bool = False
    ) -> tuple[ShownPrediction, ...]:
        edits = [Ablate.zero(1, SOME)]
        return prediction_examples(
            self.model,
            self.store,
            self.windows,
            base,
            edited,
            self.here(base),
            edits,
            only_predicted=only_predicted,
        )


@pytest.fixture(scope="module", params=["roberta", "gpt2"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    model, rows = load_language_model(tiny_model(request.param), device="cpu"), planted_rows()
    plan = ExtractionOptions(view="predict").plan(model, rows.dataset, rows.rows)
    store = planted_store(tmp_path_factory.mktemp("store") / "s", {}, view="predict")
    return Case(request.param, model, store, plan.windows["test"])


@contextlib.contextmanager
def zeros(network: Any, block: str, places: list[int] | None) -> Iterator[None]:
    """Neurons of the first block's output are zero at some places of a text, or at all."""

    def hook(_: Any, __: Any, output: Any) -> Any:
        values = (output[0] if isinstance(output, tuple) else output).clone()
        for place in range(values.shape[1]) if places is None else places:
            values[:, place, list(SOME)] = 0.0
        return (values, *output[1:]) if isinstance(output, tuple) else values

    handle = network.get_submodule(block).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def test_which_units(case: Case) -> None:
    """Of either kind those that lost most among the ones that were right, most first."""
    base, edited = case.predictions(1), case.predictions(2)
    here, lost = case.here(base), edited.loss - base.loss
    expected = []
    for has in (True, False):
        pool = [u for u in range(len(base.row)) if base.exact[u] and here[u] == has]
        expected += sorted(pool, key=lambda u: -lost[u])[:SHOWN]
    assert len(expected) == 2 * SHOWN
    found = case.shown(base, edited)
    table, examples = case.store.table, case.store.rows.dataset.examples
    for unit, shown in zip(expected, found, strict=True):
        row = base.row[unit]
        example, start, end = examples[table.example[row]], table.start[row], table.end[row]
        assert shown.example == example.id
        assert shown.token == example.text[start:end] == case.store.text(int(row))
        assert shown.line == len(example.text[:start].split("\n"))
        around = shown.before_text + shown.token + shown.after_text
        assert around in example.text
        assert example.text[:start].endswith(shown.before_text)
        assert example.text[end:].startswith(shown.after_text)
        assert shown.has_value == here[unit]


@pytest.mark.parametrize("only_predicted", [False, True])
def test_tokens_and_probabilities(case: Case, only_predicted: bool) -> None:
    base, edited = case.predictions(3), case.predictions(4)
    found = case.shown(base, edited, only_predicted=only_predicted)
    home = {row: w for w in case.windows for row in w.rows}
    table, examples = case.store.table, case.store.rows.dataset.examples
    moved = 0
    for shown in found:
        (row,) = (
            r
            for r in home
            if examples[table.example[r]].id == shown.example
            and examples[table.example[r]].text[: table.start[r]].count("\n") + 1 == shown.line
            and examples[table.example[r]].text[: table.start[r]].endswith(shown.before_text)
            and case.store.text(r) == shown.token
            and len(examples[table.example[r]].text[: table.start[r]]) >= len(shown.before_text)
        )
        window = home[row]
        places = [t[0] for t in window.tokens]
        mine = places[window.rows.index(row)]
        for key, guesses in (("base", shown.base), ("edited", shown.edited)):
            changed = zeros(case.plain, BLOCK[case.name], places if only_predicted else None)
            with contextlib.nullcontext() if key == "base" else changed, torch.inference_mode():
                shares = case.plain(input_ids=torch.tensor([window.ids])).logits[0, mine].softmax(-1)
            values, tokens = shares.topk(TOP)
            assert [p for _, p in guesses] == pytest.approx(values.tolist(), abs=1e-5)
            assert [t for t, _ in guesses] == [case.model.tokenizer.decode([int(t)]) for t in tokens]
        moved += shown.base != shown.edited
    assert moved == len(found) > 0


@pytest.mark.parametrize("right", [0.0, 0.004])
def test_few_or_none(case: Case, right: float) -> None:
    """No unit that was right, or fewer than are shown."""
    base = case.predictions(5, right)
    assert len(case.shown(base, case.predictions(6))) == sum(
        min(SHOWN, int((base.exact & (case.here(base) == has)).sum())) for has in (True, False)
    )


def test_network_is_left_as_it_was(case: Case) -> None:
    def hooks() -> int:
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in case.model.whole.modules())

    case.shown(case.predictions(1), case.predictions(2))  # transformers sets hooks of its own at the first call
    before, count = {k: v.clone() for k, v in case.model.whole.state_dict().items()}, hooks()
    case.shown(case.predictions(1), case.predictions(2))
    assert all(torch.equal(v, before[k]) for k, v in case.model.whole.state_dict().items())
    assert hooks() == count
