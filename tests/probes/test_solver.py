"""The solver against scikit-learn, against its own optimality conditions, and against tricky inputs."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from neurosieve.probes import block_curvature, curvature, quadratic, solver
from neurosieve.probes.probe import KKT_TARGET
from neurosieve.probes.solver import Solution, null_gradient, one_hot, solve
from neurosieve.threads import torch_threads

GRID = [(rows, neurons, classes) for rows in (80, 300) for neurons in (5, 60) for classes in (2, 4)]


def problem(rows: int, neurons: int, classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, neurons)) @ (np.eye(neurons) + 0.4 * rng.normal(size=(neurons, neurons)))
    label = np.concatenate(
        [np.arange(classes), (x[:, :classes] + rng.normal(size=(rows, classes))).argmax(1)[classes:]]
    )
    x = (x - x.mean(0)) / x.std(0)
    features = torch.tensor(x.T.copy(), dtype=torch.float64)
    return features, one_hot(torch.tensor(label), classes, features), label


def plain_violation(x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, b: torch.Tensor, l1: float, l2: float) -> float:
    """The KKT conditions from their textbook form, one coordinate at a time."""
    rows = x.shape[1]
    p = torch.softmax(w.T @ x + b[:, None], 0)
    worst = float(((p - y).sum(1) / rows).abs().max())
    for j in range(w.shape[0]):
        for c in range(w.shape[1]):
            slope = float((x[j] * (p[c] - y[c])).sum() / rows + l2 * w[j, c])
            weight = float(w[j, c])
            distance = abs(slope + l1 * np.sign(weight)) if weight else max(0.0, abs(slope) - l1)
            worst = max(worst, distance)
    return worst


@pytest.mark.parametrize("share", [0.3, 0.03, 0.002])
@pytest.mark.parametrize(("rows", "neurons", "classes"), GRID)
def test_agrees_with_scikit_learn(rows: int, neurons: int, classes: int, share: float) -> None:
    x, y, label = problem(rows, neurons, classes)
    lam = share * 2 * null_gradient(x, y)
    ours = solve(x.float(), y.float(), lam / 2, lam / 2, KKT_TARGET * lam / share)
    # With two classes scikit-learn fits one vector w = W_1 − W_0 = 2 W_1: |W|₁ = |w|, but |W|² = w²/2.
    l2 = lam / 4 if classes == 2 else lam / 2
    total = lam / 2 + l2
    theirs = LogisticRegression(solver="saga", C=1 / (rows * total), l1_ratio=lam / 2 / total, tol=1e-8, max_iter=20000)
    theirs.fit(x.T.numpy(), label)
    p = torch.softmax(ours.weights.T @ x.float() + ours.intercept[:, None], 0).T.numpy()
    np.testing.assert_allclose(p, theirs.predict_proba(x.T.numpy()), atol=1e-3)


@pytest.mark.parametrize("share", [0.5, 0.05, 0.001])
@pytest.mark.parametrize(("rows", "neurons", "classes"), GRID)
def test_meets_its_optimality_conditions(rows: int, neurons: int, classes: int, share: float) -> None:
    x, y, _ = problem(rows, neurons, classes, seed=1)
    lam_max = 2 * null_gradient(x, y)
    found = solve(x, y, share * lam_max / 2, share * lam_max / 2, 1e-6 * lam_max)
    plain = plain_violation(x, y, found.weights, found.intercept, share * lam_max / 2, share * lam_max / 2)
    assert found.violation == pytest.approx(plain, abs=1e-9)
    assert plain <= 1e-6 * lam_max


def test_all_weights_vanish_from_lambda_max_on_and_not_below() -> None:
    x, y, _ = problem(200, 20, 3)
    l1 = null_gradient(x, y)
    assert not solve(x, y, l1 * 1.0001, l1, 1e-8).weights.any()
    assert solve(x, y, l1 * 0.99, l1, 1e-8).weights.any()


def test_the_start_does_not_move_the_solution() -> None:
    x, y, _ = problem(200, 30, 3)
    l1 = 0.02 * null_gradient(x, y)
    cold = solve(x, y, l1, l1, 1e-8)
    noise = torch.randn(30, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    start = Solution(noise, torch.ones(3).double())
    warm = solve(x, y, l1, l1, 1e-8, start)
    torch.testing.assert_close(cold.weights, warm.weights, atol=1e-5, rtol=0)


@pytest.mark.parametrize("neurons", [3, 29, 30, 45])
def test_a_neighbours_solution_and_hessian_serve_as_start(neurons: int) -> None:
    x, y, _ = problem(200, 45, 3)
    l1 = 0.02 * null_gradient(x, y)
    before = solve(x[:30], y, 2 * l1, l1, 1e-8)
    warm = solve(x[:neurons], y, l1, l1, 1e-8, before.resized(neurons))
    cold = solve(x[:neurons], y, l1, l1, 1e-8)
    assert warm.violation <= 1e-8
    torch.testing.assert_close(cold.weights, warm.weights, atol=1e-5, rtol=0)


def places_in(chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The neuron and the class of each coordinate that is chosen."""
    neurons, classes = chosen.nonzero(as_tuple=True)
    return neurons, classes


