"""Controls made from the units' own texts: random labels for token types, and types held out of train.

Both depend on seed and text alone, so that every split, run and machine gives a text the same label.
"""

import hashlib

import numpy as np
from jaxtyping import Bool, Float, Int

HELD_OUT = 0.3


def _uniform(text: str, seed: int, use: str) -> float:
    """A number in [0, 1) drawn for a text."""
    digest = hashlib.sha256(f"{use}:{seed}:{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def control_labels(text: np.ndarray, share: Float[np.ndarray, " classes"], seed: int) -> Int[np.ndarray, " rows"]:
    """Control task (Hewitt & Liang 2019, arXiv 1909.03368): each type draws a label once and keeps it everywhere.

    Args:
        text: The units' texts, shape [rows].
        share: Class distribution of train.
        seed: Of the draw.
    """
    edges = np.cumsum(share)[:-1] / np.sum(share)
    label = {t: int(np.searchsorted(edges, _uniform(t, seed, "control"), side="right")) for t in set(text)}
    return np.array([label[t] for t in text], dtype=np.int64)


def held_out_types(text: np.ndarray, label: Int[np.ndarray, " rows"], seed: int, share: float = HELD_OUT) -> set[str]:
    """Types that a disjoint split takes out of train and validation: `share` of the types of each class in train.

    Every class keeps at least one type, also where another class that shares it would give it away.
    """
    held: set[str] = set()
    kept: set[str] = set()
    for c in np.unique(label):
        types = sorted(set(text[label == c]), key=lambda t: (_uniform(t, seed, "disjoint"), t))
        held |= set(types[: min(round(share * len(types)), len(types) - 1)])
        kept.add(types[-1])
    return held - kept


def among(text: np.ndarray, types: set[str]) -> Bool[np.ndarray, " rows"]:
    """Rows whose text is one of the types."""
    return np.array([t in types for t in text], dtype=bool)
