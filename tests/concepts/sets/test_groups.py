"""Smallest sets and values' neurons on stores with planted concept neurons, against plain loops and scikit-learn."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression

from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sets import property_sets
from neurosieve.concepts.sets.groups import find_groups
from neurosieve.concepts.sets.property_sets import LEAST, find_property_set, values_for_sets
from neurosieve.concepts.sets.set_search import SetOptions
from neurosieve.errors import ConfigError
from neurosieve.probes import Oracle, SelectionData, fit_oracle
from neurosieve.results import from_json, to_json
from neurosieve.results.neuron_groups import NeuronGroups
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import SPLITS, NeuronId
from tests.concepts.planted import planted_store
from tests.tiny import assert_one_line

NUMBER, COMMENT, DEFINITION = NeuronId(1, 2), NeuronId(2, 5), NeuronId(2, 1)
PLANTS = {
    NUMBER: ("lexical=number", 3.5),
    NeuronId(0, 3): ("lexical=string", 3.5),
    NeuronId(1, 6): ("lexical=keyword", 3.5),
    COMMENT: ("lexical=comment", -3.5),
    NeuronId(2, 0): ("lexical=identifier", 3.5),
    NeuronId(2, 3): ("lexical=operator", 3.5),
    DEFINITION: ("use=definition", 3.0),
}
DEAD = (NeuronId(0, 0), NeuronId(1, 7))
quick = partial(SetOptions, draws=4, searched=2, bootstrap=200)
OPTIONS = quick(rows={"train": 80, "validation": 60, "test": 60}, select="point")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ConceptStore:
    return planted_store(tmp_path_factory.mktemp("groups"), PLANTS, dead=DEAD)


@pytest.fixture(scope="module")
def groups(store: ConceptStore) -> NeuronGroups:
    return find_groups(store, options=OPTIONS)


def test_planted_neurons_are_the_smallest_sets(groups: NeuronGroups) -> None:
    found = {s.property: s for s in groups.sets}
    lexical = found["lexical"]
    assert lexical.smallest is not None
    planted = {n for n, (name, _) in PLANTS.items() if name.startswith("lexical")}
    assert set(lexical.smallest.neurons) == planted
    assert lexical.oracle.test.value > 0.85 > lexical.majority
    assert lexical.smallest.random_same_size.test.high < lexical.smallest.test.value - 0.1
    assert lexical.smallest.random_size.low > len(planted)
    use = found["use"]
    assert use.smallest is not None
    assert DEFINITION in use.smallest.neurons


def test_each_value_is_carried_by_its_neuron(groups: NeuronGroups) -> None:
    carriers = {c.name: c.neurons for s in groups.sets for c in s.carriers}
    for neuron, (name, _) in PLANTS.items():
        assert carriers[name][0] == neuron
    assert "use=use" not in carriers  # its weights are those of use=definition turned round


def test_what_cannot_be_known_has_no_set(tmp_path: Path) -> None:
    """Noise knows nothing of a token's class."""
    found = find_groups(planted_store(tmp_path, {}), ["lexical"], quick(rows=dict.fromkeys(SPLITS, 40)))
    (lexical,) = found.sets
    assert lexical.smallest is None
    assert "not above the majority" in lexical.reason
    assert lexical.carriers == ()
    assert found.properties.overlaps.names == ()
    assert found.to_frame()["size"].to_list() == [None]
    json.dumps(to_json(found), allow_nan=False)


def test_dead_neurons_are_in_no_set(store: ConceptStore, groups: NeuronGroups) -> None:
    live = {NeuronId(*n) for n in find_property_set(store, "use", (0, 1), OPTIONS).live.tolist()}
    assert len(live) == 22
    assert not live & set(DEAD)
    assert {s.live for s in groups.sets} == {22}
    assert groups.properties.overlaps.live == 22
    np.testing.assert_allclose(groups.values.spread[0].uniform, np.array([7, 7, 8]) / 22, atol=5e-5)


