"""How similar layers are: debiased linear CKA, from moments alone.

Debiased, since the plain estimate nears 1 for unrelated layers as soon as they are wider than there are rows. The
price: it may come out slightly below 0.
"""

import numpy as np
from jaxtyping import Float

from neurosieve.errors import DataError
from neurosieve.statistics.streamed_moments import Moments

_MIN_ROWS = 4
_ROUNDING = 1e-10


def cka(moments: Moments) -> Float[np.ndarray, "layers layers"]:
    """Debiased linear CKA of each two layers, in the order of `moments.layers`.

    HSIC is the unbiased estimate of Song et al. 2012 (Feature Selection via Dependence Maximization, JMLR 13) with
    linear kernels, as Nguyen et al. 2021 (arXiv 2010.15327) use it in the CKA of Kornblith et al. 2019
    (arXiv 1905.00414). With X, Y the two layers' rows, K = XXᵀ and L = YYᵀ without their diagonals, and q the rows'
    squared norms:

        n(n − 3) HSIC = tr KL + 1ᵀK1 · 1ᵀL1 / ((n − 1)(n − 2)) − 2/(n − 2) · 1ᵀKL1

    It does not change when a layer is shifted, so it is taken from the moments about the mean, where tr KL =
    |XᵀY|² − Σ q_x q_y, 1ᵀK1 = −Σ q_x and 1ᵀKL1 = Σ q_x q_y. Cost: neurons² operations and one matrix.

    Returns:
        Symmetric, in [−1, 1], always finite, diagonal 1. Off the diagonal a layer has 0 if its own HSIC is not above
        rounding (1e-10 of the terms that it is the difference of): all its neurons are dead, or one row outweighs all.

    Raises:
        DataError: Fewer than 4 rows.
    """
    n = moments.count
    if n < _MIN_ROWS:
        raise DataError("CKA", expected=f"at least {_MIN_ROWS} rows", got=str(n), remedy="pass more rows")
    about_mean = moments.centred()
    blocks = about_mean.blocks
    product = np.array([[np.square(about_mean.gram[a, b]).sum() for b in blocks] for a in blocks])
    diagonals = about_mean.norm_gram * (n / (n - 2))
    totals = np.outer(about_mean.norm_total, about_mean.norm_total) / ((n - 1) * (n - 2))
    hsic = product - diagonals + totals
    self_hsic, terms = np.diagonal(hsic), np.diagonal(product + diagonals + totals)
    valid = self_hsic > _ROUNDING * terms
    scale = np.zeros(len(self_hsic))
    scale[valid] = 1 / np.sqrt(self_hsic[valid])
    hsic = (hsic + hsic.T) / 2
    matrix: Float[np.ndarray, "layers layers"] = np.clip(hsic * np.outer(scale, scale), -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return matrix
