"""How much of a neuron's variance over texts follows from what is known of them: held-out R² of ridge regressions.

Each regression is fitted on train, its penalty chosen for each neuron by leave-one-out error there, and scored on test
against the constant train mean. R² of one set of features and its gain over another are compared on the same rows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import RidgeCV

from neurosieve.probes.baselines import PENALTIES
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.metrics import row_scores

_WORD = re.compile(r"\w+|[^\w\s]")
_KNOTS = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Share:
    """R², or a difference of two, with its 95 % interval by cluster bootstrap; shapes [neurons], [neurons, 2].

    The interval of one cluster is not a number, so that nothing can be above a bound by it.
    """

    value: Float[np.ndarray, " neurons"]
    interval: Float[np.ndarray, "neurons 2"]


@dataclass(frozen=True)
class Regressions:
    """Texts of train and test with the values of neurons to explain.

    Attributes:
        train: Standardised by train, shape [train, neurons].
        test: Likewise, shape [test, neurons].
        bootstrap: Over clusters of the test texts.
    """

    train: Float[np.ndarray, "train neurons"]
    test: Float[np.ndarray, "test neurons"]
    bootstrap: ClusterBootstrap

    def scores(self, features: Float[np.ndarray, "texts features"]) -> Float[np.ndarray, "test neurons"]:
        """R² of each neuron from the features of all texts, train first, as parts of the test rows (`row_scores`)."""
        n = len(self.train)
        fitted = RidgeCV(PENALTIES, alpha_per_target=True).fit(features[:n], self.train)
        predicted = np.asarray(fitted.predict(features[n:])).reshape(self.test.shape)
        return np.stack([row_scores(p, y) for p, y in zip(predicted.T, self.test.T, strict=True)], 1)

    def share(
        self, scores: Float[np.ndarray, "test neurons"], over: Float[np.ndarray, "test neurons"] | None = None
    ) -> Share:
        """R², or what it is above that of other features on the same rows."""
        gain = scores if over is None else scores - over
        drawn = np.concatenate([w @ gain / w.sum(1, keepdims=True) for w in self.bootstrap.weights()])
        interval = np.quantile(drawn, (0.025, 0.975), axis=0).T
        return Share(gain.mean(0), interval if self.bootstrap.clusters > 1 else np.full_like(interval, np.nan))


def one_hot(codes: Int[np.ndarray, " texts"], count: int) -> Float[np.ndarray, "texts values"]:
    """A column a value; nothing where none applies."""
    columns: Float[np.ndarray, "texts values"] = (codes[:, None] == np.arange(count)).astype(np.float64)
    return columns


def length_features(texts: Sequence[str], train: int) -> Float[np.ndarray, "texts features"]:
    """What length alone can explain: a piecewise linear curve in the logarithm of the number of tokens.

    One measure only: of two, say characters too, the difference shows what a text is made of, which is not its length.

    Args:
        texts: All texts.
        train: Of them the first; their quintiles are the knots.
    """
    size = np.log1p(np.array([len(_WORD.findall(text)) for text in texts], dtype=np.float64))
    knots = np.unique(np.quantile(size[:train], _KNOTS))
    return np.stack([size, *(np.maximum(size - knot, 0) for knot in knots)], 1)
