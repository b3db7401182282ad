"""Edits in the running model against the slow way, over all families; and that the model is left as it was."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from neurosieve.activations import ExtractionOptions
from neurosieve.activations.extraction import read_activations
from neurosieve.errors import ConfigError, ModelError, NeurosieveError
from neurosieve.interventions import Ablate, Clamp, Edit, Erase, EraserFitter, Patch, Scale, Steer, live
from neurosieve.models import find_places, load_language_model, load_model
from neurosieve.typing import Site
from tests.interventions.oracle import IDS, MASK, entering, multiplied, states
from tests.tiny import (
    BLOCKS,
    DECODERS,
    NAMES,
    UNITS,
    WIDTH,
    assert_one_line,
    family,
    tiny_at,
    tiny_dataset,
    tiny_loaded,
    tiny_model,
    tiny_sample,
)

LAYERS = range(BLOCKS + 1)
SOME = (3, 0, 7)
REAL = MASK.bool()  # states at padding are nobody's


def everywhere(site: str) -> list[Edit]:
    return [Scale(layer, SOME, 1.0) for layer in (LAYERS if site == "hidden" else range(BLOCKS))]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def hooks(model: Any) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.network.modules())


@pytest.mark.parametrize("site", ["hidden", "mlp", "attention"])
@pytest.mark.parametrize("name", NAMES)
def test_identity_changes_nothing(name: str, site: Site) -> None:
    model = tiny_at(name, site)
    states(replace(model, site="hidden"))  # with it come hooks of transformers' own, which stay
    plain = states(model)
    before = hooks(model)
    with live(model, everywhere(site)):
        assert same(states(model), plain)
    assert same(states(model), plain)
    assert hooks(model) == before


@pytest.mark.parametrize("name", NAMES)
def test_hidden_layer_against_the_slow_way(name: str) -> None:
    """Earlier layers stay, the layer itself shows the edit, later ones follow as they do when a block is given it."""
    model = tiny_loaded(name)
    plain, values = states(model), torch.tensor([1.5, -2.0, 0.25])
    for layer in LAYERS:
        with live(model, [Clamp(layer, SOME, values)]):
            came = states(model)
        assert same(came[:layer], plain[:layer])
        expected = plain[layer].clone()
        expected[..., list(SOME)] = values
        assert torch.equal(came[layer], expected)
        if layer < BLOCKS:
            with entering(model, name, layer, list(SOME), values):
                slow = states(model)
            for one, other, unedited in zip(came[layer + 1 :], slow[layer + 1 :], plain[layer + 1 :], strict=True):
                assert torch.equal(one[REAL], other[REAL])
                assert not torch.allclose(one[REAL], unedited[REAL])


@pytest.mark.parametrize("site", ["mlp", "attention"])
@pytest.mark.parametrize("name", NAMES)
def test_units_against_the_slow_way(name: str, site: Site) -> None:
    """To multiply units is to multiply what their projection makes of them; also where blocks share one."""
    model, units = tiny_loaded(name), tiny_at(name, site)
    plain, hidden = states(units), states(model)
    for layer in range(BLOCKS):
        edit = Scale(layer, SOME, -2.0)
        with live(model, [edit], site=site):
            came = states(model)
        with live(units, [edit]):
            seen = states(units)
        with multiplied(model, site, name, layer, list(SOME), -2.0):
            slow = states(model)
        with multiplied(units, site, name, layer, list(SOME), -2.0):
            slow_units = states(units)
        for one, other in zip(came, slow, strict=True):
            torch.testing.assert_close(one[REAL], other[REAL])
        assert same(came[: layer + 1], hidden[: layer + 1])
        assert not torch.allclose(came[layer + 1][REAL], hidden[layer + 1][REAL])
        assert same(seen[:layer], plain[:layer])
        expected = plain[layer].clone()
        expected[..., list(SOME)] *= -2.0
        assert torch.equal(seen[layer], expected)
        for one, other in zip(seen[layer + 1 :], slow_units[layer + 1 :], strict=True):
            torch.testing.assert_close(one[REAL], other[REAL])


@pytest.mark.parametrize("name", NAMES)
def test_only_chosen_positions(name: str) -> None:
    """A mask, and a function of the token ids, which are those of the text; the start token is never edited."""
    model = tiny_loaded(name)
    plain = states(model)
    mask = IDS == 7
    for layer in LAYERS:
        given: list[torch.Tensor] = []

        def of(ids: torch.Tensor, given: list[torch.Tensor] = given) -> torch.Tensor:
            given.append(ids)
            return ids == 7

        for positions in (mask, of):
            with live(model, [Steer(layer, torch.ones(WIDTH), 2.0)], positions):
                came = states(model)[layer]
            assert torch.equal(came[~mask], plain[layer][~mask])
            assert torch.equal(came[mask], plain[layer][mask] + 2.0)
        assert len(given) == 1
        assert torch.equal(given[0], IDS)


@pytest.mark.parametrize("name", ["t5:decoder", "bart:decoder", "plbart:decoder"])
def test_start_token_stays(name: str) -> None:
    """It is no position of the text, so that it is not edited even where all positions are."""
    model = tiny_loaded(name)
    network: Any = model.network

    @torch.inference_mode()
    def started() -> torch.Tensor:
        out = network(**model.inputs(IDS, MASK), output_hidden_states=True)
        first: torch.Tensor = out.decoder_hidden_states[0]
        return first

    plain = started()
    with live(model, [Ablate.zero(0, SOME)]):
        came = started()
    assert torch.equal(came[:, 0], plain[:, 0])
    assert not came[:, 1:, list(SOME)].any()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", ["bert", "codegen", "llama"])
def test_edits_compose_in_order(name: str, layer: int) -> None:
    """In one list as in contexts within each other."""
    model = tiny_loaded(name)
    plain = states(model)[layer]
    scale, steer = Scale(layer, tuple(range(WIDTH)), 3.0), Steer(layer, torch.arange(float(WIDTH)), 0.5)
    step = 0.5 * torch.arange(float(WIDTH))
    for first, second, expected in ((scale, steer, plain * 3 + step), (steer, scale, (plain + step) * 3)):
        with live(model, [first, second]):
            together = states(model)
        with live(model, [first]), live(model, [second]):
            nested = states(model)
        assert same(together, nested)
        assert torch.equal(together[layer], expected)
        with live(model, [first]):
            with live(model, [second]):
                states(model)
            outer = states(model)
        with live(model, [first]):
            assert same(states(model), outer)


def test_left_as_it_was_by_an_error() -> None:
    model = tiny_loaded("gpt2")
    plain, before = states(model), hooks(model)
    with pytest.raises(ZeroDivisionError), live(model, [Ablate.zero(1, SOME), Ablate.zero(0, SOME)]):
        states(model)[0].fill_(len(states(model)) / 0)
    with pytest.raises(ConfigError), live(model, [Ablate.zero(1, SOME)], torch.ones(1, 1, dtype=torch.bool)):
        states(model)
    assert hooks(model) == before
    assert same(states(model), plain)


def test_first_call_of_a_network() -> None:
    """transformers' own hooks come with the first call; those of an edit that was there before see to it first."""
    model = load_model(tiny_model("bert"), device="cpu")
    with live(model, [Ablate.zero(1, SOME)]):
        assert not states(model)[1][..., list(SOME)].any()


