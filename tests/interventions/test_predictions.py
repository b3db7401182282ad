"""Predictions of hidden units against plain calls of transformers, one sequence at a time."""

import functools
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from neurosieve.activations import ExtractionOptions
from neurosieve.activations.windows import Window
from neurosieve.interventions import Ablate, Clamp, Edit, Scale
from neurosieve.interventions.predictions import HALF, Predictions, predict_units, token_shares
from neurosieve.models import LanguageModel, load_language_model
from neurosieve.typing import Split
from tests.tiny import WIDTH, family, quiet_transformers, tiny_dataset, tiny_model, tiny_sample

NAMES = ("bert", "roberta", "gpt2", "llama", "t5:decoder")
_UNTYPED: Any = transformers


@functools.cache
def loaded(name: str) -> LanguageModel:
    return load_language_model(tiny_model(name), device="cpu", stack=family(name).stack)


@functools.cache
def windows(name: str, split: Split = "test") -> tuple[Window, ...]:
    options = ExtractionOptions(view="predict", rounds=2)
    return options.plan(loaded(name), tiny_dataset(), tiny_sample().rows).windows[split]


@functools.cache
def plain_logits(name: str) -> dict[int, torch.Tensor]:
    """What transformers' own class gives for each unit, by row: at its mask, or where the token before was read."""
    row = family(name)
    kind = "Seq2SeqLM" if row.stack else "CausalLM" if row.kind == "decoder" else "MaskedLM"
    with quiet_transformers():
        network = getattr(_UNTYPED, f"AutoModelFor{kind}").from_pretrained(tiny_model(name)).eval()
    found: dict[int, torch.Tensor] = {}
    for window in windows(name):
        ids = torch.tensor([window.ids])
        with torch.inference_mode():
            if row.stack:
                # The encoder reads what `inputs` gives it; the decoder begins with a token that is not of the text.
                logits = network(**loaded(name).inputs(ids, torch.ones_like(ids))).logits[0, 1:]
            else:
                logits = network(ids).logits[0]
        for number, (place,) in zip(window.rows, window.tokens, strict=True):
            found[number] = logits[place]
    return found


def shares_of(name: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    size = len(next(iter(plain_logits(name).values())))
    shares: np.ndarray = rng.random(size) * (rng.random(size) < 0.5)
    return shares


@pytest.mark.parametrize("budget", [1, 100, 4096])
@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_those_of_plain_calls(name: str, budget: int) -> None:
    """Whatever is padded together: the likeliest token, its truth, the loss, and the mass of the value."""
    shares, plain = shares_of(name), plain_logits(name)
    came = predict_units(loaded(name), windows(name), shares, batch_tokens=budget)
    target = {row: t for w in windows(name) for row, t in zip(w.rows, w.targets, strict=True)}
    assert came.row.tolist() == [row for w in windows(name) for row in w.rows]
    assert sorted(came.row.tolist()) == sorted(plain)
    assert len(plain) > 10
    for i, row in enumerate(came.row.tolist()):
        probability = plain[row].double().softmax(0)
        assert came.token[i] == int(plain[row].argmax())
        assert came.exact[i] == (came.token[i] == target[row])
        assert came.loss[i] == pytest.approx(-float(probability[target[row]].log()), abs=1e-4)
        assert came.mass[i] == pytest.approx(float(probability.numpy() @ shares), abs=1e-5)


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_targets_are_the_first_subwords_of_the_units(name: str) -> None:
    """Decoded, each begins its unit's text (a decoder's may bring the white space before it)."""
    units, tokenizer = tiny_sample().rows, loaded(name).tokenizer
    compared = 0
    for window in windows(name):
        for row, target in zip(window.rows, window.targets, strict=True):
            text = tiny_dataset().examples[units.example[row]].text[units.start[row] : units.end[row]]
            piece = str(tokenizer.convert_ids_to_tokens(target)).removeprefix("##").lstrip("Ġ")
            if text.isascii() and text.isalnum() and piece.isalnum():
                assert text.lower().startswith(piece)
                compared += 1
    assert compared > 10


@pytest.mark.parametrize("name", NAMES)
def test_shares_are_counts(name: str) -> None:
    every = windows(name, "train")
    positive = np.random.default_rng(1).random(len(tiny_sample().rows)) < 0.4
    vocabulary = len(shares_of(name))
    rows, hits = defaultdict[int, int](int), defaultdict[int, int](int)
    for window in every:
        for row, target in zip(window.rows, window.targets, strict=True):
            rows[target] += 1
            hits[target] += bool(positive[row])
    found = token_shares(every, positive, vocabulary)
    assert found.shape == (vocabulary,)
    for token in range(vocabulary):
        assert found[token] == (hits[token] / rows[token] if rows[token] else 0)
    assert (found >= HALF).any()


@pytest.mark.parametrize("name", NAMES)
def test_edits_change_predictions_and_leave_the_model(name: str) -> None:
    model, shares = loaded(name), shares_of(name)
    plain = predict_units(model, windows(name), shares)

    def edited(edits: list[Edit], **options: Any) -> Predictions:
        return predict_units(model, windows(name), shares, edits, **options)

    every = tuple(range(WIDTH))
    for only in (False, True):
        nothing = edited([Scale(1, every, 1.0)], only_predicted=only)
        np.testing.assert_array_equal(nothing.token, plain.token)
        np.testing.assert_allclose(nothing.loss, plain.loss, atol=1e-5)
        changed = edited([Scale(1, every, -1.0)], only_predicted=only)
        assert np.abs(changed.loss - plain.loss).max() > 0.1
        small = edited([Scale(1, every, -1.0)], only_predicted=only, batch_tokens=1)
        np.testing.assert_allclose(small.loss, changed.loss, atol=1e-4)
    np.testing.assert_array_equal(predict_units(model, windows(name), shares).loss, plain.loss)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_last_decides(name: str) -> None:
    """The last layer at the predicted places is all that the head sees: held there, every unit gets one answer."""
    model, shares = loaded(name), shares_of(name)
    hold = Clamp(2, tuple(range(WIDTH)), torch.linspace(-1, 1, WIDTH))
    everywhere, there = (predict_units(model, windows(name), shares, [hold], only_predicted=o) for o in (False, True))
    assert len(set(there.token.tolist())) == 1
    np.testing.assert_allclose(there.mass, there.mass[0], rtol=1e-4)
    np.testing.assert_allclose(there.loss, everywhere.loss, atol=1e-4)


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_only_predicted_places_are_edited(name: str) -> None:
    """An edit of the embeddings: at the places alone it leaves the context as it was, and so does something else."""
    model, shares = loaded(name), shares_of(name)
    edit = Ablate.zero(0, tuple(range(WIDTH)))
    everywhere, there = (predict_units(model, windows(name), shares, [edit], only_predicted=o) for o in (False, True))
    assert np.abs(everywhere.loss - there.loss).max() > 1e-3


def test_shares_of_another_width_than_the_head() -> None:
    """A head may be wider than the tokens that are known, or narrower: what one of them has not has no value."""
    shares = shares_of("bert")
    longer = np.concatenate([shares, np.ones(7)])
    one, other = (predict_units(loaded("bert"), windows("bert"), s) for s in (shares, longer))
    np.testing.assert_array_equal(one.mass, other.mass)
    shorter = shares.copy()
    shorter[-5:] = 0
    one, other = (predict_units(loaded("bert"), windows("bert"), s) for s in (shorter, shorter[:-5]))
    np.testing.assert_allclose(one.mass, other.mass, atol=1e-7)
