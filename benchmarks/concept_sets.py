"""Time and peak memory of the curves of sets: 40 values on 9,984 neurons, 40,000 train tokens.

    python -m benchmarks.concept_sets --neurons 9984 --values 40 --tokens 40000

Everything is made up and in memory. Four neurons tell each second value together, so that half of them are claimed
as sets, which is what costs most; train has the tokens asked for, validation a quarter and test half of them, in files
of 1,000. What is timed: the sample of train, both ways to choose, the random sets, and the curves with intervals.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import torch

from benchmarks.concept_scores import sizes_of
from benchmarks.measure import Figure, Spent, parser, peak_mb, positive, report, timed
from neurosieve.activations.store import StorePart
from neurosieve.concepts.neurons.passes import values_with_rows
from neurosieve.concepts.neurons.rivals import RIVALS, Rivals
from neurosieve.concepts.properties import PropertyTable
from neurosieve.concepts.rows import ConceptRows, ConceptStore
from neurosieve.concepts.sparse.curves import SIZES, with_sets
from neurosieve.concepts.sparse.few_neurons import FewNeurons
from neurosieve.data.dataset import Dataset, Example, Rows
from neurosieve.results.concepts import Concept, UnseenRows
from neurosieve.typing import SPLITS, Grid, Split

FILE, LAYERS, SHARD, SHIFT, SEVERAL = 1_000, 13, 5_000, 2.0, 4


class InMemory:
    """What a concept store reads of an activation store."""

    def __init__(self, grid: Grid, values: dict[Split, torch.Tensor], first: dict[Split, int]) -> None:
        self.grid, self._values, self._first = grid, values, first

    def table(self, split: Split) -> pa.Table:
        """Numbers of the rows."""
        return pa.table({"row": self._first[split] + np.arange(len(self._values[split]))})

    def parts(self, split: Split) -> list[StorePart]:
        """All shards in one."""
        return [StorePart(slice(0, -(-len(self._values[split]) // SHARD)), 0)]

    def batches(
        self,
        split: Split,
        _: Sequence[int] | None = None,
        part: StorePart | None = None,  # noqa: ARG002 - all are one
    ) -> Iterator[tuple[torch.Tensor, pa.Table]]:
        """Shards of all layers."""
        values, table = self._values[split], self.table(split)
        for begin in range(0, len(values), SHARD):
            yield values[begin : begin + SHARD], table[begin : begin + SHARD]


def made_up(neurons: int, values: int, tokens: int, properties: int) -> ConceptStore:
    """Words of files, each property's value drawn for each, and neurons that are noise but for the planted ones."""
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    rows = {"train": tokens, "validation": tokens // 4, "test": tokens // 2}
    total, width = sum(rows.values()), neurons // LAYERS
    words = rng.integers(0, 3000, total)
    texts = [" ".join(f"w{w:04d}" for w in words[i : i + FILE]) for i in range(0, total, FILE)]
    bounds = np.cumsum([0, *rows.values()])
    splits = [SPLITS[int(np.searchsorted(bounds, i * FILE, side="right")) - 1] for i in range(len(texts))]
    examples = tuple(Example(f"{i}", t, (), s, f"{i}") for i, (t, s) in enumerate(zip(texts, splits, strict=True)))
    number = np.arange(total)
    start = 6 * (number % FILE)
    codes = {f"p{i}": rng.integers(0, size, total) for i, size in enumerate(sizes_of(values, properties))}
    names = {name: tuple(f"v{v}" for v in range(int(c.max()) + 1)) for name, c in codes.items()}
    table = PropertyTable(
        number // FILE, start, start + 5, codes, names, np.zeros(total, dtype=bool), len(texts), 0, 0, {}
    )
    units = np.stack([number // FILE, start, start + 5, np.zeros(total, dtype=np.int64)], 1)
    tokens_of = Rows.from_units(("token",), [(int(e), int(a), int(b), int(v)) for e, a, b, v in units])
    x = torch.randn(total, LAYERS * width, generator=generator).half()
    every = [(name, v) for name, found in names.items() for v in range(len(found))]
    for i, (name, v) in enumerate(every[::2]):
        place = rng.choice(LAYERS * width, SEVERAL, replace=False) if i else np.arange(SEVERAL)
        x[:, torch.from_numpy(place)] += SHIFT * torch.from_numpy(codes[name] == v)[:, None]
    parts = {split: x[a:b] for split, a, b in zip(SPLITS, bounds, bounds[1:], strict=False)}
    memory = InMemory(Grid(LAYERS, width), parts, dict(zip(SPLITS, bounds.tolist(), strict=False)))
    dataset = Dataset(examples, "made up")
    return ConceptStore("detect", memory, ConceptRows(dataset, tokens_of, table, ("python",) * len(texts), {}))  # type: ignore[arg-type]


def without_sets(store: ConceptStore) -> list[Concept]:
    """Each value with its rivals alone."""
    values, rivals = values_with_rows(store, 30), Rivals.of(store)
    found = []
    for name, kept in values.kept.items():
        for v in kept:
            scores = {rival: float(rivals.precision[rival][name][v]) for rival in RIVALS}
            word = store.table.values[name][v]
            own = Concept(
                view=store.view, property_name=name, value=word, train=0, test=0, base=0.0, rivals=scores,
                unseen=UnseenRows(0, 0.0), neurons=(), layers=(),
            )  # fmt: skip
            found.append(own)
    return found


def curves(store: ConceptStore, found: list[Concept], out: list[Concept]) -> None:
    """What is timed."""
    out[:] = with_sets(FewNeurons.of(store, values_with_rows(store, 30), SIZES), found)


def main() -> None:
    arguments = parser(__doc__, runs=1)
    for name, default in (("tokens", 40_000), ("neurons", 9984), ("values", 40), ("properties", 8)):
        arguments.add_argument(f"--{name}", type=positive, default=default)
    args = arguments.parse_args()
    store = made_up(args.neurons, args.values, args.tokens, args.properties)
    found, out, spent, before = without_sets(store), list[Concept](), list[Spent](), peak_mb()
    for _ in range(args.runs):
        spent.append(timed(partial(curves, store, found, out)))
    claimed = [s.size for c in out if (s := c.claimed_set)]
    middle = sorted(spent)[len(spent) // 2]
    figures = [Figure("wall seconds", round(middle.wall, 1), most=90), Figure("peak MB", round(peak_mb()))]
    report(args, figures, seconds=middle._asdict(), claimed=len(claimed), sizes=claimed, peak_mb_before=round(before))


if __name__ == "__main__":
    main()
