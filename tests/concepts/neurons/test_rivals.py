"""Rivals against shares counted row by row in dictionaries, in both views."""

from collections import defaultdict
from collections.abc import Hashable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from neurosieve.concepts.neurons.rivals import RIVALS, Rivals, shape, shares
from neurosieve.concepts.properties import Source
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.typing import SPLITS, Split, View
from tests.concepts.planted import planted_rows, planted_store


def keys_of(store: ConceptStore, split: Split) -> dict[str, list[Hashable]]:
    """What each rival looks at, computed from the texts alone."""
    rows, found = store.rows, defaultdict[str, list[Hashable]](list)
    before = ""
    shown: dict[int, str] = {}
    places = places_of(rows)
    for number, (e, a, b) in enumerate(zip(rows.rows.example, rows.rows.start, rows.rows.end, strict=True)):
        text = rows.dataset.examples[e].text
        begins = number == 0 or rows.rows.example[number - 1] != e
        own = text[a:b]
        shown[number] = own if store.view == "detect" else "" if begins else before
        before = own
    counted = store.store.table("train")["text"].to_pylist()
    for number in store.store.table(split)["row"].to_pylist():
        for name, place in places[number].items():
            found[name].append(place)
        found["length"].append(min(len(shown[number]), 30))
        times = counted.count(shown[number])
        found["frequency"].append(0 if not times else int(np.log2(times)) + 1)
        found["lookup"].append(shown[number])
        found["shape"].append(shape(shown[number]))
    return found


def places_of(rows: ConceptRows) -> list[dict[str, int]]:
    """The place of each row, counted word by word."""
    found: list[dict[str, int]] = []
    sources = [Source(e.text, "python") for e in rows.dataset.examples]
    seen = defaultdict[int, list[int]](list)
    for e, a in zip(rows.rows.example.tolist(), rows.rows.start.tolist(), strict=True):
        example, others = rows.dataset.examples[e], list(seen[e])
        seen[e].append(a)
        before = example.text[:a]
        line = len(before) - len(before.split("\n")[-1])
        unit = next(u for u in sources[e].units if u.start <= a < u.end)
        statement = unit.statement and sum(s >= unit.statement[0] for s in others)
        found.append(
            {
                "column": len(before) - line,
                "token-in-line": sum(s >= line for s in others),
                "token-in-statement": -1 if statement is None else statement,
                "token-in-file": len(others),
                "file-part": 100 * len(before) // len(example.text),
            }
        )
    return found


@cache
def small_rows() -> ConceptRows:
    """Few rows, some with texts and keys that train has not, one token longer than all bounds, empty first lines."""
    texts = {
        "train": "\nx = f(1, 'a b')  # one two\n\n\ny = x\nif y:\n    z = [x, y, 12]\n"
        + f"w = '{'q' * 60}'\n"
        + "x = 1\n" * 5,
        "validation": "x = 1\n",
        "test": "new = f(1, 'a c')  # one two\n" + " " * 90 + f"x = '{'r' * 70}'\nold = new\n" * 3 + "x = 12\n" * 2,
    }
    examples = [Example(f"{s}/{i}.py", texts[s], (), s, f"{s}/{i}") for s in SPLITS for i in range(2)]
    dataset = Dataset(tuple(examples), "made up")
    return concept_rows(dataset, ["python"] * 6, properties=("lexical", "use", "bracket-depth"))


@pytest.mark.parametrize("view", ["detect", "predict"])
@pytest.mark.parametrize("small", [True, False])
def test_precision_of_dictionaries(view: View, small: bool, tmp_path: Path) -> None:
    store = planted_store(tmp_path / "s", {}, rows=small_rows() if small else planted_rows(), view=view, width=2)
    found = Rivals.of(store).precision
    train, test = keys_of(store, "train"), keys_of(store, "test")
    assert set(found) == set(RIVALS) == set(train)
    for name, values in store.table.values.items():
        own, truth = (store.codes(name, split) for split in ("train", "test"))
        for v in range(len(values)):
            base = sum(own == v) / len(own)
            for rival in RIVALS:
                rows, hits = defaultdict[Hashable, int](int), defaultdict[Hashable, int](int)
                for key, code in zip(train[rival], own, strict=True):
                    rows[key] += 1
                    hits[key] += int(code == v)
                guess = [(hits[key] + base) / (rows[key] + 1) for key in test[rival]]
                if 0 < sum(truth == v) < len(truth):
                    expected = average_precision_score(truth == v, guess)
                    assert found[rival][name][v] == pytest.approx(expected, abs=1e-12)
                else:
                    assert np.isnan(found[rival][name][v])


