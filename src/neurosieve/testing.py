"""Tests for what you bring yourself: does a property, a ranking or a model family keep its contract?

Each check returns nothing where all holds, and raises AssertionError with the law that was broken. They are made for a
test of your own:

    from neurosieve.testing import check_ranking

    def test_my_ranking():
        check_ranking(my_ranking)
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from neurosieve.activations.store import Activations
from neurosieve.concepts.properties import Property, Source, tokens
from neurosieve.errors import NeurosieveError
from neurosieve.interventions import Ablate, live
from neurosieve.models import CodeModel, check_places, load_model
from neurosieve.models.adapters import Kind
from neurosieve.probes import Oracle, SelectionData, fit_oracle, selection_data
from neurosieve.rankings import Ranker, Ranking
from neurosieve.typing import PathLike, Site

# Code, code that does not parse, other alphabets, no code, nothing.
_TEXTS = ("x = 1\n", "def f(a, b_c):\n    return a + 'b' * 2  # note\n", "class (:\n  }", "名 = 'ä🙂'\r\n", "\n\n", "")
_SCALE_TOLERANCE = 1e-4  # of batched values, relative to a layer's largest


def check_property(own: Property, texts: Sequence[str] = _TEXTS, *, language: str = "python") -> None:
    """Try a property of code on texts, by default on code with errors, other alphabets and no code at all.

    It gives a value for each span (of scope `example` one for the text): a word, one of `values` where these are known,
    or None where it does not apply. It gives the same for the same text, whatever was read before, and whatever the
    order of the spans.

    Args:
        own: The property.
        texts: To read; add some in which it applies.
        language: Of them all.

    Raises:
        AssertionError: A law that does not hold, with the text.
    """
    before = [_values(own, text, language) for text in texts]
    for text, values in reversed(list(zip(texts, before, strict=True))):
        _holds(_values(own, text, language) == values, f"the same values for the same text {text[:60]!r}", own.name)
        _holds("" not in values, f"None, not an empty value, where it does not apply: {text[:60]!r}", own.name)
        turned = _values(own, text, language, turned=True)
        _holds(turned[::-1] == values, f"values that do not depend on the order of spans: {text[:60]!r}", own.name)


def _values(own: Property, text: str, language: str, *, turned: bool = False) -> list[str | None]:
    source = Source(text, language)
    spans = tokens(source)
    try:
        return list(own.of(source, spans[::-1] if turned else spans))
    except NeurosieveError as e:
        raise AssertionError(str(e)) from e


def check_ranking(ranker: Ranker, *, values: bool = True) -> None:
    """Try an order of neurons on small made problems: of two classes, of three, and of numbers to predict.

    It orders all live neurons, each once; the same input and seed give the same order; columns in another order give
    the same order of neurons; it sees train rows alone, and leaves its input as it was.

    Args:
        ranker: From `SelectionData`, the oracle and a seed to a `Ranking`.
        values: Labels that are values are among the problems; False for an order that knows classes alone.

    Raises:
        AssertionError: A law that does not hold.
    """
    for labels in (2, 3, *([0] if values else [])):
        data = _problem(labels)
        oracle, kept = fit_oracle(data), data.x.clone()
        ranking = ranker(data, oracle, 1)
        _check_order(ranking, data)
        _holds(_same(ranking, ranker(data, oracle, 1)), "the same order for the same input and seed", ranking.name)
        blind = replace(data, x_validation=torch.full_like(data.x_validation, torch.nan))
        _holds(_same(ranking, ranker(blind, oracle, 1)), "an order that sees train rows alone", ranking.name)
        _holds(torch.equal(data.x, kept), "input that is left as it was", ranking.name)
        if _same(ranking, ranker(data, oracle, 2)):  # else it is drawn, and by columns
            mixed = ranker(*_mixed(data, oracle), 1)
            _holds(_same(ranking, mixed), "an order that does not depend on that of the columns", ranking.name)


def _check_order(ranking: Ranking, data: SelectionData) -> None:
    own = ranking.name
    _holds(sorted(ranking.order.tolist()) == list(range(len(data.neurons))), "each live neuron once", own)
    _holds(np.array_equal(ranking.neurons, data.neurons[ranking.order]), "neurons in the order of `order`", own)
    _holds(ranking.score.shape == ranking.order.shape and not bool(np.isnan(ranking.score).any()), "a score each", own)


def _same(one: Ranking, other: Ranking) -> bool:
    return bool(np.array_equal(one.neurons, other.neurons))


def _problem(classes: int) -> SelectionData:
    """Noise in which four of twelve neurons carry the label; without a class count it is a number."""
    train, validation = (_rows(np.random.default_rng(seed), classes) for seed in (1, 2))
    return selection_data(train, validation)


def _rows(rng: np.random.Generator, classes: int) -> Activations:
    x = rng.normal(size=(240, 12))
    weights = np.random.default_rng(0).normal(size=(4, max(classes, 1)))
    signal = x[:, :4] @ weights
    label = signal.argmax(1) if classes > 1 else signal[:, 0]
    return Activations(
        torch.tensor(x, dtype=torch.float32),
        np.array([(layer, index) for layer in range(2) for index in range(6)]),
        label,
        tuple(f"class{i}" for i in range(classes)) or ("value",),
        np.arange(240).astype(str).astype(object),
        np.array([f"t{i}" for i in range(240)], dtype=object),
    )


def _mixed(data: SelectionData, oracle: Oracle) -> tuple[SelectionData, Oracle]:
    """The same problem with its columns in another order, and the oracle's weights with them."""
    order = np.random.default_rng(3).permutation(len(data.neurons))
    places = torch.from_numpy(order)
    scaler = replace(data.scaler, neurons=data.neurons[order], column=data.scaler.column[order])
    mixed = replace(data, x=data.x[places], x_validation=data.x_validation[places], scaler=scaler)
    weights = oracle.probe.weights[places]
    return mixed, replace(oracle, probe=replace(oracle.probe, weights=weights))


