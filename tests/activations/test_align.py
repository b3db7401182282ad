"""Alignment of characters, subwords and windows, against brute force on odd text."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from neurosieve.activations.align import (
    Encoding,
    encode,
    shared_tokens,
    unit_tokens,
)
from neurosieve.activations.window_cuts import best_window, best_windows, cut_windows, pooled_tokens
from neurosieve.activations.windows import Window, batches, pad, plan_reading
from neurosieve.data.dataset import Span
from tests.tiny import TOKENIZERS, tiny_dataset, tiny_sample, tiny_tokenizer

ODD = "abdefxyz019_.,:;()[]{}=+-*/\"'#\\ \t\r\n\x00\x0b\x0c\x1c\x85\u00a0\u2028\u3000\u200b\u200d\u2060\ufeff\ufffd"
ODD += "éßİŒﬁ\u0301\u0308\u20e3漢字한\u1112\u1161\U0001f600\U0001f1e9\U0001d518\U000e0001\u202e"
SPELLED = ("</s>", "<s>", "<pad>", "<unk>", "<mask>", "[MASK]", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "<|endoftext|>")
PIECES = ("def ", "return a + b", "):\n    ", "\r\n\t", "'naïve'", "▁", "Ġ", "##a", "<0x0A>", "x" * 120, *SPELLED)
LETTERS = st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"])
TEXTS = st.lists(LETTERS | st.sampled_from(PIECES), max_size=30).map("".join)
KINDS = pytest.mark.parametrize("kind", TOKENIZERS)
QUICK = settings(deadline=None, max_examples=60)


def one(kind: str, text: str) -> Encoding:
    return encode(tiny_tokenizer(kind), [text])[0]


def is_dropped(tokenizer: PreTrainedTokenizerFast, character: str) -> bool:
    """Does the tokenizer itself leave nothing of the character (control characters and accents in BERT's)?"""
    normalizer = tokenizer.backend_tokenizer.normalizer
    return normalizer is not None and not normalizer.normalize_str(character).strip()


@KINDS
@QUICK
@given(text=TEXTS)
def test_every_visible_character_is_covered(kind: str, text: str) -> None:
    """A character that the tokenizer keeps is in a token; offsets stay inside the text, in order."""
    encoding, tokenizer = one(kind, text), tiny_tokenizer(kind)
    assert ((encoding.start >= 0) & (encoding.start <= encoding.end) & (encoding.end <= len(text))).all()
    assert len(encoding.ids) == len(encoding.start) == len(encoding.end)
    solid = encoding.end > encoding.start
    assert (np.diff(encoding.start[solid]) >= 0).all()
    for place, character in enumerate(text):
        if not character.isspace() and not is_dropped(tokenizer, character):
            assert len(unit_tokens(encoding, place, place + 1)), (character, unicodedata.name(character, "?"))


@KINDS
@QUICK
@given(text=TEXTS, data=st.data())
def test_unit_tokens_equal_character_sets(kind: str, text: str, data: st.DataObject) -> None:
    encoding = one(kind, text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    slow = [
        i
        for i in range(len(encoding.ids))
        if set(range(int(encoding.start[i]), int(encoding.end[i]))) & set(range(start, end))
    ]
    assert unit_tokens(encoding, start, end).tolist() == slow


@KINDS
@QUICK
@given(text=TEXTS, data=st.data())
def test_shared_tokens_equal_brute_force(kind: str, text: str, data: st.DataObject) -> None:
    """Spans in order, with gaps, neighbours that touch, and empty ones among them."""
    encoding = one(kind, text)
    marks = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    kept = data.draw(st.lists(st.booleans(), min_size=len(marks), max_size=len(marks)))
    spans = [Span(a, b, "x") for (a, b), keep in zip(pairwise(marks), kept, strict=False) if keep]
    slow = []
    for i in range(len(encoding.ids)):
        mine = set(range(int(encoding.start[i]), int(encoding.end[i])))
        slow.append(sum(bool(mine & set(range(s.start, s.end))) for s in spans) > 1)
    assert shared_tokens(encoding, spans).tolist() == slow


@KINDS
@QUICK
@given(text=TEXTS)
def test_special_tokens_frame_the_content(kind: str, text: str) -> None:
    """Prefix and suffix do not depend on the text, and no special id is in the content, whatever it spells."""
    encoding, empty = one(kind, text), one(kind, "")
    expected = {"bytes": ((0,), (2,)), "bare": ((), ()), "wordpiece": ((2,), (3,)), "metaspace": ((1,), ())}[kind]
    if len(encoding.ids):
        assert (encoding.prefix, encoding.suffix) == expected
    assert empty.prefix + empty.suffix == expected[0] + expected[1]
    tokenizer = tiny_tokenizer(kind)
    assert not set(encoding.ids.tolist()) & (set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})


@KINDS
@pytest.mark.parametrize("spelling", SPELLED)
def test_spelled_special_tokens_are_ordinary_text(kind: str, spelling: str) -> None:
    encoding = one(kind, spelling)
    covered = {c for i in range(len(encoding.ids)) for c in range(int(encoding.start[i]), int(encoding.end[i]))}
    assert covered == set(range(len(spelling)))
    assert len(encoding.ids) > 1


@pytest.mark.parametrize("text", ["漢 a", "a 漢", "漢", "\U0001f600 漢"])
def test_unknown_words_at_the_edges_are_content(text: str) -> None:
    """BERT's `[UNK]` at the beginning or end is a subword of the text, not part of the frame."""
    encoding = one("wordpiece", text)
    assert (encoding.prefix, encoding.suffix) == ((2,), (3,))
    assert len(encoding.ids) == len(text.split())


@KINDS
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@settings(deadline=None, max_examples=20)
def test_texts_do_not_depend_on_their_batch(kind: str, texts: list[str]) -> None:
    for text, together in zip(texts, encode(tiny_tokenizer(kind), texts), strict=True):
        alone = one(kind, text)
        assert together.ids.tolist() == alone.ids.tolist()
        assert together.start.tolist() == alone.start.tolist()
        assert together.end.tolist() == alone.end.tolist()


def test_leading_space_belongs_to_no_unit() -> None:
    """Byte-level tokens that begin with a space are trimmed, whether the tokenizer counts it or not."""
    for kind in ("bytes", "bare"):
        encoding = one(kind, "a = b")
        assert unit_tokens(encoding, 2, 3).tolist() == [1]
        assert unit_tokens(encoding, 1, 2).tolist() == []


def test_pooled_tokens() -> None:
    tokens = np.array([3, 4, 7])
    assert pooled_tokens(tokens, "mean").tolist() == [3, 4, 7]
    assert pooled_tokens(tokens, "first").tolist() == [3]
    assert pooled_tokens(tokens, "last").tolist() == [7]


@settings(deadline=None, max_examples=300)
@given(tokens=st.integers(0, 400), capacity=st.integers(2, 60))
def test_windows_cover_and_overlap_by_half(tokens: int, capacity: int) -> None:
    windows = cut_windows(tokens, capacity)
    assert {t for start, end in windows for t in range(start, end)} == set(range(tokens))
    assert all(end - start <= capacity for start, end in windows)
    assert (len(windows) == 1) == (tokens <= capacity)
    for (start, end), (later, last) in pairwise(windows):
        assert 2 * (end - later) >= capacity
        assert start < later
        assert end < last


@settings(deadline=None, max_examples=300)
@given(tokens=st.integers(1, 120), capacity=st.integers(2, 30), data=st.data())
def test_best_window_has_the_nearer_edge_farthest(tokens: int, capacity: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, tokens - 1))
    last = data.draw(st.integers(first, min(tokens - 1, first + capacity + 5)))
    windows = cut_windows(tokens, capacity)
    unit = set(range(first, last + 1))
    seen = [len(unit & set(range(*w))) for w in windows]
    edge = [min(first - s, e - 1 - last) if len(unit) == n else -1 for (s, e), n in zip(windows, seen, strict=True)]
    chosen = best_window(first, last, windows)
    if max(edge) < 0:  # longer than any window: where most of it is seen
        assert seen[chosen] == max(seen)
        assert len(unit) > capacity // 2
    else:
        assert chosen == edge.index(max(edge))
    assert best_windows(windows).tolist() == [best_window(t, t, windows) for t in range(tokens)]


