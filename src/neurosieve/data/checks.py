"""What a user should know of a data set before any compute: balance, near-copies between splits, known noise.

Near-copies are found by MinHash with datasketch, which is alive and whose locality-sensitive hashing saves comparing
all pairs. Exact copies are dropped while reading; near ones stay and are counted.
"""

import re
from zlib import crc32

import numpy as np
from datasketch import MinHash, MinHashLSH
from jaxtyping import UInt64

from neurosieve.data.dataset import Dataset, Example, Origin
from neurosieve.data.limits import LONG, TOKENIZER_BYTES
from neurosieve.data.sampling import Sample
from neurosieve.progress import track
from neurosieve.typing import SPLITS, Split

ALIKE = 0.8  # Jaccard similarity of the token shingles
SHINGLE = 5
HASHES = 64
_CHUNK = 4096  # runs that are sketched at once
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_TOKEN = re.compile(r"\w+|[^\w\s]")


def check_dataset(dataset: Dataset, sample: Sample) -> list[str]:
    """Notes on whole examples and pairs, and on long texts; else none on tokens.

    Args:
        dataset: All examples, after exact copies were dropped.
        sample: The rows that are analysed; near-copies are looked for among their texts.
    """
    long = _long_text(dataset)
    if not dataset.whole:
        return long
    notes = [*long, *(f"labels in {split}: {_shares(dataset, split)}" for split in SPLITS)]
    for split, count in near_copies(_texts(dataset, sample)).items():
        if count:
            notes.append(
                f"{count:,} {split} texts are near-copies of a train text (Jaccard of {SHINGLE}-token shingles of at"
                f" least about {ALIKE:g}); they are kept"
            )
    if dataset.origin is Origin.BIG_CLONE_BENCH:
        notes.append(
            "BigCloneBench calls pairs of different functionality non-clones without having looked at each: part of its"
            " negatives are wrong (Krinke & Ragkhitwetsagul 2022)"
        )
    return notes


def _long_text(dataset: Dataset) -> list[str]:
    size = max((len(e.text) for e in dataset.examples), default=0)
    if size <= LONG:
        return []
    memory = size * TOKENIZER_BYTES / 1e9
    return [f"the longest text has {size:,} characters: tokenizing it takes about {memory:.1f} GB of memory"]


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
    blank = MinHash(num_perm=HASHES, seed=1, hashfunc=int)
    counts: dict[Split, int] = {"validation": 0, "test": 0}
    ordered = sorted(examples, key=lambda e: SPLITS.index(e.split))
    for number, example in enumerate(track(ordered, "near-copies")):
        sketch = blank.copy()
        runs = shingles(example.text)
        for start in range(0, len(runs), _CHUNK):
            sketch.update_batch(runs[start : start + _CHUNK])
        if example.split == "train":
            index.insert(str(number), sketch, check_duplication=False)
        elif index.query(sketch):
            counts[example.split] += 1
    return counts


def shingles(text: str) -> UInt64[np.ndarray, " runs"]:
    """The different runs of five tokens as 32-bit hashes; a shorter text is one run."""
    hashes = (crc32(m.group().encode("utf-8", "surrogatepass")) for m in _TOKEN.finditer(text))
    token = np.fromiter(hashes, dtype=np.uint64)
    token = np.pad(token, (0, max(0, SHINGLE - len(token))))
    run = np.zeros(len(token) - SHINGLE + 1, dtype=np.uint64)
    for place in range(SHINGLE):  # a polynomial modulo 2**64, whose upper bits are mixed best
        run = (run + token[place : place + len(run)] + np.uint64(1)) * _FACTOR
    return np.unique(run >> np.uint64(32))
