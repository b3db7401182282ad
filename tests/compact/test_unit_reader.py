"""Compact models read what a study reads: the same windows, the same tokens for each unit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.activations.windows import ReadingPlan, plan_reading
from neurosieve.compact.compact_spec import CompactSpec
from neurosieve.compact.unit_reader import CodeText, UnitReader, UnitTokens
from neurosieve.data.dataset import Dataset, Example, Pair, Rows, Span
from neurosieve.errors import DataError
from tests.tiny import TOKENIZERS, assert_one_line, tiny_dataset, tiny_sample, tiny_tokenizer


def spec(**options: Any) -> CompactSpec:
    """Of a model that only its reader is asked of."""
    values: dict[str, Any] = {"form": "full", "model": "m", "revision": None, "stack": None}
    values |= {"labels": ("a", "b"), "target": None, "task": "token-tagging", "whole": False, "sides": 1}
    values |= {"joint": False, "pooling": "mean", "max_tokens": 40, "max_windows": None, "pad_id": 0}
    values |= {"padding_side": "right", "types": False, "site": "hidden", "blocks": 1, "final_norm": False}
    values |= {"neurons": (), "tokenizer_sha256": "", "files": {}}
    return CompactSpec(**values | options)


def reader(kind: str, folder: Path, **options: Any) -> UnitReader:
    tiny_tokenizer(kind).save_pretrained(folder)
    return UnitReader(folder, spec(**options))


def planned(plan: ReadingPlan) -> dict[int, set[tuple[tuple[int, ...], int]]]:
    """For each row the windows and places of its tokens."""
    found: dict[int, set[tuple[tuple[int, ...], int]]] = {}
    for part in plan.windows.values():
        for window in part:
            for row, tokens in zip(window.rows, window.tokens, strict=True):
                found.setdefault(row, set()).update((window.ids, t) for t in tokens)
    return found


def came(read: UnitTokens, rows: list[int]) -> dict[int, set[tuple[tuple[int, ...], int]]]:
    """The same of what a reader gives; `rows` are the rows of its units."""
    found: dict[int, set[tuple[tuple[int, ...], int]]] = {}
    for window, place, unit in zip(read.window, read.place, read.unit, strict=True):
        ids = tuple(read.ids[read.begin[window] : read.begin[window + 1]].tolist())
        found.setdefault(rows[unit], set()).add((ids, int(place)))
    return found


@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
@pytest.mark.parametrize("max_tokens", [12, 2000])
@pytest.mark.parametrize("kind", TOKENIZERS)
def test_reads_units_as_a_study_does(kind: str, max_tokens: int, pooling: Any, tmp_path: Path) -> None:
    dataset, rows = tiny_dataset(), tiny_sample().rows
    plan = plan_reading(tiny_tokenizer(kind), max_tokens, dataset, rows, pooling=pooling)
    texts, order = [], []
    for example in dict.fromkeys(rows.example.tolist()):
        members = np.flatnonzero(rows.example == example)
        spans = tuple((int(rows.start[m]), int(rows.end[m])) for m in members)
        texts.append(CodeText(dataset.examples[example].text, spans))
        order += members.tolist()
    read = reader(kind, tmp_path, max_tokens=max_tokens, pooling=pooling).read(texts)
    assert read.units == len(order)
    assert came(read, order) == planned(plan)


def wholes(pairs: bool, joint: bool) -> tuple[Dataset, Rows]:
    """Texts as units, long ones and an empty one, or pairs of them."""
    texts = ["x = 1", "while not done():\n    done = step(x)\n" * 3, "  ", "s = 'naïve'  # 漢字", "a\x1eb"]
    if joint or pairs:
        split: Any = "train"
        examples = tuple(Example(str(i), text, (), split, str(i)) for i, text in enumerate(texts))
        couples = tuple(Pair(str(i), i, (i + 1) % 5, "l", split, str(i)) for i in range(5))
        dataset = Dataset(examples, "texts", whole=True, pairs=couples)
        number = np.arange(5)
        if not joint:
            return dataset, Rows(("l",), number, 0 * number, 0 * number, 0 * number, number)
        dataset = dataset.joined()
    else:
        kept = tuple(Example(str(i), t, (Span(0, len(t), "l"),), "train", str(i)) for i, t in enumerate(texts))
        dataset = Dataset(kept, "texts", whole=True)
    ends = [len(example.text) for example in dataset.examples]
    return dataset, Rows.from_units(("l",), [(i, 0, end, 0) for i, end in enumerate(ends)])


@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
@pytest.mark.parametrize(("max_tokens", "max_windows"), [(12, None), (12, 1), (2000, None)])
@pytest.mark.parametrize(("pairs", "joint"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("kind", TOKENIZERS)
def test_reads_whole_texts_as_a_study_does(
    kind: str, pairs: bool, joint: bool, max_tokens: int, max_windows: int | None, pooling: Any, tmp_path: Path
) -> None:
    dataset, rows = wholes(pairs, joint)
    plan = plan_reading(tiny_tokenizer(kind), max_tokens, dataset, rows, pooling=pooling, max_windows=max_windows)
    options: dict[str, Any] = {"whole": True, "pooling": pooling, "max_tokens": max_tokens, "max_windows": max_windows}
    own = reader(kind, tmp_path, sides=1 + pairs, joint=joint, **options)
    if pairs:
        texts = [CodeText((dataset.examples[p.left].text, dataset.examples[p.right].text)) for p in dataset.pairs]
    else:
        texts = [CodeText(e.parts if joint else e.text) for e in dataset.examples]  # type: ignore[arg-type]
    found, wanted = came(own.read(texts), list(range(10))), planned(plan)
    if pairs:  # a study leaves a pair out of which one side has no token
        found = {side: tokens for side, tokens in found.items() if side ^ 1 in found}
    assert found == wanted


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, CodeText("x = 1")),
        ({}, CodeText(("x", "y"))),
        ({"whole": True}, CodeText("x = 1", ((0, 1),))),
        ({"whole": True, "sides": 2}, CodeText("x = 1")),
        ({"whole": True, "joint": True}, CodeText("x = 1")),
        ({"whole": True}, CodeText(("x", "y"))),
    ],
)
def test_another_kind_of_text_is_refused(options: dict[str, Any], text: CodeText, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        reader("bytes", tmp_path, **options).read([text])
    assert_one_line(caught.value, "made for the task token-tagging")
