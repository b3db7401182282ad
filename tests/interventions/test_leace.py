"""Concept erasure by its properties: nothing linear is left, and no smaller change does it."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from neurosieve.errors import DataError
from neurosieve.interventions import Eraser, EraserFitter, fit_eraser
from neurosieve.probes.archive import Archive
from neurosieve.storage.folder import Folder
from tests.tiny import assert_one_line

ROWS, WIDTH, CLASSES = 600, 12, 3


def drawn(seed: int = 0, rank: int = WIDTH) -> tuple[torch.Tensor, np.ndarray]:
    """Correlated values of which the label moves the mean, in `rank` directions, far from the origin."""
    rng = np.random.default_rng(seed)
    label = rng.choice(CLASSES, ROWS, p=[0.5, 0.3, 0.2])
    inner = (
        rng.standard_normal((ROWS, rank)) * rng.uniform(0.3, 2, rank) + 2 * rng.standard_normal((CLASSES, rank))[label]
    )
    mixed = inner @ rng.standard_normal((rank, WIDTH))
    return torch.from_numpy(mixed + 5), label


def fitted(x: torch.Tensor, label: np.ndarray) -> EraserFitter:
    fitter = EraserFitter(x.shape[1], CLASSES)
    fitter.update(x, label)
    return fitter


def cross(x: torch.Tensor, label: np.ndarray) -> np.ndarray:
    one_hot = np.eye(CLASSES)[label]
    covariance: np.ndarray = (x.numpy() - x.numpy().mean(0)).T @ (one_hot - one_hot.mean(0)) / len(x)
    return covariance


def accuracy(x: torch.Tensor, label: np.ndarray) -> float:
    """Of a linear classifier on the rows that it was fitted on."""
    white = (x - x.mean(0)) / x.std(0).clamp_min(1e-9)
    return float(LogisticRegression(C=10.0, max_iter=2000).fit(white.numpy(), label).score(white.numpy(), label))


def changed(eraser: Eraser, x: torch.Tensor) -> np.ndarray:
    moved: np.ndarray = (eraser.apply(x) - x).numpy()
    return moved


@pytest.mark.parametrize("rank", [WIDTH, 5])
def test_nothing_linear_is_left(rank: int) -> None:
    """Neither covariance nor a classifier better than the majority, both of which were there; the mean stays."""
    x, label = drawn(rank=rank)
    eraser = fit_eraser(x, label, CLASSES)
    erased = eraser.apply(x)
    majority = float(np.bincount(label).max() / ROWS)
    assert eraser.rank == CLASSES - 1
    assert np.abs(cross(x, label)).max() > 0.3
    assert np.abs(cross(erased, label)).max() < 1e-10
    assert accuracy(x, label) > majority + 0.2
    assert accuracy(erased, label) <= majority
    torch.testing.assert_close(erased.mean(0), x.mean(0))
    torch.testing.assert_close(eraser.apply(erased), erased)


def test_random_directions_leave_it_readable() -> None:
    """As many directions go, of as much whitened variance, but the concept stays."""
    x, label = drawn()
    fitter = fitted(x, label)
    eraser, majority = fitter.result(), float(np.bincount(label).max() / ROWS)
    white = torch.from_numpy(np.linalg.inv(scipy.linalg.sqrtm(np.cov(x.numpy().T, bias=True)).real))
    for seed in range(5):
        control = fitter.control(eraser.rank, seed)
        assert control.rank == eraser.rank
        assert accuracy(control.apply(x), label) > majority + 0.1
        sizes = [float((torch.from_numpy(changed(e, x)) @ white).square().sum(1).mean()) for e in (control, eraser)]
        np.testing.assert_allclose(sizes, eraser.rank)
        assert torch.equal(control.left, fitter.control(eraser.rank, seed).left)
    assert not torch.equal(fitter.control(2, 0).left, fitter.control(2, 1).left)


def test_closed_form() -> None:
    """Equation 1 with SciPy's square root and pseudo-inverses."""
    x, label = drawn(3)
    mean, sigma = x.numpy().mean(0), np.cov(x.numpy().T, bias=True)
    w = np.linalg.inv(scipy.linalg.sqrtm(sigma).real)
    target = w @ cross(x, label)
    projection = target @ np.linalg.pinv(target, rcond=1e-10)
    expected = x.numpy() - (x.numpy() - mean) @ (np.linalg.inv(w) @ projection @ w).T
    np.testing.assert_allclose(fit_eraser(x, label, CLASSES).apply(x).numpy(), expected, atol=1e-9)


