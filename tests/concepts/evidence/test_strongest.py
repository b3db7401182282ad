"""Evidence against plain loops over all rows, NumPy's correlations, and code read by eye."""

import json
from pathlib import Path

import numpy as np
import pytest

from neurosieve.concepts.evidence.contexts import Contexts
from neurosieve.concepts.evidence.picking import BINS
from neurosieve.concepts.evidence.shown_code import AROUND, CHARACTERS, LINES
from neurosieve.concepts.evidence.strongest import (
    ALIKE,
    SAME,
    TOP,
    TYPICAL,
    Asked,
    find_evidence,
)
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.errors import ConfigError, DataError, NeurosieveError
from neurosieve.results import from_json, to_json
from neurosieve.results.concept_evidence import Evidence, Token
from neurosieve.typing import SPLITS, NeuronId
from tests.concepts.planted import planted_store, values_of
from tests.tiny import assert_one_line

WIDTH = 8
HIGH, LOW, NOISE, DEAD = NeuronId(1, 2), NeuronId(2, 5), NeuronId(0, 4), NeuronId(0, 0)
PLANTS = {HIGH: ("lexical=number", 3.0), NeuronId(2, 2): ("lexical=number", 2.0), LOW: ("use=definition", -3.0)}
ASKED = (
    Asked(LOW, "use=definition", low=True),
    Asked(HIGH, "lexical=number", low=False),
    Asked(NOISE, "bracket-depth=0", low=True),
    Asked(HIGH, "lexical=comment", low=True),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ConceptStore:
    return planted_store(tmp_path_factory.mktemp("evidence"), PLANTS, dead=[DEAD])


@pytest.fixture(scope="module")
def found(store: ConceptStore) -> tuple[Evidence, ...]:
    return find_evidence(store, ASKED)


@pytest.fixture(params=range(len(ASKED)), ids=[f"{a.neuron} {a.name}" for a in ASKED])
def one(request: pytest.FixtureRequest, store: ConceptStore, found: tuple[Evidence, ...]) -> tuple["Slow", Evidence]:
    return Slow(store, ASKED[request.param]), found[request.param]


class Slow:
    """All test values of one neuron, read at once."""

    def __init__(self, store: ConceptStore, asked: Asked) -> None:
        self.store, self.asked = store, asked
        self.column = asked.neuron.layer * WIDTH + asked.neuron.index
        self.train = values_of(store, "train")[0]
        own = self.train[:, self.column]
        values, self.numbers = values_of(store, "test")
        self.z = (values[:, self.column] - own.mean()) / own.std()
        self.positive = store.table.target(asked.name).positive[self.numbers]

    def picked(self, order: list[int], count: int) -> list[int]:
        kept: list[int] = []
        for i in order:
            text = self.store.text(int(self.numbers[i]))
            if [self.store.text(int(self.numbers[k])) for k in kept].count(text) < SAME and len(kept) < count:
                kept.append(i)
        return kept

    def assert_tokens(self, tokens: tuple[Token, ...], places: list[int]) -> None:
        assert len(tokens) == len(places)
        rows, table = self.store.rows, self.store.table
        name = self.asked.name.partition("=")[0]
        for token, i in zip(tokens, places, strict=True):
            row = int(self.numbers[i])
            example = rows.dataset.examples[int(table.example[row])]
            start, end = int(table.start[row]), int(table.end[row])
            assert token.value == pytest.approx(self.z[i], abs=1e-4)
            assert token.context.token == example.text[start:end]
            assert token.context.example == example.id
            assert token.context.line == len(example.text[:start].split("\n"))
            code = table.codes[name][row]
            assert token.label == (table.values[name][code] if code >= 0 else None)


def test_top_tokens_are_the_most_extreme_of_different_texts(one: tuple[Slow, Evidence]) -> None:
    slow, evidence = one
    sign = -1 if slow.asked.low else 1
    order = sorted(range(len(slow.z)), key=lambda i: -sign * slow.z[i])
    slow.assert_tokens(evidence.top, slow.picked(order, TOP))
    assert len(evidence.top) == TOP


def test_typical_tokens_are_nearest_to_the_median(one: tuple[Slow, Evidence]) -> None:
    slow, evidence = one
    for tokens, rows in ((evidence.typical, slow.positive), (evidence.other, ~slow.positive)):
        here = [i for i in range(len(slow.z)) if rows[i]]
        middle = np.median([slow.z[i] for i in here])
        distance = np.abs(slow.z - middle).round(9)
        nearest = sorted(here, key=distance.__getitem__)
        slow.assert_tokens(tokens, slow.picked(nearest, TYPICAL))


def test_densities_by_label(one: tuple[Slow, Evidence]) -> None:
    slow, evidence = one
    densities, lexical = evidence.densities, slow.store.table
    edges = np.array(densities.edges)
    low, high = np.quantile(slow.z, [0.001, 0.999])
    np.testing.assert_allclose(edges, np.linspace(low, high, BINS + 1), atol=1e-5)

    def plain(rows: np.ndarray) -> np.ndarray:
        counts = np.zeros(BINS)
        for z in slow.z[rows]:
            counts[min(max(sum(edges[1:] <= z), 0), BINS - 1)] += 1
        density: np.ndarray = counts / rows.sum() / (edges[1] - edges[0])
        return density

    def assert_same(density: tuple[float, ...], rows: np.ndarray) -> None:
        one = 1.01 / rows.sum() / (edges[1] - edges[0])  # a value on an edge may be rounded to either side
        np.testing.assert_allclose(density, plain(rows), atol=one)

    assert_same(densities.with_value, slow.positive)
    assert_same(densities.without, ~slow.positive)
    assert densities.rows["with"] + densities.rows["without"] == len(slow.z)
    for v, word in enumerate(lexical.values["lexical"]):
        rows = lexical.codes["lexical"][slow.numbers] == v
        assert (f"lexical={word}" in densities.classes) == (rows.sum() >= 30)
        if rows.sum() >= 30:
            assert_same(densities.classes[f"lexical={word}"], rows)
    for density in (densities.with_value, densities.without, *densities.classes.values()):
        assert np.array(density) @ np.diff(edges) == pytest.approx(1, abs=1e-3)


def test_neurons_alike_are_those_of_numpy(one: tuple[Slow, Evidence]) -> None:
    slow, evidence = one
    live = [j for j in range(slow.train.shape[1]) if slow.train[:, j].std() > 0]
    r = {j: np.corrcoef(slow.train[:, slow.column], slow.train[:, j])[0, 1] for j in live if j != slow.column}
    order = sorted(r, key=lambda j: -abs(r[j]))[:ALIKE]
    assert [a.neuron for a in evidence.alike] == [NeuronId(*divmod(j, WIDTH)) for j in order]
    np.testing.assert_allclose([a.r for a in evidence.alike], [r[j] for j in order], atol=1e-6)
    if slow.asked.neuron == HIGH:
        assert evidence.alike[0].neuron == NeuronId(2, 2)  # planted alike


def test_a_large_mean_costs_no_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Correlations in chunks of a few rows, of values a thousand spreads from zero."""
    far = planted_store(tmp_path, {HIGH: ("lexical=number", 3.0), LOW: ("lexical=number", 3.0)}, dead=[DEAD])
    batches = type(far).batches
    monkeypatch.setattr("neurosieve.concepts.evidence.strongest._VALUES", 100)
    monkeypatch.setattr(type(far), "batches", lambda *a, **k: ((x + 1000, n) for x, n in batches(*a, **k)))
    (evidence,) = find_evidence(far, ASKED[1:2])
    train = values_of(far, "train")[0]
    r = np.corrcoef(train[:, HIGH.layer * WIDTH + HIGH.index], train[:, LOW.layer * WIDTH + LOW.index])[0, 1]
    assert evidence.alike[0].neuron == LOW
    assert evidence.alike[0].r == pytest.approx(r, abs=1e-6)


def test_order_and_shards_do_not_matter(store: ConceptStore, found: tuple[Evidence, ...], tmp_path: Path) -> None:
    other = planted_store(tmp_path, PLANTS, dead=[DEAD], shards=1)
    again = find_evidence(other, ASKED[::-1])[::-1]
    for a, b in zip(found, again, strict=True):
        assert (a.neuron, a.name, a.low) == (b.neuron, b.name, b.low)
        assert (a.top[0].context, a.typical) == (b.top[0].context, b.typical)
        np.testing.assert_allclose([one.r for one in a.alike], [one.r for one in b.alike], atol=1e-9)
    assert find_evidence(store, []) == ()


def test_many_neurons_are_read_in_parts(
    store: ConceptStore, found: tuple[Evidence, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurosieve.concepts.evidence.strongest._TOGETHER", 2)
    for a, b in zip(found, find_evidence(store, ASKED), strict=True):
        assert a == b


def test_records_are_plain_and_frames_hold_all_tokens(found: tuple[Evidence, ...]) -> None:
    for asked, evidence in zip(ASKED, found, strict=True):
        record = json.loads(json.dumps(to_json(evidence), allow_nan=False))
        assert from_json(Evidence, record, "evidence.json") == evidence
        assert (evidence.neuron, evidence.name, evidence.low) == asked
        assert record["neuron"] == list(asked.neuron)
        top = record["top"][0]
        assert top["text"][top["start"] : top["end"]] == top["token"]
        assert len(evidence.to_frame()) == TOP + 2 * TYPICAL


@pytest.mark.parametrize(
    ("asked", "kind", "part"),
    [
        (Asked(DEAD, "lexical=number", low=False), DataError, "neuron 0:0"),
        (Asked(HIGH, "lexical=numbr", low=False), ConfigError, "numbr"),
        (Asked(HIGH, "lexcal=number", low=False), ConfigError, "lexcal"),
    ],
)
def test_what_cannot_be_shown_is_named(
    store: ConceptStore, asked: Asked, kind: type[NeurosieveError], part: str
) -> None:
    with pytest.raises(kind) as error:
        find_evidence(store, [asked])
    assert_one_line(error.value, part)


def rows_of(code: str) -> ConceptRows:
    examples = tuple(Example(split, code, (), split, split) for split in SPLITS)
    return concept_rows(Dataset(examples, "made up"), ["python"] * 3, properties=["lexical"])


def shown(code: str, token: str) -> str:
    """The context of the first token with this text."""
    rows = rows_of(code)
    table = rows.table
    row = next(i for i in range(len(table)) if code[int(table.start[i]) : int(table.end[i])] == token)
    context = Contexts(rows).of(row)
    assert context.token == token
    assert context.line == code[: code.index(token)].count("\n") + 1
    assert code.count(context.text) >= 1
    return context.text


CLASS = (
    "import os\n\nclass A:\n    def f(self):\n        x = 1\n\n        def g():\n            return 7\n        f = 2\n"
)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("1", CLASS[CLASS.index("    def f") : -1]),
        ("7", "        def g():\n            return 7"),
        ("os", CLASS),
    ],
)
def test_the_innermost_function_is_the_context(token: str, expected: str) -> None:
    assert shown(CLASS, token) == expected


@pytest.mark.parametrize("lines", [LINES - 2, LINES - 1])
def test_long_functions_are_cut_to_the_lines_around(lines: int) -> None:
    code = "x = 0\n\ndef f():\n" + "".join(f"    a{i} = {1000 + i}\n" for i in range(lines)) + "    return xyz\ny = 2\n"
    whole = code[code.index("def") : code.index("\ny")]
    text = shown(code, "1030")
    if lines + 2 <= LINES:
        assert text == whole
    else:
        numbers = range(30 - AROUND, 30 + AROUND + 1)
        assert text == "\n".join(f"    a{i} = {1000 + i}" for i in numbers)
        assert shown(code, "1001").startswith("def f():\n    a0")  # never beyond the function
        assert shown(code, "xyz").endswith("return xyz")


def test_long_lines_and_long_tokens_are_bounded() -> None:
    code = f"x = [{', '.join(str(i) for i in range(5000, 5900))}]\ny = 1\n"
    for token in ("5000", "5450", "5899"):
        assert len(shown(code, token)) <= CHARACTERS
    huge = rows_of(f"x = '{'a' * 2 * CHARACTERS}'\n")
    longest = int(np.argmax(huge.table.end - huge.table.start))
    context = Contexts(huge).of(longest)
    assert len(context.text) == CHARACTERS
    assert context.token.startswith("'aaa")
