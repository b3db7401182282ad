"""Columns and neurons: one is the other, whoever asks."""

import numpy as np
import pytest

from neurosieve.typing import Grid, NeuronId


@pytest.mark.parametrize(("layers", "width"), [(1, 1), (1, 5), (4, 1), (3, 4), (13, 768)])
def test_a_column_is_a_neuron(layers: int, width: int) -> None:
    grid = Grid(layers, width)
    every = [NeuronId(layer, index) for layer in range(layers) for index in range(width)]
    assert len(grid) == len(every)
    assert [tuple(pair) for pair in grid.neurons().tolist()] == every
    assert [grid.neuron(column) for column in range(len(grid))] == every
    assert [grid.column(neuron) for neuron in every] == list(range(len(grid)))
    assert grid.columns(grid.neurons()).tolist() == list(range(len(grid)))
    assert all(neuron in grid for neuron in every)
    assert [c for layer in range(layers) for c in range(len(grid))[grid.layer(layer)]] == list(range(len(grid)))
    assert {grid.neuron(c).layer for c in range(len(grid))[grid.layer(layers - 1)]} == {layers - 1}


@pytest.mark.parametrize("neuron", [NeuronId(-1, 0), NeuronId(3, 0), NeuronId(0, -1), NeuronId(0, 4)])
def test_what_is_no_neuron_of_a_grid(neuron: NeuronId) -> None:
    assert neuron not in Grid(3, 4)


@pytest.mark.parametrize("layers", [[], [2], [2, 0], [0, 1, 2]])
def test_some_layers_side_by_side(layers: list[int]) -> None:
    found = Grid(3, 2).neurons(layers)
    assert found.dtype == np.int64
    assert found.shape == (2 * len(layers), 2)
    assert found.tolist() == [[layer, index] for layer in layers for index in range(2)]
