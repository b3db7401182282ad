"""The rule of a claim, for any figures: it asks for lower bounds, and a lead that is large or half of the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.concepts.neurons.bounds import (
    ABOVE_RIVAL,
    AP,
    AUROC,
    Q,
    lacking_above,
    lacking_by_bounds,
    lacking_by_score,
    lacking_on_train,
)
from neurosieve.concepts.neurons.resampling import Difference, Measured

SHARES = st.floats(0, 1)


def measured(ap: tuple[float, float, float] | None, auroc: tuple[float, float, float] | None) -> Measured:
    """Lower bound, score, upper bound of both; None without an interval."""
    none = np.empty(0)
    ends = [part and (part[0], part[2]) for part in (ap, auroc)]
    return Measured(ap[1] if ap else 0.9, auroc[1] if auroc else 0.95, none, none, ends[0], ends[1])


ORDERED = st.tuples(SHARES, SHARES, SHARES).map(lambda t: (min(t), sorted(t)[1], max(t)))


@given(ap=ORDERED, auroc=ORDERED)
def test_lower_bounds_decide(ap: tuple[float, float, float], auroc: tuple[float, float, float]) -> None:
    why = lacking_by_bounds(measured(ap, auroc), "")
    assert (not why) == (ap[0] >= AP and auroc[0] >= AUROC)
    assert why.startswith(("AP ", "AUROC ")) or not why


@given(lead=SHARES, low=st.floats(-1, 1), half=st.floats(-1, 1))
def test_a_lead_is_large_or_half_of_what_is_left(lead: float, low: float, half: float) -> None:
    why = lacking_above(Difference(lead, (low, 1.0), half), "shape")
    assert (not why) == (low > 0 and (low >= ABOVE_RIVAL or half >= 0))
    assert not why or "shape" in why


@given(better=st.floats(0, 0.5))
def test_more_never_takes_a_claim_away(better: float) -> None:
    """A neuron that is called stays so with higher bounds."""
    assert not lacking_by_bounds(measured((min(1.0, AP + better), 1.0, 1.0), (min(1.0, AUROC + better), 1.0, 1.0)), "")
    assert not lacking_above(Difference(1.0, (ABOVE_RIVAL + better, 1.0), -1.0), "column")
    assert not lacking_above(Difference(1.0, (1e-9 + better / 10, 1.0), better), "column")


@pytest.mark.parametrize("part", [(None, (0.95, 0.96, 0.97)), ((0.9, 0.92, 0.95), None)])
def test_without_an_interval_nothing_is_claimed(
    part: tuple[tuple[float, float, float] | None, tuple[float, float, float] | None],
) -> None:
    assert lacking_by_bounds(measured(*part), "") == "not measured: all resamples of files are equal"
    reason = "all test rows are of one file"
    assert lacking_by_bounds(measured(*part), reason) == f"not measured: {reason}"
    assert lacking_above(None, "lookup").startswith("not measured: ")


@given(ap=SHARES, auroc=SHARES, q=SHARES, rival=SHARES)
def test_scores_alone_come_first(ap: float, auroc: float, q: float, rival: float) -> None:
    """What fails by its scores fails by their lower bounds too; on train the scores are all there is."""
    assert (not lacking_on_train(ap, auroc, q)) == (ap >= AP and auroc >= AUROC and q <= Q)
    assert (not lacking_by_score(ap, auroc, "file-part", rival)) == (ap >= AP and auroc >= AUROC and ap > rival)
    assert lacking_on_train(1.0, 1.0, float("nan"))
