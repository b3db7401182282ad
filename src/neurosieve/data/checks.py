"""What a reader should know of a data set before any compute: balance, near-copies between splits, known noise.

Near-copies are found by MinHash with datasketch, which is alive and whose locality-sensitive hashing saves comparing
all pairs. Exact copies are dropped while reading; near ones stay and are counted.
"""

import re
from collections.abc import Iterator

from datasketch import MinHash, MinHashLSH

from neurosieve.data.dataset import Dataset, Example
from neurosieve.data.sampling import Sample
from neurosieve.typing import SPLITS, Split

ALIKE = 0.8  # Jaccard similarity of the token shingles
SHINGLE = 5
HASHES = 64
_TOKEN = re.compile(r"\w+|[^\w\s]")


def check_dataset(dataset: Dataset, sample: Sample) -> list[str]:
    """Notes on whole examples and pairs; none on tokens.

    Args:
        dataset: All examples, after exact copies were dropped.
        sample: The rows that are analysed; near-copies are looked for among their texts.
    """
    if not dataset.whole:
        return []
    notes = [f"labels in {split}: {_shares(dataset, split)}" for split in SPLITS]
    for split, count in near_copies(_texts(dataset, sample)).items():
        if count:
            notes.append(
                f"{count:,} {split} texts are near-copies of a train text (Jaccard of {SHINGLE}-token shingles of at"
                f" least about {ALIKE:g}); they are kept"
            )
    if "bigclonebench" in dataset.source.lower() or "functions paired by id" in dataset.source:
        notes.append(
            "BigCloneBench calls pairs of different functionality non-clones without having looked at each: part of its"
            " negatives are wrong (Krinke & Ragkhitwetsagul 2022)"
        )
    return notes


def _shares(dataset: Dataset, split: Split) -> str:
    if dataset.numeric:
        y = dataset.values(split)
        spread = f"mean {y.mean():.4g}, standard deviation {y.std():.4g}"
        return f"numbers from {y.min():.4g} to {y.max():.4g}, {spread}, of {len(y):,}"
    counts = {label: by_split[split] for label, by_split in dataset.label_counts.items()}
    total = max(sum(counts.values()), 1)
    most = sorted(counts.items(), key=lambda item: -item[1])[:6]
    return ", ".join(f"{label} {100 * n / total:.0f} %" for label, n in most) + f" of {total:,}"


def _texts(dataset: Dataset, sample: Sample) -> list[Example]:
    """Each text of a split once, also where two of them are one input."""
    rows = sample.rows
    chosen = {int(i) for i in rows.example}
    if rows.pair is not None:
        chosen |= {dataset.pairs[i].right for i in rows.pair}
    sides = {(e.split, text): e for e in (dataset.examples[i] for i in sorted(chosen)) for text in e.parts}
    return [Example(e.id, text, (), split, e.group) for (split, text), e in sides.items()]


def near_copies(examples: list[Example]) -> dict[Split, int]:
    """Validation and test texts with a near-copy in train, by split."""
    index = MinHashLSH(threshold=ALIKE, num_perm=HASHES)
    counts: dict[Split, int] = {"validation": 0, "test": 0}
    for number, example in enumerate(sorted(examples, key=lambda e: SPLITS.index(e.split))):
        sketch = MinHash(num_perm=HASHES, seed=1)
        sketch.update_batch(list(shingles(example.text)))
        if example.split == "train":
            index.insert(str(number), sketch, check_duplication=False)
        elif index.query(sketch):
            counts[example.split] += 1
    return counts


def shingles(text: str) -> Iterator[bytes]:
    """Runs of five tokens; a shorter text is one run."""
    tokens = _TOKEN.findall(text)
    for i in range(max(1, len(tokens) - SHINGLE + 1)):
        yield " ".join(tokens[i : i + SHINGLE]).encode("utf-8", "surrogatepass")
