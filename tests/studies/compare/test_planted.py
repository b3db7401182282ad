"""What was planted is found, and what was not is called chance."""

import numpy as np
import pytest

from neurosieve.results.comparison import ComparisonResult
from neurosieve.results.comparison_pairs import Finding, Kind, PairComparison
from neurosieve.results.comparison_parts import Likeness, Matching, Relation, SharedNeurons, Verdict
from neurosieve.results.measured import NotMeasured
from neurosieve.studies.compare.run import compare_opened
from neurosieve.studies.compare_options import CompareOptions
from tests.studies.compare import LAYERS, OPTIONS, WIDTH, Values, classes_of, planted_run, planted_values

ORDER = np.random.default_rng(5).permutation(LAYERS * WIDTH)
SHARED = ORDER[:40]
CARRIERS = {"first": ORDER[:50], "second": np.concatenate([SHARED, ORDER[60:70]]), "third": ORDER[100:150]}


@pytest.fixture(scope="module")
def one_model(tmp_path_factory: pytest.TempPathFactory) -> ComparisonResult:
    """Three tasks on one model: the first two share 40 neurons, the third none with either."""
    home = tmp_path_factory.mktemp("planted")
    runs = []
    for seed, (name, carriers) in enumerate(CARRIERS.items()):
        label = classes_of(seed)
        runs.append(planted_run(home, name, planted_values(seed, label, carriers), label))
    return compare_opened(runs, OPTIONS)


def shared_of(pair: PairComparison) -> SharedNeurons:
    assert isinstance(pair.shared, SharedNeurons)
    return pair.shared


def test_a_shared_set_is_found(one_model: ComparisonResult) -> None:
    pair = one_model.pair("first", "second")
    found = shared_of(pair)
    planted = {divmod(int(column), WIDTH) for column in SHARED}
    assert pair.relation is Relation.SAME
    assert len(planted & set(found.neurons)) >= 32
    assert len(set(found.neurons) - planted) <= 5
    assert found.verdict is Verdict.ABOVE
    assert pair.finding is Finding.SHARED
    assert "both sets" in pair.sentence


@pytest.mark.parametrize("other", ["first", "second"])
def test_sets_without_a_neuron_in_common_are_chance(one_model: ComparisonResult, other: str) -> None:
    pair = one_model.pair(other, "third")
    assert shared_of(pair).verdict in (Verdict.CHANCE, Verdict.BELOW)
    assert not isinstance(pair.transfers, NotMeasured)
    assert {transfer.verdict for transfer in pair.transfers}.isdisjoint({Verdict.ABOVE})
    assert pair.finding in (Finding.APART, Finding.OPEN)


def test_a_shared_set_serves_the_other_task(one_model: ComparisonResult) -> None:
    transfers = one_model.pair("first", "second").transfers
    assert not isinstance(transfers, NotMeasured)
    for transfer in transfers:
        assert transfer.verdict is Verdict.ABOVE
        assert transfer.score.value > transfer.by_layer.high
        assert transfer.own.value < 0.1


def test_kinds_of_neurons(one_model: ComparisonResult) -> None:
    (group,) = one_model.kinds
    counts = {one.kind: one.count for one in group.kinds}
    union = set().union(*(set(shared.neurons) for shared in map(shared_of, one_model.pairs)))
    assert sum(counts.values()) == LAYERS * WIDTH
    assert counts[Kind.ALL] + counts[Kind.SOME] == len(union)
    assert group.runs == ("first", "second", "third")
    assert not isinstance(group.specific, NotMeasured)
    specific = {one.run: one for one in group.specific}
    own = {divmod(int(column), WIDTH) for column in CARRIERS["third"]}
    assert specific["third"].share.verdict is Verdict.ABOVE
    assert len(own & set(specific["third"].neurons)) > 10
    assert not set(specific["third"].neurons) - own


def rotated(values: Values) -> Values:
    rng = np.random.default_rng(11)
    turns = [np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0] for _ in range(LAYERS)]
    return {s: np.stack([v[:, k] @ turns[k] for k in range(LAYERS)], 1) for s, v in values.items()}


def dealt_anew(values: Values) -> Values:
    """The same neurons under other numbers, some with the other sign, and a little noise."""
    rng = np.random.default_rng(12)
    order, sign = rng.permutation(WIDTH), rng.choice([-1.0, 1.0], WIDTH)
    return {s: v[:, :, order] * sign + 0.3 * rng.normal(size=v.shape) for s, v in values.items()}


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> ComparisonResult:
    """A network, its rotated copy, and its neurons under other numbers, on the same units."""
    home, options, label = tmp_path_factory.mktemp("copies"), CompareOptions(), classes_of(0)
    values = planted_values(0, label, ORDER[:50])
    kinds = {"itself": values, "rotated": rotated(values), "dealt": dealt_anew(values)}
    runs = [planted_run(home, name, kind, label, options=options) for name, kind in kinds.items()]
    return compare_opened(runs, options)


def test_a_rotated_copy_is_found_by_cka_and_not_by_neurons(copies: ComparisonResult) -> None:
    pair = copies.pair("itself", "rotated")
    assert pair.relation is Relation.OTHER
    assert isinstance(pair.likeness, Likeness)
    assert isinstance(pair.matching, Matching)
    assert [layer.nearest for layer in pair.likeness.layers] == [0, 1]
    for i, layer in enumerate(pair.likeness.layers):
        assert pair.likeness.cka[i][i] > 0.99
        assert layer.cka.verdict is Verdict.ABOVE
    assert pair.matching.matched.verdict is not Verdict.ABOVE
    assert pair.finding is Finding.ROTATED
    assert isinstance(pair.shared, NotMeasured)


def test_neurons_under_other_numbers_are_matched(copies: ComparisonResult) -> None:
    pair = copies.pair("itself", "dealt")
    assert isinstance(pair.matching, Matching)
    assert pair.matching.matched.value > 0.95
    assert pair.finding is Finding.MATCHED
    assert all(abs(match.r) > 0.85 and match.a.layer == match.b.layer for match in pair.matching.of_set)
    assert not isinstance(pair.transfers, NotMeasured)
    there = pair.transfers[0]
    assert there.verdict is Verdict.ABOVE
    assert not isinstance(there.carried, NotMeasured)
    assert there.carried.value > 0.8  # the probe as it is, through the matches and their signs


def test_the_order_of_runs_does_not_matter(copies: ComparisonResult) -> None:
    assert copies.pair("dealt", "itself") is copies.pair("itself", "dealt")
