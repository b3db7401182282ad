"""In which type values are stored, and values in it."""

import torch
from jaxtyping import Float
from torch import Tensor


def stored(values: Float[Tensor, "rows width"], dtype: str) -> Float[Tensor, "rows width"]:
    """Values in a store's type; in float32 where one would become infinite."""
    small = values.to(getattr(torch, dtype)).contiguous()
    lost = torch.isfinite(values) & ~torch.isfinite(small)
    return values.float().contiguous() if bool(lost.any()) else small


def choose_dtype(sample: Float[Tensor, "rows width"], wanted: str) -> str:
    """`auto` → float16 where the sample loses nothing that matters by it, else float32 (METHOD.md, "Store dtype")."""
    if wanted != "auto":
        return wanted
    full = sample.float()
    half = full.half().float()
    if not bool(torch.isfinite(half).all()):
        return "float32"
    error, spread = (half - full).std(0, correction=0), full.std(0, correction=0)
    return "float16" if bool((error <= 0.01 * spread).all()) else "float32"