def plain_hessian(x: torch.Tensor, coords: list[tuple[int, int]], p: torch.Tensor) -> torch.Tensor:
    """One entry after the other; intercepts are those of neuron -1."""
    ones = torch.ones(x.shape[1], dtype=x.dtype)
    h = torch.empty(len(coords), len(coords), dtype=x.dtype)
    for i, (j, c) in enumerate(coords):
        for k, (m, d) in enumerate(coords):
            left, right = (ones if n < 0 else x[n] for n in (j, m))
            h[i, k] = (left * right * p[c] * (float(c == d) - p[d])).mean()
    return h


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("chunk", [7, 1000])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("small", [0, curvature.SMALL])
def test_hessian_entry_by_entry_and_extended(
    share: float, chunk: int, outputs: int, small: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curvature, "CHUNK", chunk)
    monkeypatch.setattr(curvature, "SMALL", small)
    x, _, _ = problem(50, 8, 3)
    generator = torch.Generator().manual_seed(3)
    p = torch.softmax(torch.randn(3, 50, generator=generator, dtype=torch.float64), 0)[:outputs]
    thresholds = torch.tensor([0.6, share])[:, None, None]
    wanted, had = (torch.rand(2, 8, outputs, generator=generator) < thresholds).unbind()
    coords, other = ((m.nonzero()[:, 0], m.nonzero()[:, 1]) for m in (wanted, had))
    old = curvature.curvature_at(x, other, p)
    expected = plain_hessian(x, [(-1, c) for c in range(outputs)] + wanted.nonzero().tolist(), p)
    for start in (None, old):
        found = curvature.curvature_at(x, coords, p, start)
        assert found.matrix is not None
        torch.testing.assert_close(found.matrix, expected)
        assert found.largest <= float(torch.linalg.eigvalsh(expected)[-1]) * (1 + 1e-9)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("dense", [0, 1000])
def test_hessian_of_one_class_and_products_agree_with_all_entries(
    outputs: int, dense: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curvature, "dense_limit", lambda *_: dense)
    x, _, _ = problem(60, 7, 3)
    generator = torch.Generator().manual_seed(3)
    p = torch.softmax(torch.randn(3, 60, generator=generator, dtype=torch.float64), 0)[:outputs]
    chosen = torch.rand(7, outputs, generator=generator) < 0.7
    expected = plain_hessian(x, [(-1, c) for c in range(outputs)] + chosen.nonzero().tolist(), p)
    found = curvature.curvature_at(x, places_in(chosen), p)
    v = torch.randn(len(expected), generator=generator, dtype=torch.float64)
    torch.testing.assert_close(found.apply(v), expected @ v)
    for c in range(outputs):
        own = (found.cls == c).nonzero()[:, 0]
        torch.testing.assert_close(found.block(own), expected[own][:, own])


