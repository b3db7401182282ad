"""What the network has to read for given rows: windows, the rows in each, and batches of like length."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from neurosieve.activations.align import (
    Encoding,
    encode,
    encode_pair,
    shared_tokens,
    unit_tokens,
)
from neurosieve.activations.window_cuts import best_window, best_windows, cut_windows, pooled_tokens
from neurosieve.data.dataset import Dataset, Example, Rows
from neurosieve.progress import track
from neurosieve.typing import SPLITS, Pooling, Split

_CALL = 100  # tokens that take about as long as a forward pass does without its tokens
_CHUNK = 1_000_000  # characters that are tokenised at once: a token takes some hundred bytes until it is placed


@dataclass(frozen=True)
class Window:
    """One input sequence and the rows that are read from it.

    A row of a whole example has a part in each of the example's windows; any other row is read from one window.

    Attributes:
        ids: Token ids with special tokens.
        example: Index into the data set's examples.
        number: Which window of the example, from 0.
        rows: Row numbers read here; of pairs 2 · row for the left example, 2 · row + 1 for the right one.
        tokens: For each of them the positions in `ids` that are averaged.
        second: Position where the second text of a pair begins, for models that take token types.
        targets: Where rows are read before the model sees them (view `predict`), the true first subword of each.
    """

    ids: tuple[int, ...]
    example: int
    number: int
    rows: tuple[int, ...]
    tokens: tuple[tuple[int, ...], ...]
    second: int | None = None
    targets: tuple[int, ...] = field(
        default=(), repr=False
    )  # follows from the rest, which the store's fingerprint holds


@dataclass(frozen=True)
class UnitCounts:
    """What became of the units: METHOD.md's summary keys `units`."""

    kept: int = 0
    truncated: int = 0
    skipped: int = 0
    empty: int = 0
    shared_subwords: int = 0

    def __add__(self, other: "UnitCounts") -> "UnitCounts":
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return UnitCounts(*(a + b for a, b in pairs))


