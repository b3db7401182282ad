"""Windows of a long text, and which of them reads a unit best. Needs NumPy alone.

Text longer than the model's input is cut into windows that overlap by half, and a unit is taken from the window where
its nearer edge is farthest (METHOD.md, "Windows").
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from neurosieve.typing import Pooling


def pooled_tokens(tokens: Int[np.ndarray, " some"], pooling: Pooling) -> Int[np.ndarray, " few"]:
    """The tokens whose mean represents the unit."""
    if pooling == "first":
        return tokens[:1]
    return tokens[-1:] if pooling == "last" else tokens


def cut_windows(tokens: int, capacity: int) -> list[tuple[int, int]]:
    """Windows of at most `capacity` tokens that overlap by half; one window where all fits."""
    if tokens <= capacity:
        return [(0, tokens)]
    stride = max(1, capacity // 2)
    count = 1 + -(-(tokens - capacity) // stride)
    return [(i * stride, min(i * stride + capacity, tokens)) for i in range(count)]


def best_window(first: int, last: int, windows: Sequence[tuple[int, int]]) -> int:
    """The window for the tokens `first` … `last` (included): its nearer edge is farthest, ties to the earlier one.

    A unit longer than any window goes where most of it is seen.
    """
    begin = bisect_right(windows, first, key=lambda w: w[1])
    stop = bisect_right(windows, last, key=lambda w: w[0])
    context = [
        (min(last + 1, end) - max(first, start), min(first - start, end - 1 - last), -number)
        for number, (start, end) in enumerate(windows[begin:stop], begin)
    ]
    return -max(context)[2]


def best_windows(windows: Sequence[tuple[int, int]]) -> Int[np.ndarray, " tokens"]:
    """`best_window` of each token that the windows of `cut_windows` hold, shape [tokens]."""
    starts, ends = np.array(windows, dtype=np.int64).T
    token = np.arange(ends[-1])
    best = np.searchsorted(starts, token, side="right") - 1
    context = np.minimum(token - starts[best], ends[best] - 1 - token)
    for back in (1, 2):  # a token is in three windows at most
        other = np.maximum(np.searchsorted(starts, token, side="right") - 1 - back, 0)
        margin = np.minimum(token - starts[other], ends[other] - 1 - token)
        better = (margin >= context) & (margin >= 0)
        best, context = np.where(better, other, best), np.where(better, margin, context)
    return best