@pytest.mark.parametrize("count", [1, 50, 399, 400, 1000])
@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("sharpness", [0.1, 5.0, 40.0])
def test_drawn_rows_stand_for_all(count: int, classes: int, sharpness: float) -> None:
    z = sharpness * torch.randn(4, 400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p = torch.softmax(z, 0)[:classes]
    rows = curvature.draw_rows(p, count)
    assert (rows.index is None) == (count >= 400)
    assert abs(len(rows.root) - min(count, 400)) <= 1
    assert float(rows.root.min()) >= 1
    openness = (p * (1 - p)).sum(0)[None]
    longest = float((rows.columns(openness) * rows.root**2).max())  # a row more or less is what rounding may cost
    assert float((rows.columns(openness) * rows.root**2).sum()) == pytest.approx(float(openness.sum()), abs=longest)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("dense", [0, 1000])
@pytest.mark.parametrize("share", [0.3, 0.005])
def test_few_rows_in_the_hessian_do_not_move_the_solution(
    share: float, dense: int, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, _ = problem(300, 40, classes)
    l1 = share * null_gradient(x, y)
    plain = solve(x, y, l1, l1, 1e-8)
    monkeypatch.setattr(curvature, "dense_limit", lambda *_: dense)
    monkeypatch.setattr(curvature, "LEAST_ROWS", 30)
    monkeypatch.setattr(curvature, "ROWS", 1)
    drawn = solve(x, y, l1, l1, 1e-8)
    assert drawn.violation <= 1e-8
    torch.testing.assert_close(drawn.weights, plain.weights, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("alone", "threads"), [(float("inf"), 1), (0.0, 2)])
def test_small_problems_are_solved_by_one_thread(alone: float, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    plain = curvature.curvature_at

    def watched(*given: Any) -> curvature.Curvature:
        used.append(torch.get_num_threads())
        return plain(*given)

    monkeypatch.setattr(solver, "ALONE", alone)
    monkeypatch.setattr(solver, "curvature_at", watched)
    x, y, _ = problem(80, 5, 3)
    with torch_threads(2):
        solve(x, y, 0.01, 0.01, 1e-6)
        assert torch.get_num_threads() == 2
    assert set(used) == {threads}


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("dense", [0, 1000])
@pytest.mark.parametrize("l1", [0.1, 0.01])
def test_solutions_on_the_support_meet_the_conditions_of_the_quadratic(
    l1: float, dense: int, outputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curvature, "dense_limit", lambda *_: dense)
    monkeypatch.setattr(quadratic, "DIRECT", 5)
    x, _, _ = problem(80, 12, 3)
    generator = torch.Generator().manual_seed(1)
    p = torch.softmax(torch.randn(3, 80, generator=generator, dtype=torch.float64), 0)[:outputs]
    h = curvature.curvature_at(x, places_in(torch.ones(12, outputs)), p)
    slope, old = 0.1 * torch.randn(2, len(h.code), generator=generator, dtype=torch.float64)
    slope[:outputs] -= slope[:outputs].mean() * (outputs > 1)  # else intercepts have no optimum
    w = quadratic.solve_quadratic(h, slope, old, (l1, l1), 1e-7)
    gradient = slope + h.apply(w - old) + l1 * (w - old)
    gradient[:outputs] -= l1 * (w - old)[:outputs]
    inside = torch.where(w != 0, (gradient + l1 * w.sign()).abs(), (gradient.abs() - l1).clamp_min(0))
    assert float(inside[outputs:].max()) <= 1e-6
    assert float(gradient[:outputs].abs().max()) <= 1e-6


def test_applied_hessian_equals_the_formed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, _ = problem(150, 40, 4)
    l1 = 0.01 * null_gradient(x, y)
    formed = solve(x, y, l1, l1, 1e-8)
    monkeypatch.setattr(curvature, "dense_limit", lambda *_: 0)
    applied = solve(x, y, l1, l1, 1e-8)
    torch.testing.assert_close(formed.weights, applied.weights, atol=1e-5, rtol=0)


def test_blocks_are_those_of_the_hessian_and_are_extended() -> None:
    x, _, _ = problem(60, 9, 3)
    generator = torch.Generator().manual_seed(3)
    p = torch.softmax(torch.randn(3, 60, generator=generator, dtype=torch.float64), 0)
    wanted, had = torch.rand(2, 9, 3, generator=generator) < 0.6
    whole = curvature.curvature_at(x, places_in(wanted), p)
    old = block_curvature.block_curvature_at(x, places_in(had), p)
    v = torch.randn(len(whole.code), generator=generator, dtype=torch.float64)
    same = whole.cls[:, None] == whole.cls
    assert whole.matrix is not None
    expected = torch.where(same, block_curvature.SCALE * whole.matrix, 0.0)
    for start in (None, old):
        found = block_curvature.block_curvature_at(x, places_in(wanted), p, start)
        assert torch.equal(found.code, whole.code)
        assert all(torch.equal(a, b) for a, b in zip(found.coords, whole.coords, strict=True))
        torch.testing.assert_close(found.apply(v), expected @ v)
        own = (whole.cls == 1).nonzero()[1:, 0]
        torch.testing.assert_close(found.block(own), expected[own][:, own])
        assert found.largest <= float(torch.linalg.eigvalsh(expected)[-1]) * (1 + 1e-9)


@pytest.mark.parametrize("share", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("signal", [True, False])
@pytest.mark.parametrize("drawn", [30, 2000])
def test_blocks_give_the_same_solution(
    drawn: int, share: float, monkeypatch: pytest.MonkeyPatch, *, signal: bool
) -> None:
    x, y, label = problem(300, 60, 4)
    if not signal:
        y = one_hot(torch.from_numpy(np.random.default_rng(1).permutation(label)), 4, x)
    lam_max = 2 * null_gradient(x, y)
    asked = (share * lam_max / 2, share * lam_max / 2, 1e-8 * lam_max)
    plain = solve(x, y, *asked)
    monkeypatch.setattr(solver, "MANY", 0)
    monkeypatch.setattr(curvature, "LEAST_ROWS", drawn)
    by_blocks = solve(x, y, *asked)
    assert max(by_blocks.violation, plain.violation) <= asked[2]
    torch.testing.assert_close(by_blocks.weights, plain.weights, atol=1e-4, rtol=0)


def test_where_blocks_are_too_little_the_whole_hessian_is_formed(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, _ = problem(300, 60, 4)
    monkeypatch.setattr(solver, "MANY", 0)
    monkeypatch.setattr(solver, "MAX_STALLED_BLOCKS", 0)
    monkeypatch.setattr(block_curvature, "SCALE", 1e4)  # tiny steps
    l1 = 0.001 * null_gradient(x, y)
    found = solve(x, y, l1, l1, 1e-8)
    assert found.violation <= 1e-8
    assert isinstance(found.curvature, curvature.Curvature)


@pytest.mark.parametrize("kind", ["separable", "constant", "duplicate", "one_neuron", "rare_class"])
def test_hard_inputs_still_converge(kind: str) -> None:
    x, y, label = problem(120, 12, 3)
    if kind == "separable":
        x[:3] = 3 * y
    if kind == "constant":
        x[2] = 0
    if kind == "duplicate":
        x[5] = x[4]
    if kind == "one_neuron":
        x = x[:1]
    if kind == "rare_class":
        label = np.where(np.arange(120) < 118, label % 2, 2)
        y = one_hot(torch.tensor(label), 3, x)
    lam_max = 2 * null_gradient(x, y)
    found = solve(x, y, 5e-4 * lam_max, 5e-4 * lam_max, 1e-4 * lam_max)
    assert found.violation <= 1e-4 * lam_max
    assert bool(torch.isfinite(found.weights).all())
    if kind == "duplicate":
        torch.testing.assert_close(found.weights[4], found.weights[5], atol=2e-2, rtol=0)
    if kind == "constant":
        assert not found.weights[2].any()