def test_smallest_change() -> None:
    """Every other affine map that leaves no covariance moves the rows more, in any inner product."""
    x, label = drawn(1)
    eraser, centred = fit_eraser(x, label, CLASSES), (x - x.mean(0)).numpy()
    rng = np.random.default_rng(0)
    own, rest = cross(x, label), scipy.linalg.null_space(cross(x, label).T)
    basis = scipy.linalg.orth(own, rcond=1e-8)
    others = [basis @ basis.T]  # the orthogonal projection
    for scale in (0.05, 0.5, 2.0):
        # All projections along the columns of Σ_xz: kernel the same, image any complement.
        others.append(basis @ (basis.T + scale * rng.standard_normal((basis.shape[1], rest.shape[1])) @ rest.T))
    inner = rng.standard_normal((WIDTH, WIDTH))
    norms = [np.eye(WIDTH), np.linalg.inv(np.cov(x.numpy().T, bias=True)), inner @ inner.T]
    for other in others:
        moved = -centred @ other.T
        assert np.abs(cross(x + torch.from_numpy(moved), label)).max() < 1e-9
        for norm in norms:
            mine, theirs = (np.einsum("ij,jk,ik->i", m, norm, m).mean() for m in (changed(eraser, x), moved))
            assert mine < theirs


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, ROWS), max_size=4), parts=st.integers(1, 3))
def test_streamed_and_merged_as_in_one_batch(seed: int, cuts: list[int], parts: int) -> None:
    x, label = drawn(seed)
    bounds = [0, *sorted(cuts), ROWS]
    fitters = [EraserFitter(WIDTH, CLASSES) for _ in range(parts)]
    for i, (a, b) in enumerate(pairwise(bounds)):
        fitters[i % parts].update(x[a:b], label[a:b])
    for other in fitters[1:]:
        fitters[0].merge(other)
    one, streamed = fit_eraser(x, label, CLASSES), fitters[0].result()
    assert streamed.rows == ROWS
    # Rounding is enlarged by the condition of the drawn covariance.
    torch.testing.assert_close(streamed.apply(x), one.apply(x), rtol=0, atol=1e-6 * float(x.abs().max()))


def test_directions_without_variance_stay() -> None:
    """Rank-deficient values: what is constant is left alone, up to the rounding of float32 values."""
    x, label = drawn(rank=4)
    wide = torch.cat([x, torch.full((ROWS, 2), 7.0), x[:, :3] @ torch.ones(3, 2, dtype=torch.float64)], 1)
    eraser = fit_eraser(wide.float(), label, CLASSES)
    came = eraser.apply(wide.float())
    assert eraser.rank == CLASSES - 1
    torch.testing.assert_close(came[:, WIDTH : WIDTH + 2], wide[:, WIDTH : WIDTH + 2].float())
    assert np.abs(cross(came.double(), label)).max() < 1e-5
    torch.testing.assert_close(
        eraser.apply(wide)[:, :WIDTH], fit_eraser(x, label, CLASSES).apply(x), rtol=1e-3, atol=1e-3
    )


def test_neurons_of_very_different_size() -> None:
    """What is erased is the same in other units: a few huge neurons do not make rounding of the others."""
    x, label = drawn(2)
    units = 10.0 ** torch.linspace(-4, 4, WIDTH, dtype=torch.float64)
    came = fit_eraser(x * units, label, CLASSES).apply(x * units) / units
    torch.testing.assert_close(came, fit_eraser(x, label, CLASSES).apply(x), rtol=1e-6, atol=1e-6)


def test_rounding_is_no_direction() -> None:
    """A layer norm's output varies in one direction fewer than it has neurons, but for the rounding of float32."""
    x, label = drawn(4)
    normed = torch.nn.functional.layer_norm(x.float(), (WIDTH,))
    fitter = fitted(normed, label)
    with pytest.raises(DataError, match=f"1 to {WIDTH - 1}"):
        fitter.control(WIDTH, 0)
    assert np.abs(cross(fitter.result().apply(normed).double(), label)).max() < 1e-6


