"""Gradients of the probe's and of the model's own loss: against finite differences, in every kind of model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations.extraction import ExtractionOptions, read_activations
from neurosieve.errors import ConfigError, ModelError
from neurosieve.interventions import Clamp, Scale, live
from neurosieve.models import LanguageModel, load_language_model
from neurosieve.probes import fit_oracle, selection_data
from neurosieve.rankings import GradientModel, gradient, token_gradient
from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import ranking_model_of
from neurosieve.studies.redundancy.causal_effects import single_effects
from tests.synthetic import planted
from tests.tiny import family, tiny_dataset, tiny_model, tiny_sample

KINDS = ("bert", "gpt2", "llama", "t5:decoder", "bart:decoder")
TEXT = "def add(a, b):\n    return a + b\n"


def language_model(name: str, site: Any = "hidden") -> LanguageModel:
    return load_language_model(tiny_model(name), device="cpu", stack=family(name).stack, site=site)


@pytest.mark.parametrize("values", [False, True])
def test_the_probe_s_gradients_are_autograd_s(values: bool) -> None:
    data = planted(rows=80, neurons=10)
    if values:
        data = replace(data, label=data.x[2] - data.x[7], label_validation=data.x_validation[2].numpy(), classes=1)
    oracle = fit_oracle(data)
    x = data.x.clone().requires_grad_()
    outputs = oracle.probe.weights.T @ x + oracle.probe.intercept[:, None]
    if values:
        loss = (outputs[0] - data.label).square().sum() / 2
    else:
        loss = torch.nn.functional.cross_entropy(outputs.T, data.label, reduction="sum")
    (slope,) = torch.autograd.grad(loss, x)
    expected = (data.x * slope).abs().mean(1).numpy()
    ranking = gradient(data, oracle, 0)
    np.testing.assert_allclose(ranking.score, expected[ranking.order], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("site", ["hidden", "mlp"])
@pytest.mark.parametrize("name", KINDS)
def test_the_model_s_gradients_are_finite_differences(name: str, site: Any) -> None:
    """Scaling a neuron by 1 + h moves the loss by h · Σ value · gradient; of one token alone that is what is read."""
    model = language_model(name, site)
    model.whole.double()
    own, h = GradientModel.of(model), 1e-2
    ids = model.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    mask, token = torch.ones_like(ids), 3
    states = own.states(ids, mask)
    only = torch.zeros_like(ids, dtype=torch.bool)
    only[0, token] = True
    questions = list(own._questions(ids, mask))[:1]
    one = replace(own)
    object.__setattr__(one, "_questions", lambda *_: questions)
    for layer, index in ((0, 1), (len(states) - 1, 5)):
        changed = []
        for factor in (1 + h, 1 - h):
            with live(model, [Scale(layer, (index,), factor)], only, site=site):
                changed.append(sum(float(own._losses(*q, mask, None).detach().sum()) for q in questions))
        slope = abs(changed[0] - changed[1]) / (2 * h)
        assert float(one.states(ids, mask)[layer][0, token, index]) == pytest.approx(slope, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_a_text_s_gradients_do_not_depend_on_the_batch(name: str) -> None:
    own = GradientModel.of(language_model(name))
    long = own.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    size = long.shape[1] - 4
    ids = torch.cat([long, torch.cat([long[:, :size], torch.full((1, 4), own.pad_id)], 1)])
    mask = torch.ones_like(ids)
    mask[1, size:] = 0
    if own.padding_side == "left":
        ids[1], mask[1] = ids[1].roll(4), mask[1].roll(4)
    real = mask[1].bool()
    for batched, alone in zip(own.states(ids, mask), own.states(long[:, :size], mask[:1, :size] * 0 + 1), strict=True):
        scale = float(alone.abs().max())
        torch.testing.assert_close(batched[1][real], alone[0], atol=1e-4 * scale, rtol=1e-3)


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5:decoder"])
def test_the_neuron_that_alone_moves_the_loss_is_first(name: str) -> None:
    """All other neurons of the last layer are cut off from the head, and what is below from the last layer."""
    model = language_model(name, "mlp")
    for layer in range(2):
        module = model.network.get_submodule(family(name).units.replace("*", str(layer)))
        weight: Any = module.weight  # of `gpt2` the units are its rows
        kept = torch.zeros_like(weight)
        if layer == 1:
            rows = kept.shape[0] == model.adapter.size(model.network, "mlp", "")[1]
            row = (7, slice(None)) if rows else (slice(None), 7)
            kept[row] = weight[row] * 10
        weight.data = kept
    dataset, sample = tiny_dataset(), tiny_sample()
    train, validation = (read_activations(model, dataset, sample, s) for s in ("train", "validation"))
    data = selection_data(train, validation).with_gradients(
        read_activations(GradientModel.of(model), dataset, sample, "train")
    )
    ranking = token_gradient(data, fit_oracle(data), 0)
    assert ranking.top(1) == [(1, 7)]
    assert ranking.score[1] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [("t5:encoder", "ranking token_gradient of .*encoder of an encoder–decoder.*leave token_gradient out")],
)
def test_models_that_cannot_give_it(name: str, message: str) -> None:
    config = make_config(
        options={"model": str(tiny_model(name)), "data": "d", "stack": family(name).stack, "device": "cpu"}
    )
    with pytest.raises(ModelError, match=message):
        ranking_model_of(config)


def test_an_encoder_without_a_mask_token_cannot_give_it() -> None:
    model = language_model("bert")
    before = model.tokenizer.mask_token
    model.tokenizer.mask_token = None
    try:
        with pytest.raises(ModelError, match="expected a mask token"):
            GradientModel.of(model)
    finally:
        model.tokenizer.mask_token = before


def test_it_is_refused_where_nobody_read_the_model() -> None:
    data = planted(rows=60, neurons=6)
    with pytest.raises(ConfigError, match="ranking token_gradient: expected gradients"):
        token_gradient(data, fit_oracle(data), 0)
    with pytest.raises(ConfigError, match="option rankings: expected rankings that need no model"):
        make_config(options={"activations": "a", "rankings": ["lca", "token_gradient"]})


def test_parts_of_the_rows_keep_their_gradients() -> None:
    data = planted(rows=60, neurons=6)
    data = replace(data, gradients=data.x.abs())
    some = data.rows(np.arange(60) < 20, np.ones(60, dtype=bool)).columns(np.array([1, 4]))
    assert torch.equal(some.gradients, data.x.abs()[[1, 4], :20])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["bert", "llama", "t5:decoder"])
def test_effects_of_single_neurons_are_changes_of_the_loss(name: str) -> None:
    """The same as with each neuron held by hand, whatever was computed once."""
    model = GradientModel.of(language_model(name))
    dataset, sample = tiny_dataset(), tiny_sample()
    data = selection_data(
        read_activations(model_alone := language_model(name), dataset, sample, "train"),
        read_activations(model_alone, dataset, sample, "validation"),
    )
    windows = ExtractionOptions().plan(model, dataset, sample.rows).windows["validation"]
    chosen = np.array([0, 17, len(data.neurons) - 1])
    effects, tokens = single_effects(model, windows, data.scaler, chosen, 4096)
    for (layer, index), effect in zip(effects.neurons.tolist(), effects.score, strict=True):
        number = int(np.flatnonzero((data.neurons == (layer, index)).all(1))[0])
        held = Clamp(layer, (index,), data.scaler.mean[number][None])
        change = counted = 0.0
        for window in windows:
            ids = torch.tensor([window.ids])
            before, some = model.loss(ids, torch.ones_like(ids))
            with live(model, [held]):
                change += model.loss(ids, torch.ones_like(ids))[0] - before
            counted += some
        assert counted == tokens
        assert effect == pytest.approx(abs(change) / tokens, rel=1e-2, abs=1e-5)
    assert (np.diff(effects.score) <= 0).all()
