"""Which latent concepts are a property of code: found on train rows, confirmed on held-out rows.

A cluster is aligned with a property value when at least 90 % of its rows have it (Dalvi et al. 2022, arXiv 2205.07237),
on train rows and again on held-out rows; a row that the property does not apply to counts as one without the value. The
value `no` is left out: it is all that `yes` is not.

Clusters can look aligned for other reasons. A value that most rows have is in every cluster: see `chance`. A cluster
of one word has the word's properties: such clusters are counted apart. And a cluster of few words needs few of them to
agree, since most words have the same value wherever they occur: see `chance_words`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import hypergeom

from neurosieve.concepts.latent.tree import LatentConcepts
from neurosieve.concepts.properties import PropertyTable
from neurosieve.concepts.properties.contract import NO
from neurosieve.errors import DataError
from neurosieve.results.latent_clusters import Aligned, AlignedShare, Alignment, AlignmentRule, Unlabelled

_WORDS, _CONTEXTS, _AROUND = 8, 3, 60


def align(
    train: LatentConcepts,
    held_out: LatentConcepts,
    table: PropertyTable,
    texts: Sequence[str],
    rule: AlignmentRule | None = None,
    *,
    draws: int = 20,
    seed: int = 0,
) -> Alignment:
    """Clusters compared with properties.

    Args:
        train: Clusters of the train rows.
        held_out: The same clusters on rows of other files.
        table: Properties of the train rows, and after them of the held-out rows.
        texts: What the table was read from.
        rule: When a cluster counts as aligned.
        draws: Of words that swap their values, for `chance_words`; `chance` is exact (hypergeometric: no two values of
            one property can have a share above a half).
        seed: Of these draws.

    Raises:
        DataError: Clusters of two cuts, or another number of rows.

    Cost: 300 clusters of 10,000 rows and 15 properties take about two seconds.
    """
    rule = rule or AlignmentRule()
    if train.layer != held_out.layer or not np.array_equal(train.centroids, held_out.centroids):
        remedy = "assign both to one cut"
        raise DataError("held-out clusters", expected="those of train", got="others", remedy=remedy)
    rows = len(train.cluster) + len(held_out.cluster)
    if len(table) != rows:
        expected = f"{rows} rows, those of train and of held-out"
        raise DataError("property table", expected=expected, got=str(len(table)), remedy="annotate both in this order")
    if not 0.5 < rule.share <= 1:
        raise DataError("share", expected="above 0.5, up to 1", got=f"{rule.share:g}", remedy="0.9 is usual")
    words = _Words(train, table, texts, rule)
    sides = _Sides(train.cluster, held_out.cluster, train.k)
    large = (train.sizes >= rule.rows) & (held_out.sizes >= rule.held_out)
    aligned, shares = [], []
    for name, values in table.values.items():
        matches = _Found(name, values, table.codes[name].astype(np.int64), sides, rule)
        aligned += matches.aligned(large, words)
        several = large & ~words.identity
        chance_words = matches.by_words(words.number, several, draws, seed)
        shares.append(matches.summary(several, large & words.identity, chance_words))
    labelled = {a.cluster for a in aligned}
    others = [c for c in np.argsort(-train.sizes, kind="stable").tolist() if train.sizes[c] and c not in labelled]
    return Alignment(
        layer=train.layer,
        k=train.k,
        rule=rule,
        aligned=tuple(sorted(aligned, key=lambda a: (a.cluster, a.property_name, a.value))),
        properties=tuple(shares),
        unlabelled=tuple(words.unlabelled(c) for c in others),
    )


class _Sides(NamedTuple):
    """Clusters of both kinds of rows."""

    train: Int[np.ndarray, " rows"]
    held_out: Int[np.ndarray, " rows"]
    k: int

    def counts(self, codes: Int[np.ndarray, " rows"], values: int) -> list[Int[np.ndarray, "clusters cells"]]:
        """Rows of each cluster with each value; the last column counts those without any."""
        parts = (self.train, codes[: len(self.train)]), (self.held_out, codes[len(self.train) :])
        cells = self.k * (values + 1)
        found = [np.bincount(c * (values + 1) + code % (values + 1), minlength=cells) for c, code in parts]
        return [counts.reshape(self.k, values + 1) for counts in found]


class _Found:
    """Which clusters have which value of a property, and how often they would by chance."""

    def __init__(
        self, name: str, values: Sequence[str], codes: Int[np.ndarray, " rows"], sides: _Sides, rule: AlignmentRule
    ) -> None:
        self._name, self._values, self._codes, self._sides, self._rule = name, values, codes, sides, rule
        self._own = np.array([value != NO for value in values])
        self._counts = sides.counts(codes, len(values))
        self._enough = [self._reached(counts) for counts in self._counts]

    def aligned(self, large: Bool[np.ndarray, " clusters"], words: "_Words") -> list[Aligned]:
        """The large clusters that are a value."""
        result = []
        for c, v in np.argwhere(self._enough[0] & self._enough[1] & large[:, None]).tolist():
            rows, held_out = (int(counts[c].sum()) for counts in self._counts)
            share, held_out_share = (float(counts[c, v] / counts[c].sum()) for counts in self._counts)
            result.append(
                Aligned(
                    cluster=c,
                    property_name=self._name,
                    value=self._values[v],
                    rows=rows,
                    share=share,
                    held_out_rows=held_out,
                    held_out_share=held_out_share,
                    types=int(words.types[c]),
                    word=words.common(c, 1)[0][0],
                    identity=bool(words.identity[c]),
                )
            )
        return result

    def summary(
        self, several: Bool[np.ndarray, " clusters"], single: Bool[np.ndarray, " clusters"], chance_words: float
    ) -> AlignedShare:
        """Counts over the large clusters, of several words and of a single one."""
        both = (self._enough[0] & self._enough[1]).any(1)
        sizes = self._counts[0].sum(1)
        return AlignedShare(
            property_name=self._name,
            clusters=int(several.sum()),
            found=int((self._enough[0].any(1) & several).sum()),
            aligned=int((both & several).sum()),
            chance=self._by_rows(several),
            chance_words=chance_words,
            coverage=float(sizes[both & several].sum() / max(sizes.sum(), 1)),
            identity=int((both & single).sum()),
        )

    def by_words(
        self, number: Int[np.ndarray, " rows"], several: Bool[np.ndarray, " clusters"], draws: int, seed: int
    ) -> float:
        """Mean share of clusters that are a value when words swap their values; `number` is each row's word."""
        if not several.any() or not draws:
            return 0.0
        width = len(self._values) + 1
        cells = np.bincount(number * width + self._codes % width, minlength=(number.max() + 1) * width)
        most = cells.reshape(-1, width).argmax(1)
        rng = np.random.default_rng(seed)
        shares = []
        for _ in range(draws):
            counts = self._sides.counts(rng.permutation(most)[number], len(self._values))
            train, held_out = (self._reached(part) for part in counts)
            shares.append((train & held_out).any(1)[several].mean())
        return float(np.mean(shares))

    def _by_rows(self, several: Bool[np.ndarray, " clusters"]) -> float:
        if not several.any():
            return 0.0
        chances = np.ones((int(several.sum()), len(self._values))) * self._own
        for counts in self._counts:
            size = counts[several].sum(1, keepdims=True)
            chances *= hypergeom.sf(self._needed(size) - 1, counts.sum(), counts[:, :-1].sum(0), size)
        return float(chances.sum(1).mean())

    def _reached(self, counts: Int[np.ndarray, "clusters cells"]) -> Bool[np.ndarray, "clusters values"]:
        needed = self._needed(counts.sum(1, keepdims=True))
        reached: Bool[np.ndarray, "clusters values"] = (counts[:, :-1] >= needed) & self._own
        return reached

    def _needed(self, size: Int[np.ndarray, "clusters 1"]) -> Float[np.ndarray, "clusters 1"]:
        needed: Float[np.ndarray, "clusters 1"] = np.maximum(np.ceil(self._rule.share * size - 1e-9), 1)
        return needed