@dataclass(frozen=True)
class ReadingPlan:
    """All windows of a data set's rows, by split, shortest first.

    Attributes:
        windows: Sequences by split.
        counts: What became of the units.
        long_examples: Examples that did not fit into one window.
        sides: Examples of a unit: two for pairs.
    """

    windows: dict[Split, tuple[Window, ...]]
    counts: UnitCounts
    long_examples: int
    sides: int = 1

    def rows(self, split: Split) -> int:
        """Rows of a split."""
        return len({row // self.sides for w in self.windows[split] for row in w.rows})

    @property
    def tokens(self) -> int:
        """Tokens that the network reads, padding not counted."""
        return sum(len(w.ids) for windows in self.windows.values() for w in windows)

    @property
    def largest_id(self) -> int:
        """The largest token id, -1 without any."""
        return max((i for windows in self.windows.values() for w in windows for i in w.ids), default=-1)


def plan_reading(
    tokenizer: PreTrainedTokenizerBase,
    max_tokens: int,
    dataset: Dataset,
    rows: Rows,
    *,
    pooling: Pooling = "mean",
    drop_shared: bool = False,
    max_windows: int | None = None,
) -> ReadingPlan:
    """Tokenise the examples that hold rows and place each row in its best window.

    Args:
        tokenizer: A fast tokenizer.
        max_tokens: Longest input, special tokens included.
        dataset: The code.
        rows: The units wanted.
        pooling: Which of a unit's subwords represent it; of a whole example `first` is each window's first token.
        drop_shared: Leave out units that share a subword with another unit.
        max_windows: Of a whole example only its first windows; the examples that this cuts are counted as truncated.
    """
    by_example = _members(dataset, rows)
    wanted = sorted(by_example)
    windows: dict[Split, list[Window]] = {s: [] for s in SPLITS}
    counts, long_examples = UnitCounts(), 0
    lost: set[int] = set()
    for chunk in track(_chunks(wanted, dataset), "texts in tokens"):
        examples = [dataset.examples[i] for i in chunk]
        for index, encoding in zip(chunk, _encodings(tokenizer, examples, max_tokens), strict=True):
            example = dataset.examples[index]
            capacity = max_tokens - len(encoding.prefix) - len(encoding.suffix)
            if dataset.whole:
                placed, tally = _place_whole(encoding, by_example[index], capacity, pooling, max_windows)
            else:
                shared = shared_tokens(encoding, example.spans)
                placed, tally = _place(encoding, rows, by_example[index], capacity, shared, pooling, drop_shared)
            windows[example.split] += _windows(encoding, index, capacity, placed)
            counts += tally
            lost.update(by_example[index] if tally.truncated else ())
            long_examples += len(encoding.ids) > capacity
    # An example's windows stay side by side, so that the parts of a row do too.
    longest: dict[int, int] = defaultdict(int)
    for w in (w for part in windows.values() for w in part):
        longest[w.example] = max(longest[w.example], len(w.ids))
    key = (lambda w: (longest[w.example], w.example, w.number)) if dataset.whole else _by_length
    ordered = {s: tuple(sorted(w, key=key)) for s, w in windows.items()}
    if rows.pair is not None:
        return _whole_pairs(ordered, len(rows), long_examples, lost)
    return ReadingPlan(ordered, counts, long_examples)


def _chunks(wanted: Sequence[int], dataset: Dataset) -> list[list[int]]:
    """Examples that are tokenised at once."""
    chunks: list[list[int]] = [[]]
    room = _CHUNK
    for index in wanted:
        size = len(dataset.examples[index].text)
        if chunks[-1] and size > room:
            chunks.append([])
            room = _CHUNK
        chunks[-1].append(index)
        room -= size
    return chunks if wanted else []


def _encodings(tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], max_tokens: int) -> list[Encoding]:
    """Of whole texts, or of pairs that are read as one input."""
    if examples[0].joint is not None:
        return [encode_pair(tokenizer, example.parts, max_tokens) for example in examples]
    return encode(tokenizer, [example.text for example in examples])


def _members(dataset: Dataset, rows: Rows) -> dict[int, list[int]]:
    """For each example the rows (of pairs: the sides, numbered as in `Window.rows`) that are read from it."""
    members: dict[int, list[int]] = defaultdict(list)
    if rows.pair is None:
        for row, example in enumerate(rows.example):
            members[int(example)].append(row)
        return members
    for row, pair in enumerate(rows.pair):
        members[dataset.pairs[pair].left].append(2 * row)
        members[dataset.pairs[pair].right].append(2 * row + 1)
    return members


def _whole_pairs(
    windows: dict[Split, tuple[Window, ...]], pairs: int, long_examples: int, lost: set[int]
) -> ReadingPlan:
    """Leave out pairs of which one side has no token; units are pairs. `lost` are sides without their end."""
    read = {side for part in windows.values() for w in part for side in w.rows}
    kept: dict[Split, list[Window]] = {s: [] for s in SPLITS}
    for split, part in windows.items():
        for w in part:
            inside = [(side, t) for side, t in zip(w.rows, w.tokens, strict=True) if side ^ 1 in read]
            if inside:
                sides, tokens = zip(*inside, strict=True)
                kept[split].append(replace(w, rows=sides, tokens=tokens))
    left = sum(side % 2 == 0 and side + 1 in read for side in read)
    cut = len({side // 2 for side in lost & read if side ^ 1 in read})
    counts = UnitCounts(kept=left, truncated=cut, skipped=pairs - left)
    return ReadingPlan({s: tuple(w) for s, w in kept.items()}, counts, long_examples, sides=2)


def _by_length(window: Window) -> tuple[int, int, int]:
    return len(window.ids), window.example, window.number


_Placed = dict[int, list[tuple[int, tuple[int, ...]]]]


def _place(
    encoding: Encoding,
    rows: Rows,
    numbers: Sequence[int],
    capacity: int,
    shared: np.ndarray,
    pooling: Pooling,
    drop_shared: bool,
) -> tuple[_Placed, UnitCounts]:
    cuts = cut_windows(len(encoding.ids), capacity)
    placed: _Placed = defaultdict(list)
    kept = truncated = skipped = 0
    shared_seen: set[int] = set()
    for row in numbers:
        tokens = unit_tokens(encoding, int(rows.start[row]), int(rows.end[row]))
        if not len(tokens) or (drop_shared and shared[tokens].any()):
            skipped += 1
            continue
        number = best_window(int(tokens[0]), int(tokens[-1]), cuts)
        start, end = cuts[number]
        seen = tokens[(tokens >= start) & (tokens < end)]
        kept, truncated = kept + 1, truncated + (len(seen) < len(tokens))
        shared_seen.update(seen[shared[seen]].tolist())
        positions = pooled_tokens(seen, pooling) - start + len(encoding.prefix)
        placed[number].append((row, tuple(positions.tolist())))
    return placed, UnitCounts(kept, truncated, skipped, 0, len(shared_seen))


def _place_whole(
    encoding: Encoding, numbers: Sequence[int], capacity: int, pooling: Pooling, max_windows: int | None
) -> tuple[_Placed, UnitCounts]:
    """The parts of whole-example rows; each content token counts once, in the window where it has most context."""
    cuts = cut_windows(len(encoding.ids), capacity)[:max_windows]
    length = cuts[-1][1]
    before = len(encoding.prefix)
    placed: _Placed = defaultdict(list)
    if not len(encoding.ids):
        return placed, UnitCounts(skipped=len(numbers))
    home = best_windows(cuts)
    content = np.flatnonzero(~encoding.special[:length])
    parts = np.split(content, np.searchsorted(home[content], np.arange(1, len(cuts))))  # homes only ever ascend
    for number, ((start, _), part) in enumerate(zip(cuts, parts, strict=True)):
        tokens = part - start + before
        if pooling == "first":
            tokens = np.zeros(1, dtype=np.int64)
        elif pooling == "last":
            tokens = tokens[-1:] if number == len(cuts) - 1 else tokens[:0]
        if len(tokens):
            placed[number] = [(row, tuple(tokens.tolist())) for row in numbers]
    cut = encoding.cut or length < len(encoding.ids)
    return placed, UnitCounts(kept=len(numbers), truncated=len(numbers) if cut else 0)


def _windows(encoding: Encoding, example: int, capacity: int, placed: _Placed) -> list[Window]:
    cuts = cut_windows(len(encoding.ids), capacity)
    result = []
    for number, members in placed.items():
        start, end = cuts[number]
        ids = (*encoding.prefix, *encoding.ids[start:end].tolist(), *encoding.suffix)
        rows, tokens = zip(*members, strict=True)
        result.append(Window(ids, example, number, rows, tokens, encoding.second))
    return result


def batches(windows: Sequence[Window], budget: int) -> list[list[Window]]:
    """Fill batches up to `budget` padded tokens; a longer window goes alone. Windows come sorted by length.

    Longer windows go into a batch of their own where padding the others to their length would cost more than another
    call. Each batch is filled by itself: the windows from some batch on give the same batches without those before.
    """
    result: list[list[Window]] = []
    longest = 0
    for window in windows:
        size = len(window.ids)
        padded = (size - longest) * len(result[-1]) if result else 0
        longest = max(longest, size)
        if not result or padded > _CALL or longest * (len(result[-1]) + 1) > budget:
            result.append([])
            longest = size
        result[-1].append(window)
    return result


def pad(
    windows: Sequence[Window], pad_id: int, side: str
) -> tuple[Int[Tensor, "batch tokens"], Int[Tensor, "batch tokens"], Int[Tensor, "batch tokens"] | None, list[int]]:
    """Input ids, mask, token types (None where no window has two texts), and where each window's first token is."""
    longest = max(len(w.ids) for w in windows)
    ids = torch.full((len(windows), longest), pad_id, dtype=torch.long)
    mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
    offsets = []
    for i, window in enumerate(windows):
        begin = longest - len(window.ids) if side == "left" else 0
        ids[i, begin : begin + len(window.ids)] = torch.tensor(window.ids)
        mask[i, begin : begin + len(window.ids)] = 1
        if window.second is not None:
            types[i, begin + window.second : begin + len(window.ids)] = 1
        offsets.append(begin)
    return ids, mask, types if bool(types.any()) else None, offsets


def read_positions(
    windows: Sequence[Window], mask: Int[Tensor, "batch tokens"], offsets: Sequence[int]
) -> Bool[Tensor, "batch tokens"]:
    """Which positions of a batch, as `pad` makes it, some row is read from."""
    where = torch.zeros_like(mask, dtype=torch.bool)
    for i, (window, offset) in enumerate(zip(windows, offsets, strict=True)):
        where[i, [offset + t for tokens in window.tokens for t in tokens]] = True
    return where
