"""Edits on plain rows, and edits from train rows, each against what its name says."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurosieve.activations.store import Activations
from neurosieve.errors import ConfigError, DataError, NeurosieveError
from neurosieve.interventions import (
    Ablate,
    Clamp,
    Edit,
    Erase,
    Patch,
    Scale,
    Steer,
    TrainRows,
    Within,
    by_layer,
    fit_eraser,
)
from tests.tiny import assert_one_line

WIDTH, SOME = 6, (4, 1)
OTHERS = [0, 2, 3, 5]
CPU = torch.device("cpu")


def rows(count: int = 50, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed))


def done(edit: Edit, values: torch.Tensor) -> torch.Tensor:
    return edit.action(WIDTH, CPU)(values)


LABEL = np.arange(50) % 3
EDITS: dict[str, Edit] = {
    "zero": Ablate.zero(1, SOME),
    "pool": Ablate(1, SOME, rows(9, 1)[:, :2], seed=3),
    "clamp": Clamp(1, SOME, torch.tensor([5.0, -5.0])),
    "scale": Scale(1, SOME, -0.5),
    "patch": Patch(1, SOME, rows(50, 2)[:, :2]),
    "steer": Steer(1, torch.arange(6.0), 2.0),
    "erase": Erase(1, fit_eraser(rows(), LABEL, 3)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", EDITS)
def test_what_every_edit_keeps(name: str, dtype: torch.dtype) -> None:
    """The rows it gets, their dtype and shape, the neurons that are not chosen; a new action does the same again."""
    edit, values = EDITS[name], rows().to(dtype)
    before = values.clone()
    came = done(edit, values)
    assert torch.equal(values, before)
    assert (came.dtype, came.shape) == (dtype, values.shape)
    assert torch.equal(came, done(edit, values))
    assert not torch.equal(came, values)
    if name not in ("steer", "erase"):
        assert torch.equal(came[:, OTHERS], values[:, OTHERS])


def test_each_edit_by_its_definition() -> None:
    values = rows()
    some = list(SOME)
    assert not done(EDITS["zero"], values)[:, some].any()
    assert (done(EDITS["clamp"], values)[:, some] == torch.tensor([5.0, -5.0])).all()
    assert torch.equal(done(EDITS["scale"], values)[:, some], values[:, some] * -0.5)
    assert torch.equal(done(EDITS["patch"], values)[:, some], rows(50, 2)[:, :2])
    assert torch.equal(done(EDITS["steer"], values), values + 2.0 * torch.arange(6.0))
    assert torch.equal(done(EDITS["erase"], values), fit_eraser(rows(), LABEL, 3).apply(values))


def test_resampling_draws_whole_rows_evenly() -> None:
    """Each row gets one of the pool, all of them about as often, anew for each call of an action; by the seed alone."""
    pool = torch.stack([torch.arange(5.0), 10 + torch.arange(5.0)], 1)
    action = Ablate(1, SOME, pool, seed=3).action(WIDTH, CPU)
    first, second = (action(torch.zeros(4000, WIDTH))[:, list(SOME)] for _ in range(2))
    assert torch.equal(first[:, 1], first[:, 0] + 10)
    assert (torch.bincount(first[:, 0].long(), minlength=5) / 4000 - 0.2).abs().max() < 0.03
    assert not torch.equal(first, second)
    other = Ablate(1, SOME, pool, seed=4).action(WIDTH, CPU)(torch.zeros(4000, WIDTH))[:, list(SOME)]
    assert not torch.equal(first, other)


def test_same_units_are_drawn_in_all_layers() -> None:
    train = TrainRows({0: rows(30, 1), 2: rows(30, 2)})
    edits = train.ablate({0: (1, 2), 2: (3,)}, "resample", seed=5)
    came = [done(edit, torch.zeros(40, WIDTH)) for edit in edits]
    unit = [int((train.layers[0][:, 1] == value).nonzero()) for value in came[0][:, 1]]
    assert torch.equal(came[0][:, 2], train.layers[0][unit, 2])
    assert torch.equal(came[1][:, 3], train.layers[2][unit, 3])


def test_patch_of_as_many_rows() -> None:
    with pytest.raises(ConfigError) as caught:
        done(EDITS["patch"], rows(49))
    assert_one_line(caught.value, "patch of layer 1", "49 rows", "got 50")
    one = Patch(1, SOME, torch.tensor([[1.0, 2.0]]))
    assert (done(one, rows(3))[:, list(SOME)] == torch.tensor([1.0, 2.0])).all()


def activations(sides: int = 1) -> Activations:
    values = torch.cat([rows(20, 1), rows(20, 2)], 1).to(torch.float16)
    ids = np.array([(layer, index) for layer in (1, 4) for index in range(WIDTH)])
    label, text = np.arange(20) % 2, np.array(["x"] * 20, dtype=object)
    return Activations(values.repeat(1, sides), ids, label, ("a", "b"), text, text)


def test_train_rows() -> None:
    """Means, quantiles and the way between two kinds of rows, from the columns of the layer."""
    held = activations()
    train, x = TrainRows.of(held), held.values.double()
    assert list(train.layers) == [1, 4]
    chosen = by_layer(np.array([[4, 5], [1, 2], [4, 0]]))
    assert chosen == {1: (2,), 4: (5, 0)}
    columns = {1: [2], 4: [WIDTH + 5, WIDTH]}
    for mean, clamp in zip(train.ablate(chosen), train.clamp(chosen, 0.9), strict=True):
        mine = x[:, columns[mean.layer]].numpy()
        np.testing.assert_allclose(mean.pool[0], mine.mean(0), rtol=1e-5)
        np.testing.assert_allclose(clamp.values, np.quantile(mine, 0.9, axis=0), rtol=1e-5)
        assert (mean.indices, clamp.layer) == (chosen[mean.layer], mean.layer)
    assert [edit.pool.shape for edit in train.ablate(chosen, "zero")] == [(1, 1), (1, 2)]
    steer = train.steer(4, held.label == 1, 3.0)
    away = x[held.label == 1, WIDTH:].mean(0) - x[held.label == 0, WIDTH:].mean(0)
    torch.testing.assert_close(steer.direction.double(), away, rtol=1e-4, atol=1e-6)
    assert (steer.layer, steer.alpha) == (4, 3.0)


WRONG: dict[str, tuple[Any, type[NeurosieveError], tuple[str, ...]]] = {
    "pairs": (lambda: TrainRows.of(activations(2)), DataError, ("rows of pairs",)),
    "layer": (lambda: TrainRows.of(activations()).ablate({2: (0,)}), ConfigError, ("layer 2", "layers 1, 4")),
    "index": (lambda: TrainRows.of(activations()).clamp({1: (WIDTH,)}, 0.5), ConfigError, ("beyond the layer",)),
    "side": (lambda: TrainRows.of(activations()).steer(1, np.ones(20, dtype=bool), 1.0), DataError, ("one side",)),
    "no side": (lambda: TrainRows.of(activations()).steer(1, np.zeros(20, dtype=bool), 1.0), DataError, ("one side",)),
    "eraser": (lambda: EDITS["erase"].action(WIDTH + 1, CPU), ConfigError, ("an eraser", "got 6")),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_train_does_not_tell(case: str) -> None:
    call, kind, parts = WRONG[case]
    with pytest.raises(kind) as caught:
        call()
    assert_one_line(caught.value, *parts)


@given(arrays(np.float32, (6, 5), elements=st.floats(-3, 3, width=32)), st.floats(-3, 3), st.floats(0, 3))
def test_within_a_range_the_edit_elsewhere_nothing(rows: np.ndarray, low: float, size: float) -> None:
    x, ends = torch.from_numpy(rows), (torch.tensor([low, -torch.inf]), torch.tensor([low + size, 0.5]))
    clamp = Clamp(1, (3, 0), torch.tensor([9.0, -9.0]))
    found = Within(clamp, *ends).action(5, torch.device("cpu"))(x)
    for row, changed in zip(rows, found.numpy(), strict=True):
        expected = row.copy()
        for place, index in enumerate((3, 0)):
            if ends[0][place].item() <= row[index] <= ends[1][place].item():
                expected[index] = (9.0, -9.0)[place]
        np.testing.assert_array_equal(changed, expected)
    np.testing.assert_array_equal(rows, x.numpy())


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ([1.0], [0.5], "range of neuron 2:4: expected a lower end .* got 1 to 0.5, which is empty; give the lower"),
        ([float("nan")], [0.5], "range of neuron 2:4"),
        ([0.0, 1.0], [1.0, 2.0], "expected a range for each of its 1 neurons, got 2"),
    ],
)
def test_ranges_that_are_none(low: list[float], high: list[float], message: str) -> None:
    edit = Within(Ablate.zero(2, (4,)), torch.tensor(low), torch.tensor(high))
    with pytest.raises(ConfigError, match=message):
        edit.action(8, torch.device("cpu"))