def test_sharing_is_of_the_sets(groups: NeuronGroups) -> None:
    sets = {s.property: s.smallest.neurons for s in groups.sets if s.smallest}
    overlaps = groups.properties.overlaps
    assert overlaps.names == tuple(sets)
    i, j = (overlaps.names.index(name) for name in ("lexical", "use"))
    a, b = set(sets["lexical"]), set(sets["use"])
    assert overlaps.jaccard[i][j] == pytest.approx(len(a & b) / len(a | b), abs=5e-5)
    assert [s.name for s in groups.values.spread] == [c.name for s in groups.sets for c in s.carriers if c.neurons]
    assert sum(groups.values.polysemy.neurons) == 22


@pytest.mark.parametrize(("values", "most"), [((0, 1, 2, 3, 4, 5), 60), ((2, 1), 600)])
def test_scores_as_plain_loops_have_them(store: ConceptStore, values: tuple[int, ...], most: int) -> None:
    """The accuracy of the oracle is that of scikit-learn's probe on the same rows, all by row numbers."""
    options = quick(rows={"train": most, "validation": 40, "test": 2 * most})
    found = find_property_set(store, "lexical", values, options).group
    data = {}
    for split in SPLITS:
        sample = store.sample(split, "lexical", options.rows[split], options.seed)
        keep = np.isin(sample.label, values)
        data[split] = (sample.values.numpy()[keep], sample.label[keep], sample.text[keep])
    assert found.rows == {split: len(label) for split, (_, label, _) in data.items()}
    assert found.values == tuple(store.table.values["lexical"][v] for v in values)
    (x, y, text), (tx, ty, test_text) = data["train"], data["test"]
    spread = np.where(x.std(0) > 0, x.std(0), 1)
    probe = LogisticRegression(C=0.2, max_iter=500).fit((x - x.mean(0)) / spread, y)
    assert found.oracle.test.value == pytest.approx(probe.score((tx - x.mean(0)) / spread, ty), abs=0.03)
    assert found.oracle.test.n == len(ty)
    seen = [{v: int(((text == t) & (y == v)).sum()) for v in values} for t in test_text]
    common = {v: int((y == v).sum()) for v in values}
    counts = [own if any(own.values()) else common for own in seen]
    guesses = [max(values, key=own.__getitem__) for own in counts]
    assert found.lookup == pytest.approx(np.mean(np.array(guesses) == ty))
    tied = [v for v in values if common[v] == max(common.values())]
    assert found.majority == pytest.approx(max((ty == v).mean() for v in tied))
    assert found.smallest is not None
    loss = found.smallest.test_loss
    assert loss.value == pytest.approx(found.oracle.test.value - found.smallest.test.value)
    assert loss.interval is not None
    assert loss.interval[0] <= loss.value <= loss.interval[1]


def test_a_value_takes_half_of_its_weight(store: ConceptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Oracle] = []

    def fit(data: SelectionData, length: int) -> Oracle:
        seen.append(fit_oracle(data, length))
        return seen[-1]

    monkeypatch.setattr(property_sets, "fit_oracle", fit)
    found = find_property_set(store, "lexical", (0, 1, 2, 3), quick())
    weights = seen[0].probe.weights.abs().double().numpy()
    for v, carrier in enumerate(found.group.carriers):
        own = weights[:, v]
        order = sorted(range(len(own)), key=lambda j: -own[j])
        taken, covered = [], 0.0
        for j in order:
            if covered >= 0.5 * own.sum():
                break
            taken.append(NeuronId(*found.live[j].tolist()))
            covered += own[j]
        assert list(carrier.neurons) == taken


