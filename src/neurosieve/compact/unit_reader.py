"""Texts and the units in them → windows of token ids and the tokens that stand for each unit. Needs no torch.

It gives what `activations.windows.plan_reading` gives a study (a test compares the two on every kind of tokenizer), for
many texts at once: where a model is a table, tokenising is most of the work.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int
from tokenizers import Encoding, Tokenizer

from neurosieve.activations.window_cuts import best_window, best_windows, cut_windows, pooled_tokens
from neurosieve.compact.compact_spec import TOKENIZER, CompactSpec
from neurosieve.errors import DataError
from neurosieve.typing import PathLike, Pooling

Array = Int[np.ndarray, " n"]


@dataclass(frozen=True, slots=True)
class CodeText:
    """A text and the units in it whose labels are wanted.

    Attributes:
        text: The code; of a pair its two texts.
        spans: First character of each unit and the one behind its last; None where the text is the unit.
    """

    text: str | tuple[str, str]
    spans: tuple[tuple[int, int], ...] | None = None

    @property
    def units(self) -> int:
        """How many units."""
        return 1 if self.spans is None else len(self.spans)


@dataclass(frozen=True)
class UnitTokens:
    """What the network has to read, and which of its tokens stand for which unit.

    Attributes:
        ids: Token ids of all windows, one window behind the other, special tokens included, shape [all].
        begin: Where each window begins in `ids`, and the end of the last, shape [windows + 1].
        second: Where token type 1 begins in each window; -1 where there is none, shape [windows].
        window: Window of each token that counts, shape [tokens].
        place: Its position in the window, shape [tokens].
        unit: The unit it belongs to, ascending, shape [tokens]; of pairs 2 · unit + side.
        units: How many there are, with those that have no token.
        cut: Texts, or pairs, whose end is not read as they are too long.
    """

    ids: Array
    begin: Array
    second: Array
    window: Array
    place: Array
    unit: Array
    units: int
    cut: int = 0


class UnitReader:
    """Reads texts as a model's spec has it.

    Args:
        folder: Of the exported model.
        spec: Of the model.
    """

    def __init__(self, folder: PathLike, spec: CompactSpec) -> None:
        self._tokenizer = plain_tokenizer(Path(folder) / TOKENIZER)
        self._pooling: Pooling = spec.pooling
        self._spec = spec

    def read(self, texts: Sequence[CodeText]) -> UnitTokens:
        """Tokens of some texts.

        Raises:
            DataError: A pair where single texts are read, or the other way round; units where a text is one, or none.
        """
        for text in texts:
            _check_kind(text, self._spec)
        windows = _Windows()
        if not self._spec.whole:
            return self._spans(texts, windows)
        parts = [text.text for text in texts]
        if self._spec.joint:
            for unit, pair in enumerate(parts):
                self._joint(pair[0], pair[1], unit, windows)
            return windows.done(len(texts))
        singles = parts if self._spec.sides == 1 else list(chain.from_iterable(parts))
        for unit, encoding in enumerate(self._encoded(singles)):
            self._whole(encoding, np.array(encoding.special_tokens_mask, dtype=bool), unit, windows)
        return windows.done(len(singles))

    def _encoded(self, texts: Sequence[str | tuple[str, str]]) -> list[Encoding]:
        found: list[Encoding] = self._tokenizer.encode_batch(list(texts), add_special_tokens=True)
        return found

    def _spans(self, texts: Sequence[CodeText], windows: "_Windows") -> UnitTokens:
        """Units of all texts at once where these fit into one window; others go one by one."""
        encodings = self._encoded([text.text for text in texts])
        limit = self._spec.max_tokens
        flat = _flat(texts, encodings)
        if all(len(e) <= limit for e in encodings) and flat.in_order:
            return _of_short(flat, encodings, self._pooling)
        unit = 0
        for text, encoding, (start, end) in zip(texts, encodings, flat.of_texts, strict=True):
            spans = text.spans or ()
            self._long(encoding, start, end, spans, unit, windows)
            unit += len(spans)
        return windows.done(unit)

    def _long(
        self,
        encoding: Encoding,
        start: Array,
        end: Array,
        spans: Sequence[tuple[int, int]],
        unit: int,
        windows: "_Windows",
    ) -> None:
        """Each unit of a text from the window where its nearer edge is farthest; windows without units go unread."""
        before, behind = _around(np.array(encoding.special_tokens_mask, dtype=bool))
        content = slice(before, len(encoding) - behind)
        start, end, ids = start[content], end[content], np.array(encoding.ids, dtype=np.int64)
        cuts = cut_windows(len(start), self._spec.max_tokens - before - behind)
        numbers: dict[int, int] = {}
        for number, (first, last) in enumerate(spans, unit):
            tokens = np.flatnonzero((start < last) & (end > first) & (end > start))
            if last <= first or not len(tokens):
                continue
            best = best_window(int(tokens[0]), int(tokens[-1]), cuts)
            begin, stop = cuts[best]
            if best not in numbers:
                numbers[best] = windows.add(_with_ends(ids, before, behind, begin, stop))
            seen = pooled_tokens(tokens[(tokens >= begin) & (tokens < stop)], self._pooling)
            windows.stand(numbers[best], seen - begin + before, number)

    def _whole(self, encoding: Encoding, special: Bool[np.ndarray, " n"], unit: int, windows: "_Windows") -> None:
        """All windows of a text; each token counts once, where it has most context."""
        before, behind = _around(special)
        ids = np.array(encoding.ids, dtype=np.int64)
        length = len(ids) - before - behind
        if length <= 0:
            return
        cuts = cut_windows(length, self._spec.max_tokens - before - behind)[: self._spec.max_windows]
        windows.cut += cuts[-1][1] < length
        content = np.flatnonzero(~special[before : before + cuts[-1][1]])
        home = best_windows(cuts)[content]
        types = np.array(encoding.type_ids)
        second = int(types.argmax()) if types.any() else -1
        for number, (begin, stop) in enumerate(cuts):
            tokens = content[home == number] - begin + before
            if self._pooling == "first":
                tokens = np.zeros(1, dtype=np.int64)
            elif self._pooling == "last":
                tokens = tokens[-1:] if number == len(cuts) - 1 else tokens[:0]
            if len(tokens):
                windows.stand(windows.add(_with_ends(ids, before, behind, begin, stop), second), tokens, unit)

    def _joint(self, left: str, right: str, unit: int, windows: "_Windows") -> None:
        """Both texts of a pair in one input, the longer one cut until both fit."""
        tokenizer = self._tokenizer
        if tokenizer.num_special_tokens_to_add(is_pair=True) <= tokenizer.num_special_tokens_to_add(is_pair=False):
            left += "\n"
        encoding = tokenizer.encode(left, right, add_special_tokens=True)
        if len(encoding) > self._spec.max_tokens:
            tokenizer.enable_truncation(self._spec.max_tokens, strategy="longest_first")
            encoding = tokenizer.encode(left, right, add_special_tokens=True)
            tokenizer.no_truncation()
            windows.cut += 1
        self._whole(encoding, np.array(encoding.special_tokens_mask, dtype=bool), unit, windows)


def plain_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer that neither cuts nor pads, and that takes special tokens in a text for text."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


class _Windows:
    """Windows and the tokens that count, as they are found."""

    def __init__(self) -> None:
        self._ids: list[Array] = []
        self._second: list[int] = []
        self._tokens: list[tuple[int, Array, int]] = []
        self.cut = 0

    def add(self, ids: Array, second: int = -1) -> int:
        self._ids.append(ids)
        self._second.append(second)
        return len(self._ids) - 1

    def stand(self, window: int, places: Array, unit: int) -> None:
        self._tokens.append((window, places, unit))

    def done(self, units: int) -> UnitTokens:
        counts = [len(places) for _, places, _ in self._tokens]
        return UnitTokens(
            ids=np.concatenate([*self._ids, np.zeros(0, dtype=np.int64)]),
            begin=np.cumsum([0, *map(len, self._ids)]),
            second=np.array(self._second, dtype=np.int64),
            window=np.repeat(np.array([w for w, _, _ in self._tokens], dtype=np.int64), counts),
            place=np.concatenate([*(p for _, p, _ in self._tokens), np.zeros(0, dtype=np.int64)]),
            unit=np.repeat(np.array([u for _, _, u in self._tokens], dtype=np.int64), counts),
            units=units,
            cut=self.cut,
        )


@dataclass(frozen=True)
class _Flat:
    """Tokens of several texts side by side; characters are counted through all of them.

    Attributes:
        texts: The texts.
        first: Number of each text's first token, and the end of the last, shape [texts + 1].
        origin: Where each text begins, shape [texts + 1].
        start: First character of each token, leading white space left out, shape [tokens].
        end: Character behind the last, shape [tokens].
    """

    texts: Sequence[CodeText]
    first: Array
    origin: Array
    start: Array
    end: Array

    @property
    def in_order(self) -> bool:
        """Tokens that stand for characters ascend, so that a unit's can be sought by halves."""
        solid = self.end > self.start
        start, end = self.start[solid], self.end[solid]
        return bool((start[1:] >= start[:-1]).all() and (end[1:] >= end[:-1]).all())

    @property
    def of_texts(self) -> list[tuple[Array, Array]]:
        """Characters of each text's tokens, counted from its beginning."""
        cuts = zip(self.first[:-1], self.first[1:], self.origin[:-1], strict=True)
        return [(self.start[a:b] - origin, self.end[a:b] - origin) for a, b, origin in cuts]