def test_site_beside_the_model_s_own_in_an_open_context() -> None:
    """The short call that proves a place is made once, so that no open edit meets it."""
    model = load_model(tiny_model("bert"), device="cpu")
    with live(model, [Ablate.zero(1, SOME)], IDS == 7), live(model, [Ablate.zero(0, SOME)], site="mlp"):
        states(model)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_dtype_is_kept(dtype: Any) -> None:
    model = load_model(tiny_model("llama"), device="cpu", precision=dtype)
    edits: list[Edit] = [
        Clamp(1, SOME, torch.tensor([1.0, 2.0, 3.0])),
        Steer(0, torch.ones(WIDTH, dtype=torch.float64), 1.0),
        Patch(2, SOME, torch.zeros(1, 3)),
    ]
    with live(model, edits):
        came = states(model)
    assert {state.dtype for state in came} == {getattr(torch, dtype)}
    assert came[1][0, 0, list(SOME)].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("name", ["bert", DECODERS[0]])
def test_activations_of_an_edited_model(name: str) -> None:
    """Reading for a data set sees the edits, whatever the batches."""
    model = tiny_loaded(name)
    tables = []
    for tokens in (64, 4096):
        with live(model, [Clamp(1, (2, 5), torch.tensor([4.0, -4.0]))]):
            options = ExtractionOptions(batch_tokens=tokens)
            tables.append(read_activations(model, tiny_dataset(), tiny_sample(), "test", options).values)
    assert (tables[0][:, WIDTH + 2] == 4.0).all()
    assert (tables[0][:, WIDTH + 5] == -4.0).all()
    torch.testing.assert_close(*tables)