def test_values_without_enough_rows_are_named(store: ConceptStore) -> None:
    for name, words in store.table.values.items():
        kept, left_out = values_for_sets(store, name, 12)
        for v, word in enumerate(words):
            counts = {split: int((store.codes(name, split) == v).sum()) for split in SPLITS}
            enough = all(counts[split] >= LEAST[split] for split in SPLITS)
            assert (v in kept) == enough
            assert (word in left_out) != enough
    kept, left_out = values_for_sets(store, "lexical", 2)
    rows = {v: int((store.codes("lexical", "train") == v).sum()) for v in range(len(store.table.values["lexical"]))}
    assert set(kept) == set(sorted(rows, key=lambda v: -rows[v])[:2])
    assert "rarer in train than 2 other values" in left_out.values()


def test_a_property_without_two_values_is_left_out(store: ConceptStore) -> None:
    found = find_groups(store, ["use"], quick(values=1))
    assert found.sets == ()
    assert found.left_out["use"] == "values with enough rows: 1, fewer than 2"
    assert found.properties.polysemy.neurons == (0,)
    json.dumps(to_json(found), allow_nan=False)


def test_same_store_same_groups_and_plain_records(store: ConceptStore, groups: NeuronGroups) -> None:
    record = json.loads(json.dumps(to_json(groups), allow_nan=False))
    assert from_json(NeuronGroups, record, "groups.json") == groups
    again = find_groups(store, ["use"], OPTIONS)
    (use,) = (s for s in groups.sets if s.property == "use")
    assert again.sets == (use,)
    assert use.smallest is not None
    assert use.smallest.random_size.draws == 2
    assert use.smallest.random_same_size.draws == 4
    assert groups.to_frame()["property"].to_list() == [s.property for s in groups.sets]


def test_hidden_tokens_have_no_lookup(tmp_path: Path) -> None:
    hidden = planted_store(tmp_path, PLANTS, view="predict")
    found = find_property_set(hidden, "use", (0, 1), quick(rows=dict.fromkeys(SPLITS, 30)))
    assert found.group.lookup is None


def test_test_rows_do_not_choose(store: ConceptStore, tmp_path: Path) -> None:
    """Other values in the test split: the same sets."""
    options = quick(rows={"train": 60, "validation": 40, "test": 50})
    other = planted_store(tmp_path, PLANTS, dead=DEAD)
    for shard in other.store.manifest.shards:
        if shard["split"] == "test":
            path = tmp_path / shard["values"]
            save_file({k: x + 2 * torch.randn_like(x) for k, x in load_file(path).items()}, path)
    one, two = (find_property_set(s, "lexical", (0, 1, 2, 3, 4), options).group for s in (store, other))
    assert one.smallest is not None
    assert two.smallest is not None
    assert one.smallest.neurons == two.smallest.neurons
    assert one.carriers == two.carriers
    assert one.oracle.test.value != two.oracle.test.value


@pytest.mark.parametrize(("key", "value"), [("lambdas", 11), ("searched", 0), ("searched", 11)])
def test_bad_options_are_named(key: str, value: int) -> None:
    with pytest.raises(ConfigError) as error:
        SetOptions(**{key: value})  # type: ignore[arg-type]
    assert_one_line(error.value, str(value))


def test_an_unknown_property_is_named(store: ConceptStore) -> None:
    with pytest.raises(ConfigError) as error:
        find_groups(store, ["lexcal"])
    assert_one_line(error.value, "lexcal", "did you mean lexical?")


def test_claimed_sets_are_compared_too(store: ConceptStore, groups: NeuronGroups) -> None:
    """Two that share one neuron of layer 1, beside what chance gives."""
    one, two = NeuronSet([(1, 0), (1, 1)]), NeuronSet([(1, 1), (2, 0), (2, 1)])
    found = find_groups(store, ["use"], OPTIONS, claimed={"use=definition": one, "lexical=number": two})
    assert groups.claimed is None
    assert found.claimed is not None
    assert found.claimed.overlaps.sizes == (2, 3)
    assert found.claimed.overlaps.jaccard[0][1] == 1 / 4
    assert [s.counts for s in found.claimed.spread] == [(0, 2, 0), (0, 1, 2)]
    assert from_json(NeuronGroups, json.loads(json.dumps(to_json(found))), "groups.json") == found