def _flat(texts: Sequence[CodeText], encodings: Sequence[Encoding]) -> _Flat:
    whole = "".join(str(text.text) for text in texts)
    origin = np.cumsum([0, *(len(text.text) for text in texts)])
    counts = [len(e) for e in encodings]
    offsets = np.array(list(chain.from_iterable(e.offsets for e in encodings)), dtype=np.int64).reshape(-1, 2)
    shift = np.repeat(origin[:-1], counts)
    start, end = offsets[:, 0] + shift, offsets[:, 1] + shift
    solid = _next_solid(whole)[start]
    start = np.where(solid < end, solid, start)
    return _Flat(texts, np.cumsum([0, *counts]), origin, start, end)


def _of_short(flat: _Flat, encodings: Sequence[Encoding], pooling: Pooling) -> UnitTokens:
    """Units of texts of one window each."""
    spans = [text.spans or () for text in flat.texts]
    chars = np.array(list(chain.from_iterable(spans)), dtype=np.int64).reshape(-1, 2)
    of_text = np.repeat(np.arange(len(spans)), [len(s) for s in spans])
    chars = chars + flat.origin[of_text][:, None]
    solid = np.flatnonzero(flat.end > flat.start)
    low = np.searchsorted(flat.end[solid], chars[:, 0], side="right")
    high = np.searchsorted(flat.start[solid], chars[:, 1], side="left")
    high = np.where(chars[:, 1] > chars[:, 0], np.maximum(high, low), low)
    if pooling == "first":
        high = np.minimum(high, low + 1)
    elif pooling == "last":
        low = np.maximum(low, high - 1)
    counts = high - low
    unit = np.repeat(np.arange(len(chars)), counts)
    token = solid[np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)]
    window = of_text[unit]
    return UnitTokens(
        ids=np.fromiter(chain.from_iterable(e.ids for e in encodings), dtype=np.int64),
        begin=flat.first,
        second=np.full(len(spans), -1),
        window=window,
        place=token - flat.first[window],
        unit=unit,
        units=len(chars),
    )