WRONG: dict[str, tuple[list[Edit], dict[str, Any], tuple[str, ...]]] = {
    "layer": ([Scale(BLOCKS + 1, (0,), 2.0)], {}, (f"layer {BLOCKS + 1}", f"0 to {BLOCKS}")),
    "layer below": ([Scale(-1, (0,), 2.0)], {}, ("layer -1",)),
    "layer of units": ([Scale(BLOCKS, (0,), 2.0)], {"site": "mlp"}, (f"0 to {BLOCKS - 1}",)),
    "index": ([Scale(1, (0, WIDTH), 2.0)], {}, (f"neuron 1:{WIDTH}", f"0 to {WIDTH - 1}")),
    "index of units": ([Scale(1, (UNITS,), 2.0)], {"site": "mlp"}, (f"0 to {UNITS - 1}",)),
    "index below": ([Clamp(1, (-1,), torch.zeros(1))], {}, ("neuron 1:-1",)),
    "twice": ([Scale(1, (2, 2), 2.0)], {}, ("a neuron twice",)),
    "values": ([Clamp(1, (2, 3), torch.zeros(3))], {}, ("each of its 2 neurons", "got 3")),
    "pool": ([Ablate(1, (2, 3), torch.zeros(5, 3))], {}, ("each of its 2 neurons",)),
    "empty pool": ([Ablate(1, (2, 3), torch.zeros(0, 2))], {}, ("a pool of rows",)),
    "direction": ([Steer(1, torch.zeros(WIDTH + 1), 1.0)], {}, (f"width, {WIDTH}", f"got {WIDTH + 1}")),
    "none": ([], {}, ("at least one",)),
    "site": ([Scale(1, (0,), 2.0)], {"site": "mpl"}, ("site 'mpl'", "did you mean mlp?")),
}


@pytest.mark.parametrize("case", WRONG)
def test_edit_that_does_not_fit(case: str) -> None:
    """Told on entering, before anything runs."""
    model, (edits, more, parts) = tiny_loaded("bert"), WRONG[case]
    before = hooks(model)
    with pytest.raises(ConfigError) as caught, live(model, edits, **more):
        pytest.fail("entered")
    assert_one_line(caught.value, *parts)
    assert hooks(model) == before


@pytest.mark.parametrize(
    "positions",
    [torch.ones(2, 5, dtype=torch.bool), lambda ids: ids[:1] == 0],
)
def test_mask_of_another_shape(positions: Any) -> None:
    with pytest.raises(NeurosieveError) as caught, live(tiny_loaded("bert"), [Scale(1, (0,), 2.0)], positions):
        states(tiny_loaded("bert"))
    assert_one_line(caught.value, "positions to edit", "[2, 6]")


def test_another_model_runs() -> None:
    """A model that is not touched is no result."""
    model = tiny_loaded("bert")
    with pytest.raises(ModelError) as caught, live(model, [Scale(1, (0,), 2.0), Scale(2, (0,), 2.0)]):
        states(tiny_loaded("roberta"))
    assert_one_line(caught.value, "2 edited layers", "0 passes, 0 layers")


def test_language_model_is_edited() -> None:
    """The head predicts from edited states: as from the states themselves, written over by hand."""
    for name in ("bert", "gpt2", "opt", "t5:decoder", "bart:decoder"):
        model = load_language_model(tiny_model(name), device="cpu", stack=family(name).stack)
        rows = torch.tensor([[0, 2], [1, 1]])
        plain = model.predict(IDS, MASK, rows)
        for layer in LAYERS:
            with live(model, [Ablate.zero(layer, SOME)]):
                came = model.predict(IDS, MASK, rows)
            assert not torch.allclose(came, plain)
            if layer < BLOCKS:
                with entering(model, name, layer, list(SOME), torch.zeros(3)):
                    slow = model.predict(IDS, MASK, rows)
                torch.testing.assert_close(came, slow)
        assert torch.equal(model.predict(IDS, MASK, rows), plain)


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5:decoder"])
def test_erasing_where_it_was_fitted(name: str) -> None:
    """In the running model no covariance with the labels is left at the layer; at random directions it is."""
    model = tiny_loaded(name)
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 100, (12, 20), generator=generator)
    mask, label = torch.ones_like(ids), (ids % 3).flatten().numpy()

    def covariance() -> float:
        x = model.states(ids, mask)[1].flatten(0, 1)
        return max(float((x[label == c].mean(0) - x.mean(0)).abs().max()) for c in range(3))

    fitter = EraserFitter(WIDTH, 3)
    fitter.update(model.states(ids, mask)[1].flatten(0, 1), label)
    before = covariance()
    with live(model, [Erase(1, fitter.result())]):
        assert covariance() < 1e-4 * before
    with live(model, [Erase(1, fitter.control(2, 0))]):
        assert covariance() > 0.1 * before


def test_places_are_those_of_the_layers() -> None:
    assert [p.side for p in find_places(tiny_loaded("bert"), "hidden")] == ["input", "output", "output"]
