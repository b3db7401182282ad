"""Count-based baselines over the same tokens: longest-context prediction and interpolated Kneser-Ney."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# Offsets of the tokens looked at, from the most to the least telling; the first context seen in training decides.
TWO_SIDED = ((-2, -1, 1, 2), (-2, -1, 1), (-1, 1, 2), (-1, 1), (-2, -1), (1, 2), (-1,), (1,))
LEFT = ((-4, -3, -2, -1), (-3, -2, -1), (-2, -1), (-1,))
BITS = 13  # of a token number; four of them and a query number fit into 64 bits
CHUNK = 1 << 22


def longest_context(
    train: NDArray[Any],
    text: NDArray[Any],
    positions: Ints,
    hidden: NDArray[np.bool_],
    contexts: Sequence[Sequence[int]],
) -> Ints:
    """The most frequent token in the first of the contexts that training has seen, for each position.

    Args:
        train: Tokens to count.
        text: Tokens to predict in; at least two stand before and after each position.
        positions: Where to predict.
        hidden: For each token of `text`, whether a context must not look at it.
        contexts: Offsets of the tokens looked at, in the order of trial.
    """
    counts = np.bincount(train, minlength=1 << BITS)
    guesses = np.full(positions.size, counts.argmax(), dtype=np.int64)
    open_ = np.ones(positions.size, dtype=bool)
    for context in contexts:
        asked = np.flatnonzero(open_)
        asked = asked[~hidden[positions[asked][:, None] + np.array(context)].any(axis=1)]
        if asked.size:
            found = _best(train, _keys(text, positions[asked], context), context)
            known = found >= 0
            guesses[asked[known]] = found[known]
            open_[asked[known]] = False
    return guesses


def _keys(tokens: NDArray[Any], positions: Ints, context: Sequence[int]) -> Ints:
    key = np.zeros(positions.size, dtype=np.int64)
    for offset in context:
        key = (key << BITS) | tokens[positions + offset].astype(np.int64)
    return key


def _best(train: NDArray[Any], queries: Ints, context: Sequence[int]) -> Ints:
    """The most frequent token in each queried context, the smaller number among equals; -1 where it was never seen."""
    asked, back = np.unique(queries, return_inverse=True)
    first, last = max(0, -min(context)), train.size - max(0, *context)
    pairs = []
    for start in range(first, last, CHUNK):
        positions = np.arange(start, min(start + CHUNK, last))
        keys = _keys(train, positions, context)
        place = np.minimum(np.searchsorted(asked, keys), asked.size - 1)
        match = asked[place] == keys
        pairs.append((place[match] << BITS) | train[positions[match]].astype(np.int64))
    pair, count = np.unique(np.concatenate(pairs), return_counts=True)
    best = np.full(asked.size, -1, dtype=np.int64)
    # Rising by count, and falling by token among equal counts: the last one written stays.
    order = np.lexsort((-pair, count))
    best[pair[order] >> BITS] = pair[order] & ((1 << BITS) - 1)
    return best[back]


class KneserNey:
    """Interpolated Kneser-Ney with one discount an order, D = n1 / (n1 + 2 n2)."""

    def __init__(self, train: NDArray[Any], *, order: int, vocabulary: int) -> None:
        self.order, self.vocabulary = order, vocabulary
        tokens = train.astype(np.int64)
        # An n-gram is (number of its first n-1 tokens among all such, last token): exact, whatever the order.
        self._keys: list[Ints] = []
        raw: list[Ints] = []
        numbers = np.zeros(tokens.size + 1, dtype=np.int64)  # of the empty gram, at each position
        below: list[Ints] = []
        for n in range(1, order + 1):
            places = tokens.size - n + 1
            joined = numbers[:places] * vocabulary + tokens[n - 1 :]
            keys, first, numbers_n, counts = np.unique(
                joined, return_index=True, return_inverse=True, return_counts=True
            )
            if n > 1:
                # How many different tokens stand before each (n-1)-gram: one for each n-gram that ends with it.
                below.append(np.bincount(numbers[first + 1], minlength=self._keys[-1].size))
            self._keys.append(keys)
            raw.append(counts)
            numbers = numbers_n
        self._tables = [self._table(keys, counts) for keys, counts in zip(self._keys, [*below, raw[-1]], strict=True)]

    def _table(self, keys: Ints, counts: Ints) -> tuple[Floats, Floats, Floats]:
        """Discounted count of each n-gram; total count and weight of the lower order for each of its contexts."""
        ones, twos = int((counts == 1).sum()), int((counts == 2).sum())
        discount = ones / (ones + 2 * twos) if ones else 0.5
        parents = keys // self.vocabulary
        size = int(parents.max()) + 1
        seen = counts > 0  # the first tokens of the text may have nothing before them
        total = np.bincount(parents, weights=counts, minlength=size).astype(np.float64)
        kinds = np.bincount(parents[seen], minlength=size)
        lower = (discount * kinds).astype(np.float64)
        return np.maximum(counts - discount, 0.0).astype(np.float64), total, lower

    def probabilities(self, text: NDArray[Any], positions: Ints) -> Floats:
        """Probability of each token given the `order` - 1 before it, which must exist."""
        tokens = text.astype(np.int64)
        result = np.full(positions.size, 1.0 / self.vocabulary)
        for n in range(1, self.order + 1):
            contexts = self._find(tokens, positions - n + 1, n - 1)
            grams = self._extend(contexts, tokens[positions], n)
            discounted, total, lower = self._tables[n - 1]
            known = contexts >= 0
            known[known] = contexts[known] < total.size
            known[known] = total[contexts[known]] > 0
            at = contexts[known]
            hits = np.where(grams[known] >= 0, discounted[np.maximum(grams[known], 0)], 0.0)
            result[known] = (hits + lower[at] * result[known]) / total[at]
        return result

    def _find(self, tokens: Ints, starts: Ints, length: int) -> Ints:
        numbers = np.zeros(starts.size, dtype=np.int64)
        for n in range(1, length + 1):
            numbers = self._extend(numbers, tokens[starts + n - 1], n)
        return numbers

    def _extend(self, numbers: Ints, last: Ints, n: int) -> Ints:
        """Numbers of the n-grams that add a token to (n-1)-grams; -1 where training has none."""
        keys = self._keys[n - 1]
        joined = numbers * self.vocabulary + last
        place = np.minimum(np.searchsorted(keys, joined), keys.size - 1)
        return np.where((numbers >= 0) & (keys[place] == joined), place, -1)