@cache
def _white() -> Bool[np.ndarray, " characters"]:
    table = np.zeros(sys.maxunicode + 1, dtype=bool)
    table[[c for c in range(sys.maxunicode + 1) if chr(c).isspace()]] = True
    return table


def _next_solid(text: str) -> Array:
    """From each character, and the end, the next that is no white space."""
    characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    places = np.arange(len(characters) + 1)
    places[:-1][_white()[characters]] = len(characters)
    return np.minimum.accumulate(places[::-1])[::-1]


def _around(special: Bool[np.ndarray, " n"]) -> tuple[int, int]:
    """Special tokens before the content and behind it; where there is no content, all are before it."""
    content = np.flatnonzero(~special)
    return (int(content[0]), len(special) - 1 - int(content[-1])) if len(content) else (len(special), 0)


def _with_ends(ids: Array, before: int, behind: int, begin: int, stop: int) -> Array:
    """Some of the content of a text between its special tokens."""
    return np.concatenate([ids[:before], ids[before + begin : before + stop], ids[len(ids) - behind :]])


def _check_kind(text: CodeText, spec: CompactSpec) -> None:
    pairs = spec.sides == 2 or spec.joint
    if isinstance(text.text, str) == pairs or (text.spans is None) != spec.whole:
        wanted = "a pair of texts" if pairs else "a text without spans" if spec.whole else "a text with spans of units"
        came = "one text" if isinstance(text.text, str) else "two texts"
        raise DataError(
            "input of the model",
            expected=wanted,
            got=f"{came}{'' if text.spans is None else ' with spans'}",
            remedy=f"the model was made for the task {spec.task}",
        )