@KINDS
@pytest.mark.parametrize("max_tokens", [5, 8, 13, 40, 1000])
def test_read_positions_never_meet_special_tokens(kind: str, max_tokens: int) -> None:
    dataset, sample, tokenizer = tiny_dataset(), tiny_sample(), tiny_tokenizer(kind)
    plan = plan_reading(tokenizer, max_tokens, dataset, sample.rows)
    frame = one(kind, "a")
    windows = [w for split in plan.windows.values() for w in split]
    for window in windows:
        content = range(len(frame.prefix), len(window.ids) - len(frame.suffix))
        assert len(window.ids) <= max_tokens
        assert window.ids[: content.start] == frame.prefix
        assert window.ids[content.stop :] == frame.suffix
        assert all(tokens and set(tokens) <= set(content) for tokens in window.tokens)
    rows = sorted(row for w in windows for row in w.rows)
    assert rows == sorted(set(rows))
    assert plan.counts.kept == len(rows)
    assert plan.counts.kept + plan.counts.skipped == len(sample.rows)
    assert (plan.long_examples == 0) == (max_tokens == 1000)


@given(lengths=st.lists(st.integers(1, 60), max_size=40), budget=st.integers(1, 1000))
@settings(deadline=None, max_examples=100)
def test_batches_keep_order_and_budget(lengths: list[int], budget: int) -> None:
    windows = [Window(tuple(range(n)), i, 0, (i,), ((0,),)) for i, n in enumerate(sorted(lengths))]
    result = batches(windows, budget)
    assert [w for batch in result for w in batch] == windows
    for batch in result:
        assert len(batch) == 1 or len(batch) * max(len(w.ids) for w in batch) <= budget
        assert all((len(b.ids) - len(a.ids)) * i <= 100 for i, (a, b) in enumerate(pairwise(batch), 1))
    for number in range(len(result)):  # what a resumed extraction relies on
        assert batches([w for batch in result[number:] for w in batch], budget) == result[number:]


@pytest.mark.parametrize("side", ["left", "right"])
def test_pad_puts_tokens_on_the_side(side: str) -> None:
    windows = [Window((7, 8), 0, 0, (0,), ((0,),)), Window((4, 5, 6), 1, 0, (1,), ((0,),), second=1)]
    ids, mask, types, offsets = pad(windows, 9, side)
    assert types is not None
    assert types.tolist() == [[0, 0, 0], [0, 1, 1]]
    assert pad(windows[:1], 9, side)[2] is None
    for i, window in enumerate(windows):
        assert ids[i][mask[i] == 1].tolist() == list(window.ids)
        assert ids[i][mask[i] == 0].tolist() == [9] * (3 - len(window.ids))
        assert ids[i, offsets[i]] == window.ids[0]
    assert offsets == ([1, 0] if side == "left" else [0, 0])