def test_keys_that_train_has_not(tmp_path: Path) -> None:
    """`new`, `old` and the long text are unknown to the lookup: it takes the share of all for them."""
    store = planted_store(tmp_path / "s", {}, rows=small_rows(), width=2)
    unknown = set(store.texts("test")) - set(store.texts("train"))
    assert {"new", "old"} < unknown
    assert max(map(len, store.texts("test"))) > 60


def test_views_look_at_other_tokens(tmp_path: Path) -> None:
    """A lookup of the token knows its class; the token before says less of it, and its place as much as ever."""
    seen, hidden = (
        Rivals.of(planted_store(tmp_path / view, {}, view=view, width=2)).precision for view in ("detect", "predict")
    )
    number = 2
    assert planted_rows().table.values["lexical"][number] == "number"
    assert seen["lookup"]["lexical"][number] > 0.9 > hidden["lookup"]["lexical"][number]
    for place in ("column", "token-in-line", "token-in-statement", "token-in-file", "file-part"):
        np.testing.assert_array_equal(seen[place]["lexical"], hidden[place]["lexical"])


@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 2)), min_size=1, max_size=30),
    asked=st.lists(st.integers(-1, 4), max_size=8),
)
def test_shares_are_shrunk_counts(rows: list[tuple[int, int]], asked: list[int]) -> None:
    key, code = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    highest = int(key.max())
    asked = [k if k <= highest else -1 for k in asked]
    found = shares(key, code, np.array(asked, dtype=np.int64), 3)
    assert found.shape == (len(asked), 3)
    for k, share in zip(asked, found, strict=True):
        own = [c for other, c in rows if other == k]
        for v in range(3):
            base = sum(c == v for _, c in rows) / len(rows)
            assert share[v] == pytest.approx((own.count(v) + base) / (len(own) + 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", "", "none", "none")),
        ("42", ("0", "0", "all", "none")),
        ("0xFF", ("0", "A", "some", "mixed")),
        ("x1", ("a", "0", "some", "lower")),
        ("MAX_2", ("A", "0", "some", "upper")),
        ('"s', ('"', "a", "none", "lower")),
        ("+=", ("+", "=", "none", "none")),
        ("Éa", ("A", "a", "none", "mixed")),
    ],
)
def test_shapes(text: str, expected: tuple[str, ...]) -> None:
    assert shape(text) == expected


@given(st.text(max_size=6))
def test_a_shape_knows_no_letter_and_no_digit(text: str) -> None:
    """Another word of the same kinds has the same shape."""
    same = "".join("b" if c.isascii() and c.islower() else "7" if c.isascii() and c.isdigit() else c for c in text)
    assert shape(same) == shape(text)


def test_a_place_and_a_first_character_are_told_perfectly(tmp_path: Path) -> None:
    """What is first in its line is at column 0 or behind blanks; what is a number begins with a digit."""
    store = planted_store(tmp_path / "s", {}, width=2)
    precision = Rivals.of(store).precision
    number = store.table.values["lexical"].index("number")
    assert precision["shape"]["lexical"][number] == pytest.approx(1)
    rows = concept_rows(store.rows.dataset, ["python"] * len(store.rows.languages), properties=["statement"])
    placed = planted_store(tmp_path / "t", {}, rows=rows, width=2)
    first = rows.table.values["statement"].index("first")
    assert Rivals.of(placed).precision["token-in-statement"]["statement"][first] > 0.95