def check_family(model: PathLike, *, stack: Kind | None = None, trust_remote_code: bool = False) -> None:
    """Try a model of a family that was registered: it loads, reads batches as single texts, and can be edited.

    All sites are tried: the blocks' outputs, their feed-forward units, and their attention heads.

    Args:
        model: Hub name or folder.
        stack: Half of an encoder–decoder.
        trust_remote_code: Run code that comes with it.

    Raises:
        AssertionError: What does not hold; for what cannot be loaded or found the line of the error.
    """
    sites: tuple[Site, ...] = ("hidden", "mlp", "attention")
    for site in sites:
        try:
            loaded = load_model(model, device="cpu", stack=stack, trust_remote_code=trust_remote_code, site=site)
            _check_states(loaded)
            check_places(loaded, site)
            _check_edit(loaded)
        except NeurosieveError as e:
            raise AssertionError(f"site {site}: {e}") from e


def _ids(model: CodeModel, count: int) -> torch.Tensor:
    special = set(model.tokenizer.all_special_ids)
    known = [i for i in range(min(model.rows, 10 * count + 50)) if i not in special]
    return torch.tensor([known[:count]])


def _check_states(model: CodeModel) -> None:
    """A short text padded in a batch is read as alone, at each layer."""
    long, size = _ids(model, 6), 3
    short = torch.cat([long[:, :size], torch.full((1, 3), model.pad_id)], 1)
    mask = torch.tensor([[1] * 6, [1] * size + [0] * 3])
    if model.padding_side == "left":
        short, mask = short.roll(3, 1), torch.tensor([[1] * 6, [0] * 3 + [1] * size])
    batched, alone = model.states(torch.cat([long, short]), mask), model.plain_states(long[:, :size])
    expected = model.adapter.size(model.network, model.site, model.name)
    _holds((len(alone), alone[0].shape[-1]) == expected, f"{expected} layers and neurons", model.name)
    for layer, (one, many) in enumerate(zip(alone, batched, strict=True)):
        difference = float((many[1][mask[1].bool()] - one[0]).abs().max())
        scale = float(one.abs().max().clamp_min(1e-6))
        _holds(difference <= _SCALE_TOLERANCE * scale, f"layer {layer} read in a batch as alone", model.name)


def _check_edit(model: CodeModel) -> None:
    """An edit changes what the layer says, and nothing is left of it afterwards."""
    ids = _ids(model, 3)
    before = model.plain_states(ids)
    with live(model, [Ablate.zero(0, (0,))]):
        edited = model.plain_states(ids)
    _holds(bool((edited[0][..., 0] == 0).all()), "an edit that shows in the states", model.name)
    after = model.plain_states(ids)
    same = all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    _holds(same, "a model that is left as it was after an edit", model.name)


def _holds(true: bool, law: str, subject: str) -> None:
    if not true:
        raise AssertionError(f"{subject}: expected {law}")
