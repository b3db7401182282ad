"""Models that keep part of their vocabulary give the same for texts of these tokens, and one row for all others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosieve.compact import CodeText, CompactModel, load_compact
from neurosieve.compact.building import write_full, write_record, write_table
from neurosieve.compact.vocabulary import Vocabulary
from neurosieve.models import CodeModel
from tests.compact.test_forms import TABLES, UNIT, head, neurons, texts
from tests.compact.test_onnx import graph_in
from tests.tiny import NAMES, tiny_loaded

GIVEN = texts()[0][::2]


def kept_by(model: CodeModel, texts: list[CodeText], folder: Path) -> Vocabulary:
    """Tokens of some texts, as the plain tokenizer of an export gives them."""
    whole = folder / "whole"
    whole.mkdir()
    write_record(whole, write_full(whole, model, neurons(0), head(3), UNIT))
    seen = {int(i) for i in load_compact(whole).reader.read(texts).ids}
    return Vocabulary.of(seen, model.tokenizer.all_special_ids, model.tokenizer.unk_token_id, model.pad_id, model.rows)


def pair_of(name: str, form: str, folder: Path) -> tuple[CompactModel, CompactModel, Vocabulary]:
    """A model with all of its vocabulary, and with that of some texts."""
    model = tiny_loaded(name)
    vocabulary = kept_by(model, GIVEN, folder)
    chosen = neurons(0) if form == "table" else neurons(0, 1)
    write = write_table if form == "table" else write_full
    found = []
    for place, kept in (("all", None), ("seen", vocabulary)):
        (folder / place).mkdir()
        write_record(folder / place, write(folder / place, model, chosen, head(len(chosen)), UNIT, vocabulary=kept))
        found.append(load_compact(folder / place))
    return found[0], found[1], vocabulary


@pytest.mark.parametrize(("form", "name"), [*(("full", name) for name in NAMES), *(("table", name) for name in TABLES)])
def test_seen_tokens_have_what_they_had(form: str, name: str, tmp_path: Path) -> None:
    whole, small, vocabulary = pair_of(name, form, tmp_path)
    wanted, found = whole.scores(GIVEN), small.scores(GIVEN)
    assert np.array_equal(np.isnan(wanted), np.isnan(found))
    assert np.nanmax(np.abs(wanted - found)) <= 2e-5 * np.nanmax(np.abs(wanted))
    files = [
        sum((tmp_path / place / n).stat().st_size for n in m.spec.files)
        for place, m in (("all", whole), ("seen", small))
    ]
    assert files[1] < files[0]
    other = [CodeText("zqj ÿ = 7", ((0, 3), (4, 5), (8, 9)))]
    assert vocabulary.unseen(small.reader.read(other).ids) > 0
    assert not np.isnan(small.scores(other)).any()


def test_unseen_tokens_are_the_unknown_one(tmp_path: Path) -> None:
    whole, small, vocabulary = pair_of("bert", "table", tmp_path)
    ids = small.reader.read([CodeText("zqj", ((0, 3),))]).ids
    unseen = ~np.isin(ids, vocabulary.kept)
    assert unseen.any()
    token = tiny_loaded("bert").tokenizer.unk_token_id
    as_unknown = replace(whole, vocabulary=Vocabulary(vocabulary.kept, vocabulary.size, 0))
    assert vocabulary.kept[vocabulary.row[ids[unseen][0]]] == token
    assert as_unknown.vocabulary is not None
    assert not vocabulary.mean_row


def test_without_an_unknown_token_it_is_the_mean_row(tmp_path: Path) -> None:
    _, small, vocabulary = pair_of("gpt2", "full", tmp_path)
    assert vocabulary.mean_row
    network = small.network.chosen.model.network  # type: ignore[union-attr]
    rows = network.get_input_embeddings().weight.detach().numpy()
    assert rows.shape[0] == len(vocabulary.kept) + 1
    assert np.abs(rows[-1] - rows[:-1].mean(0)).max() < 1e-6


def test_onnx_keeps_the_vocabulary(tmp_path: Path) -> None:
    _, small, _ = pair_of("roberta", "full", tmp_path)
    graph_in(tmp_path / "seen", small.spec)
    given = [*GIVEN, CodeText("zqj ÿ = 7", ((0, 3), (4, 5), (8, 9)))]
    wanted, found = small.scores(given), load_compact(tmp_path / "seen").scores(given)
    assert np.nanmax(np.abs(wanted - found)) <= 1e-4 * np.nanmax(np.abs(wanted))
