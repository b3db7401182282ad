"""Claims and their rivals: places, untrained copies and new texts take claims away or are reported with them."""

from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from neurosieve.concepts.neurons.claims import find_concepts
from neurosieve.concepts.neurons.copy_scores import best_untrained
from neurosieve.concepts.neurons.passes import values_with_rows
from neurosieve.concepts.properties import Property
from neurosieve.concepts.rows import ConceptRows, concept_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.errors import DataError
from neurosieve.results import from_json, to_json
from neurosieve.results.concepts import ConceptFindings
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.typing import SPLITS, NeuronId, Split
from tests.concepts.neurons.test_claims import CALL, LOCAL, PLANTS, changed, claimed, concept, findings, store
from tests.concepts.planted import PROPERTIES, planted_rows, planted_store
from tests.tiny import assert_one_line


def placed_rows() -> ConceptRows:
    """The made-up files with what a place predicts, and what it does not."""
    dataset = planted_rows().dataset
    return concept_rows(dataset, ["python"] * len(dataset.examples), properties=["line-position", "statement", "role"])


def column(rows: ConceptRows, number: int) -> int:
    text, start = rows.dataset.examples[rows.rows.example[number]].text, int(rows.rows.start[number])
    return int(start - text.rfind("\n", 0, start) - 1)


def test_a_neuron_that_reads_the_column_is_no_concept_neuron(tmp_path: Path) -> None:
    """It is the column, to the digit; in steps of four it would be above its rival. A neuron of a role still is one."""
    rows = placed_rows()
    base = planted_store(tmp_path / "base", {CALL: ("role=call", 7.0)}, rows=rows)

    def place(_: Split, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        values[:, 0] = [-column(rows, int(number)) for number in numbers]
        values[:, 1] = rows.table.target("statement=first").positive[numbers] + 0.01 * values[:, 1]
        return values

    found = find_concepts(changed(tmp_path / "s", place, base), draws=100)
    assert claimed(found) == {("role=call", CALL, False)}
    for name in ("line-position=first", "statement=first"):
        own = concept(found, name)
        assert own.rival[0] in {"column", "token-in-line", "token-in-statement"}
    best = concept(found, "statement=first").neurons[0]
    assert best.neuron == NeuronId(0, 1)
    assert best.ap > 0.99
    assert "not above the best rival, token-in-" in best.lacking


def with_copies(tmp_path: Path, *shifts: float) -> ConceptFindings:
    """Inline copies in which another neuron tells calls, each so well."""
    copies = [
        planted_store(tmp_path / f"u{i}", {NeuronId(0, 1): ("role=call", shift)}, seed=9 + i)
        for i, shift in enumerate(shifts)
    ]
    return find_concepts(store(), draws=100, untrained=copies)


def test_what_an_untrained_copy_does_as_well_is_not_claimed(tmp_path: Path) -> None:
    found = with_copies(tmp_path, 0.1, -7.0)
    assert claimed(found) == {("role=local", LOCAL, True)}
    assert found.untrained_reason == ""
    call = concept(found, "role=call")
    assert call.rival[0] == "untrained"
    assert call.rival[1] == pytest.approx(1, abs=0.01)
    assert "best rival, untrained" in call.neurons[0].lacking


def test_an_untrained_copy_that_does_worse_changes_nothing(tmp_path: Path) -> None:
    found = with_copies(tmp_path, 0.5)
    assert claimed(found) == {("role=call", CALL, False), ("role=local", LOCAL, True)}
    assert all("untrained" in c.rivals for c in found.concepts)


def test_the_untrained_neuron_is_chosen_on_train(tmp_path: Path) -> None:
    """One that tells the value on test alone is not it."""
    copy = planted_store(tmp_path / "u", {NeuronId(0, 1): ("role=call", 2.0)}, seed=9)

    def on_test(split: Split, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        values[:, 5] += 9 * store().table.target("role=call").positive[numbers] * (split == "test")
        return values

    values = values_with_rows(store(), 30)
    i = values.names.index(("role", "call"))
    plain = best_untrained([copy], store(), values)[i]
    other = best_untrained([changed(tmp_path / "v", on_test, copy)], store(), values)[i]
    assert plain.train_ap == other.train_ap
    np.testing.assert_array_equal(plain.scores, other.scores)
    two = best_untrained([copy, planted_store(tmp_path / "w", {CALL: ("role=call", 4.0)}, seed=10)], store(), values)
    assert two[i].train_ap > plain.train_ap


def test_a_copy_of_other_rows_is_refused(tmp_path: Path) -> None:
    other = planted_store(tmp_path / "u", {}, rows=planted_rows(2))
    with pytest.raises(DataError) as caught:
        best_untrained([other], store(), values_with_rows(store(), 30))
    assert_one_line(caught.value, "untrained copy", "the same test rows")


def test_without_copies_the_reason_is_told() -> None:
    left_out = NotMeasured.because(Reason.LEFT_OUT, "the user")
    assert find_concepts(store(), draws=100, untrained=left_out).untrained_reason == "left out by the user"
    assert "untrained" not in find_concepts(store(), draws=100).concepts[0].rivals


def test_one_file_of_test_claims_nothing(tmp_path: Path) -> None:
    """There is nothing to resample, so nothing is measured."""
    dataset = planted_rows().dataset
    examples = [Example(e.id, e.text, (), e.split, "one" if e.split == "test" else e.group) for e in dataset.examples]
    rows = concept_rows(Dataset(tuple(examples), "made up"), ["python"] * len(examples), properties=PROPERTIES)
    found = find_concepts(planted_store(tmp_path / "s", PLANTS, rows=rows), draws=100)
    assert not claimed(found)
    call = concept(found, "role=call").neurons[0]
    assert (call.interval, call.auroc_interval) == (None, None)
    assert call.lacking == "not measured: all test rows are of one file"
    assert call.ap > 0.95
    assert from_json(ConceptFindings, to_json(found), "detect.json") == found
    assert found.to_frame()["ap_low"].null_count() == len(found.to_frame())


def test_what_a_claim_owes_to_new_texts_is_told(tmp_path: Path) -> None:
    """Each word has one value, so a table knows all words that it has met; half of those of test are new to it."""
    words = {"train": range(150), "validation": range(20), "test": range(75, 225)}
    rng = np.random.default_rng(0)

    def text(split: Split) -> str:
        return "\n".join(" ".join(f"w{w}" for w in rng.choice(words[split], 6)) for _ in range(20))

    examples = [Example(f"{s}/{i}.py", text(s), (), s, f"{s}/{i}.py") for s in SPLITS for i in range(12)]
    mark = Property(
        "mark",
        "token",
        "by the word",
        lambda source, spans: ["yes" if crc32(source.text[a:b].encode()) % 2 else "no" for a, b in spans],
    )
    rows = concept_rows(Dataset(tuple(examples), "made up"), ["python"] * len(examples), properties=[mark])
    found = find_concepts(planted_store(tmp_path / "s", {CALL: ("mark=yes", 6.0)}, rows=rows), draws=100)
    (best,) = concept(found, "mark=yes").claimed
    assert best.neuron == CALL
    assert best.note.startswith("above a table of texts only where train lacks the text (")
    assert best.note.endswith("the table's 1.00")
    assert [n.note for c in findings().concepts for n in c.claimed] == ["", ""], "names have both roles in train"
