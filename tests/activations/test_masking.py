"""Units read where the model has to predict them: behind masks in an encoder, one token before in a decoder."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neurosieve.activations import ExtractionOptions, extract
from neurosieve.activations.masking import hide_units
from neurosieve.activations.windows import ReadingPlan
from neurosieve.defaults import MASKED_PARTS
from neurosieve.errors import ConfigError, ModelError
from neurosieve.typing import SPLITS
from tests.activations.oracle import plain_states, stored_rows
from tests.tiny import NAMES, assert_one_line, family, tiny_dataset, tiny_loaded, tiny_sample

MASKED = tuple(n for n in NAMES if family(n).kind == "encoder" and family(n).tokenizer != "metaspace")
BEFORE = tuple(n for n in NAMES if family(n).kind == "decoder")


def plan_of(name: str, **changes: object) -> ReadingPlan:
    options = replace(ExtractionOptions(dtype="float32"), **changes)  # type: ignore[arg-type]
    return options.plan(tiny_loaded(name), tiny_dataset(), tiny_sample().rows)


@pytest.mark.parametrize("name", MASKED)
def test_masked_rows_equal_plain_calls(name: str, tmp_path: Path) -> None:
    """All subwords of the chosen units are masked, the others are seen, and the first mask's state is the row."""
    model = tiny_loaded(name)
    seen, hidden = plan_of(name), plan_of(name, view="predict", rounds=2)
    options = ExtractionOptions(dtype="float32", view="predict", rounds=2, batch_tokens=64)
    rows = stored_rows(extract(model, tiny_dataset(), tiny_sample(), tmp_path / "store", options))
    units, mask = tiny_sample().rows, model.tokenizer.mask_token_id
    compared = 0
    for split in SPLITS:
        whole = {(w.example, w.number): w for w in seen.windows[split]}
        for window in hidden.windows[split]:
            before = whole[window.example, window.number]
            places = dict(zip(before.rows, before.tokens, strict=True))
            masked = {p for row in window.rows for p in places[row]}
            assert window.ids == tuple(mask if i in masked else t for i, t in enumerate(before.ids))
            assert window.tokens == tuple((places[row][0],) for row in window.rows)
            assert window.targets == tuple(before.ids[places[row][0]] for row in window.rows)
            states = plain_states(name, list(window.ids))
            for row, (place,) in zip(window.rows, window.tokens, strict=True):
                key = (tiny_dataset().examples[window.example].id, int(units.start[row]), int(units.end[row]))
                torch.testing.assert_close(rows[key], states[:, place].flatten(), rtol=1e-3, atol=1e-4)
                compared += 1
    assert compared == len(rows) == hidden.counts.kept > 20


@pytest.mark.parametrize("name", BEFORE)
def test_decoder_rows_stand_one_token_before(name: str, tmp_path: Path) -> None:
    model = tiny_loaded(name)
    seen, hidden = plan_of(name), plan_of(name, view="predict")
    options = ExtractionOptions(dtype="float32", view="predict", batch_tokens=64)
    rows = stored_rows(extract(model, tiny_dataset(), tiny_sample(), tmp_path / "store", options))
    units, lost = tiny_sample().rows, 0
    for split in SPLITS:
        for window in seen.windows[split]:
            states = plain_states(name, list(window.ids))
            for row, tokens in zip(window.rows, window.tokens, strict=True):
                key = (tiny_dataset().examples[window.example].id, int(units.start[row]), int(units.end[row]))
                if tokens[0] == 0:
                    assert key not in rows
                    lost += 1
                else:
                    row_before = states[:, tokens[0] - 1].flatten()
                    torch.testing.assert_close(rows[key], row_before, rtol=1e-3, atol=1e-4)
    assert hidden.counts.skipped == seen.counts.skipped + lost
    assert hidden.counts.kept == len(rows) > 20


@pytest.mark.parametrize("name", ["roberta", "bert"])
def test_parts_share_no_unit_and_make_the_whole(name: str) -> None:
    seen = plan_of(name)
    every = hide_units(seen, tiny_loaded(name), rounds=MASKED_PARTS)
    for split in SPLITS:
        rows = [row for w in every.windows[split] for row in w.rows]
        assert len(rows) == len(set(rows))
        assert set(rows) == {row for w in seen.windows[split] for row in w.rows}
    few = hide_units(seen, tiny_loaded(name), rounds=1)
    assert few.counts.kept + few.counts.skipped == every.counts.kept + every.counts.skipped
    assert 0 < few.counts.kept < every.counts.kept


def test_parts_follow_the_seed() -> None:
    seen, model = plan_of("roberta"), tiny_loaded("roberta")
    assert hide_units(seen, model, seed=1) == hide_units(seen, model, seed=1)
    assert hide_units(seen, model, seed=1) != hide_units(seen, model, seed=2)


def test_an_encoder_without_mask_token_predicts_nothing() -> None:
    with pytest.raises(ModelError) as error:
        plan_of("deberta-v2", view="predict")
    assert_one_line(error.value, "tokenizer of", "mask token")


@pytest.mark.parametrize("rounds", [0, MASKED_PARTS + 1])
def test_rounds_are_parts(rounds: int) -> None:
    with pytest.raises(ConfigError) as error:
        hide_units(plan_of("roberta"), tiny_loaded("roberta"), rounds=rounds)
    assert_one_line(error.value, "rounds of masking")
