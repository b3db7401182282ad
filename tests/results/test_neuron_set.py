"""Sets of neurons: the laws of sets, an order that stays, and one shape in and out of a file."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.errors import RunFolderError
from neurosieve.results import from_json, to_json
from neurosieve.results.neuron_groups import ValueSet
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId

Pairs = list[tuple[int, int]]
PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=12)


@given(PAIRS, PAIRS)
def test_operations_are_those_of_sets_and_keep_the_left_order(ours: Pairs, theirs: Pairs) -> None:
    a, b = NeuronSet(ours), NeuronSet(theirs)
    x, y = set(ours), set(theirs)
    for found, expected in ((a & b, x & y), (a | b, x | y), (a - b, x - y), (a ^ b, x ^ y)):
        assert isinstance(found, NeuronSet)
        assert set(found) == expected
        assert len(found) == len(expected)
    place = {neuron: i for i, neuron in enumerate((*a, *(b - a)))}
    for found in (a & b, a | b, a - b):
        assert [place[n] for n in found] == sorted(place[n] for n in found)
    assert (a == b) is (x == y)
    assert (a <= b) is (x <= y)
    assert hash(NeuronSet(reversed(list(a)))) == hash(a)
    assert NeuronSet(reversed(list(a))) == a


@given(PAIRS)
def test_layers_and_tables_hold_each_neuron_once(pairs: Pairs) -> None:
    found = NeuronSet(pairs)
    assert list(found) == list(dict.fromkeys(pairs))
    assert NeuronSet(np.array(pairs, dtype=np.int64).reshape(-1, 2)) == found
    flat = [(layer, index) for layer, indices in found.by_layer.items() for index in indices]
    assert sorted(flat) == sorted(found)
    assert list(found.by_layer) == sorted(found.by_layer)
    assert found.to_frame().rows() == [(i, *n) for i, n in enumerate(found, 1)]
    assert found[1:] == NeuronSet(list(found)[1:])
    assert all(isinstance(n, NeuronId) and n in found for n in found)


def test_it_shows_how_many_and_the_first() -> None:
    many = NeuronSet((0, i) for i in range(9))
    assert str(many) == "0:0, 0:1, 0:2, 0:3, 0:4, 0:5, and 3 more"
    assert repr(many) == f"NeuronSet(9 neurons: {many})"
    assert (str(NeuronSet()), repr(NeuronSet())) == ("no neurons", "NeuronSet()")
    assert "<p>9 neurons: 9 in layer 0</p>" in many._repr_html_()
    assert NeuronSet()._repr_html_().startswith("<p>0 neurons</p>")


def test_files_hold_pairs() -> None:
    record = {"name": "lexical=number", "neurons": [[2, 7], [0, 39]]}
    found = from_json(ValueSet, record, "f.json")
    assert list(found.neurons) == [(2, 7), (0, 39)]
    assert json.dumps(to_json(found)) == json.dumps(record)
    with pytest.raises(RunFolderError, match=r"f.json: neurons\[1\]: expected a list of 2, got one of 1"):
        from_json(ValueSet, record | {"neurons": [[2, 7], [0]]}, "f.json")