def test_class_that_no_row_has() -> None:
    x, label = drawn()
    label = np.minimum(label, 1)
    eraser = fit_eraser(x, label, 5)
    assert eraser.rank == 1
    torch.testing.assert_close(eraser.apply(x), fit_eraser(x, label, 2).apply(x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision(dtype: torch.dtype) -> None:
    """Computed in float32; the result is rounded once."""
    x, label = drawn()
    eraser = fit_eraser(x, label, CLASSES)
    came = eraser.apply(x.to(dtype))
    assert came.dtype == dtype
    torch.testing.assert_close(
        came, eraser.apply(x.to(dtype).double()).to(dtype), rtol=torch.finfo(dtype).eps * 2, atol=1e-4
    )


def test_files(tmp_path: Any) -> None:
    x, label = drawn()
    eraser = fit_eraser(x, label, CLASSES)
    eraser.archive().save(Folder(tmp_path), "eraser")
    read = Eraser.from_archive(Archive.load(Folder(tmp_path), "eraser"))
    assert (read.rank, read.rows) == (2, ROWS)
    assert torch.equal(read.apply(x), eraser.apply(x))


WRONG: dict[str, tuple[Any, tuple[str, ...]]] = {
    "one class": (lambda: fit_eraser(torch.randn(9, 4), np.zeros(9, dtype=np.int64), 2), ("two classes",)),
    "one of one": (lambda: fit_eraser(torch.randn(9, 4), np.zeros(9, dtype=np.int64), 1), ("two classes",)),
    "no rows": (lambda: EraserFitter(4, 2).result(), ("at least 1 row",)),
    "label beyond": (lambda: fit_eraser(torch.randn(3, 4), np.array([0, 1, 2]), 2), ("0 to 1", "0 to 2")),
    "label below": (lambda: fit_eraser(torch.randn(3, 4), np.array([0, 1, -1]), 2), ("-1 to 1",)),
    "fewer labels": (lambda: fit_eraser(torch.randn(3, 4), np.array([0, 1]), 2), ("each of 3 rows", "got 2")),
    "inf": (lambda: fit_eraser(torch.full((3, 4), torch.inf), np.array([0, 1, 1]), 2), ("finite",)),
    "another width": (lambda: EraserFitter(5, 2).update(torch.randn(3, 4), np.array([0, 1, 1])), ("columns",)),
    "other classes": (lambda: EraserFitter(5, 2).merge(EraserFitter(5, 3)), ("the same",)),
    "rank": (lambda: fitted(*drawn(rank=5)).control(6, 0), ("rank of 1 to 5", "got 6")),
    "no rank": (lambda: fitted(*drawn()).control(0, 0), ("got 0",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_erased(case: str) -> None:
    call, parts = WRONG[case]
    with pytest.raises(DataError) as caught:
        call()
    assert_one_line(caught.value, *parts)


@pytest.mark.parametrize("boost", [0.05, 1.0, 8.0])
def test_controls_like_an_eraser(boost: float) -> None:
    """They move rows about as far, whether the concept lies where these vary much or little, and leave it alone."""
    rng = np.random.default_rng(0)
    x, label = rng.normal(size=(2000, 40)) * np.exp(rng.normal(size=40)), (rng.random(2000) < 0.3).astype(np.int64)
    x[:, 3] += label * boost
    values = torch.from_numpy(x @ np.linalg.qr(rng.normal(size=(40, 40)))[0])
    fitter = EraserFitter(40, 2)
    fitter.update(values, label)
    eraser = fitter.result()
    moved = float(((values - eraser.apply(values)) ** 2).sum(1).mean())
    assert eraser.moved == pytest.approx(moved)
    gap = values[label == 1].mean(0) - values[label == 0].mean(0)
    for control in fitter.controls(eraser.rank, 20, seed=3, like=eraser):
        left = control.apply(values)
        assert 0.5 < float(((values - left) ** 2).sum(1).mean()) / moved < 2
        torch.testing.assert_close(left[label == 1].mean(0) - left[label == 0].mean(0), gap)
    with pytest.raises(DataError, match="a rank of 1 to 39, got 40"):
        fitter.control(40, 0, like=eraser)