class _Words:
    """The words of train rows by cluster; `number` is the word of each row, held-out rows included."""

    def __init__(self, train: LatentConcepts, table: PropertyTable, texts: Sequence[str], rule: AlignmentRule) -> None:
        self._places = [column.tolist() for column in (table.example, table.start, table.end)]
        self._texts, self._cluster = texts, train.cluster
        numbers: dict[str, int] = {}
        words = (texts[example][start:end] for example, start, end in zip(*self._places, strict=True))
        self.number: Int[np.ndarray, " rows"] = np.array(
            [numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64
        )
        self._names = list(numbers)
        code = self.number[: len(train.cluster)]
        cells, self._rows = np.unique(train.cluster * len(numbers) + code, return_counts=True)
        self._in, self._word = np.divmod(cells, max(len(numbers), 1))
        self.types: Int[np.ndarray, " clusters"] = np.bincount(self._in, minlength=train.k)
        most = np.zeros(train.k, dtype=np.int64)
        np.maximum.at(most, self._in, self._rows)
        self.identity: Bool[np.ndarray, " clusters"] = (self.types < rule.types) | (
            most >= rule.share * train.sizes - 1e-9
        )

    def common(self, cluster: int, count: int) -> tuple[tuple[str, int], ...]:
        """The commonest words of a cluster and their rows; ties in the order of their first rows."""
        begin, end = np.searchsorted(self._in, [cluster, cluster + 1])
        best = begin + np.argsort(-self._rows[begin:end], kind="stable")[:count]
        return tuple((self._names[self._word[i]], int(self._rows[i])) for i in best.tolist())

    def unlabelled(self, cluster: int) -> Unlabelled:
        """What can be said of a cluster by its rows; contexts are first rows, of different words if it has some."""
        rows = np.flatnonzero(self._cluster == cluster)
        by_word = {self._parts(i)[1]: i for i in reversed(rows.tolist())}
        first = sorted(by_word.values())
        chosen = sorted([*first, *np.setdiff1d(rows, first).tolist()][:_CONTEXTS])
        contexts = tuple(self._parts(i) for i in chosen)
        return Unlabelled(
            cluster=cluster,
            rows=len(rows),
            types=int(self.types[cluster]),
            words=self.common(cluster, _WORDS),
            contexts=contexts,
        )

    def _parts(self, row: int) -> tuple[str, str, str]:
        example, start, end = (column[row] for column in self._places)
        text = self._texts[example]
        first, last = line_around(text, start, end)
        return text[max(first, start - _AROUND) : start], text[start:end], text[end : min(last, end + _AROUND)]


def line_around(text: str, start: int, end: int) -> tuple[int, int]:
    r"""The characters of the lines (ended by \n) that contain a token, without the last line's end."""
    last = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if last < 0 else last
