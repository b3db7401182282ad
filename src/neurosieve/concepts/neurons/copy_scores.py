"""The rival that is a neuron too: of copies of the model with random weights, the best one by train."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurosieve.concepts.neurons.held_out import neuron_ids
from neurosieve.concepts.neurons.passes import Values, split_scores, spread_of
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import DataError

UNTRAINED = "untrained"  # its name among the rivals


@dataclass(frozen=True)
class UntrainedBest:
    """Of all neurons of all copies the one of the highest average precision on train, for one value.

    Attributes:
        train_ap: Its average precision there.
        scores: Its values on test, turned round where it is low for the value; by the number of the row, shape [rows].
    """

    train_ap: float
    scores: Float[np.ndarray, " rows"]


def best_untrained(copies: Iterable[ConceptStore], store: ConceptStore, values: Values) -> tuple[UntrainedBest, ...]:
    """The rival for each of the kept values; empty without copies. Its scores on test play no part in the choice.

    Args:
        copies: The same rows, read by each copy; one is asked for after the other has been used.
        store: The rows as the trained model reads them.
        values: What is looked for.

    Raises:
        DataError: A copy has other test rows.

    Cost: for each copy two passes over its train split and one over test.
    """
    best: list[UntrainedBest] = []
    numbers = np.sort(store.numbers("test"))
    for copy in copies:
        order = np.argsort(copy.numbers("test"), kind="stable")
        if not np.array_equal(copy.numbers("test")[order], numbers):
            raise DataError(
                "untrained copy", expected="the same test rows", got="others", remedy="read it in the same way"
            )
        spread = spread_of(copy)
        train = split_scores(copy, "train", values, spread)
        ap = np.where(spread.alive[:, None], np.nan_to_num(train.ap, nan=-1.0), -1.0)
        chosen = ap.argmax(0)
        columns = copy.columns("test", neuron_ids(copy, chosen)).float().numpy()[order]
        sign = np.where(train.low[chosen, np.arange(len(chosen))], -1, 1)
        bests = [UntrainedBest(float(ap[c, i]), columns[:, i] * sign[i]) for i, c in enumerate(chosen)]
        best = [max(pair, key=lambda b: b.train_ap) for pair in zip(best, bests, strict=True)] if best else bests
    return tuple(best)
