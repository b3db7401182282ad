"""The elastic-net softmax problem, solved to its optimality conditions.

    minimise over W, b:   mean cross-entropy(W'x + b, y) + l1·|W|₁ + l2/2·|W|²_F        (METHOD.md, "Probe")

Of values y the loss is half the mean square (y − W'x − b)², which makes it scikit-learn's elastic net.

Method: proximal Newton (Lee, Sun & Saunders 2014, "Proximal Newton-type methods for minimizing composite functions").
Only coordinates (neuron, class) that are non-zero or violate their optimality condition enter a step; on them the
Hessian is formed (see `curvature`; of very many only its blocks, see `block_curvature`), the quadratic with its l1 term
is solved (see `quadratic`), and a line search guards the step. The Hessian may be that of some of the rows, or an old
one, even that of a neighbouring problem: gradients are always exact, so it only costs steps.
"""

import contextlib
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.probes import block_curvature
from neurosieve.probes import curvature as hessians
from neurosieve.probes.block_curvature import BlockCurvature, block_curvature_at
from neurosieve.probes.curvature import Curvature, curvature_at, dense_limit
from neurosieve.probes.quadratic import solve_quadratic
from neurosieve.threads import torch_threads

MIN_GROWTH = 100
SLOW = 0.7  # a new Hessian that leaves more of the violation than this share had too few rows
# Rows × coordinates² from which the blocks of more than two classes are cheaper than all of the Hessian.
MANY = 2.5e10
KEEP = 1.3  # and its coordinates stay while they are no more than this many times those wanted
INNER = 0.1  # a quadratic is solved to this share of the violation
MAX_STEPS = 100
MAX_STALLED, MAX_STALLED_BLOCKS = 8, 25  # so many steps without gain: rounding, or the blocks, allow no more
ALONE = 2e6  # features up to which one thread is faster than sharing its many small products with others
FEW = 0.3  # up to this share of neurons a copy of theirs is soon made and multiplied


@dataclass(frozen=True)
class Solution:
    """Weights that meet (or do not meet) the optimality conditions.

    Attributes:
        weights: Shape [neurons, classes].
        intercept: Shape [classes], centred.
        violation: Largest violation of a KKT condition, in units of the gradient.
        steps: Newton steps taken.
        curvature: The last Hessian, with which a like problem may begin.
    """

    weights: Float[Tensor, "neurons classes"]
    intercept: Float[Tensor, " classes"]
    violation: float = float("inf")
    steps: int = 0
    curvature: "AnyCurvature | None" = None

    def resized(self, features: int) -> "Solution":
        """A start for the problem on the first `features`: weights cut, or filled with zeros."""
        w = self.weights.new_zeros(features, self.weights.shape[1])
        shared = min(features, len(self.weights))
        w[:shared] = self.weights[:shared]
        return replace(self, weights=w)


def one_hot(label: Int[Tensor, " rows"], classes: int, like: Tensor) -> Float[Tensor, "classes rows"]:
    """Indicator rows of the classes, in the dtype and on the device of `like`."""
    return torch.nn.functional.one_hot(label, classes).T.to(like).contiguous()


def null_gradient(x: Float[Tensor, "neurons rows"], y: Float[Tensor, "classes rows"]) -> float:
    """Largest absolute gradient where all weights are zero and the intercept is fitted: l1 from here on gives W = 0."""
    return _largest(x @ (y.mean(1, keepdim=True) - y).T) / x.shape[1]


def solve(
    x: Float[Tensor, "neurons rows"],
    y: Float[Tensor, "classes rows"],
    l1: float,
    l2: float,
    tolerance: float,
    *starts: Solution,
) -> Solution:
    """Solve the problem above.

    Args:
        x: Standardised features, one neuron a row (so that a working set is a cheap gather).
        y: One-hot labels, or one row of values.
        l1: Weight of the absolute values.
        l2: Weight of the squares.
        tolerance: Stop when no KKT condition is violated by more.
        starts: Of like problems: the best here saves steps, and does not move the solution beyond the tolerance.

    Cost: one pass over `x` a step for the gradient, and rows × coords² for a new Hessian.
    """
    with torch_threads(1) if x.numel() < ALONE else contextlib.nullcontext():
        if len(y) == 1:
            return _solve_values(x, y, l1, l2, tolerance, starts or (Solution(x.new_zeros(len(x), 1), y.mean(1)),))
        starts = starts or (Solution(x.new_zeros(len(x), len(y)), y.mean(1).clamp_min(1e-12).log()),)
        if len(y) == 2:
            return _solve_two(x, y, l1, l2, tolerance, starts)
        return _solve(_Problem(x, y, l1, l2), tolerance, starts)


def _solve_two(x: Tensor, y: Tensor, l1: float, l2: float, tolerance: float, starts: "Starts") -> Solution:
    """Two classes have opposite weights ∓v/2 at the optimum, so that v alone is sought: half the coordinates.

    In v it is a logistic regression with the same l1 and half the l2; its optimality conditions are the same ones.
    """

    def single(start: Solution) -> Solution:
        w, b = (part[..., 1:] - part[..., :1] for part in (start.weights, start.intercept))
        return replace(start, weights=w, intercept=b)

    found = _solve(_Problem(x, y[1:], l1, l2 / 2), tolerance, tuple(map(single, starts)))
    half = torch.tensor([-0.5, 0.5], dtype=x.dtype, device=x.device)
    return replace(found, weights=found.weights * half, intercept=found.intercept * half)


def _solve_values(x: Tensor, y: Tensor, l1: float, l2: float, tolerance: float, starts: "Starts") -> Solution:
    """A quarter of the problem has the Hessian of two classes at even odds, so that curvature needs no second kind."""
    found = _solve(_Squares(x, y, l1 / 4, l2 / 4), tolerance / 4, starts)
    return replace(found, violation=4 * found.violation)


def _solve(problem: "_Problem", tolerance: float, starts: "Starts") -> Solution:
    found = _descend(
        problem, tolerance, starts, (MANY / problem.x.shape[1]) ** 0.5 if len(problem.y) > 2 else float("inf")
    )
    if found.violation > tolerance and isinstance(found.curvature, BlockCurvature):  # the blocks alone were too little
        found = _descend(problem, tolerance, (replace(found, curvature=None),), float("inf"))
    return found


def _descend(problem: "_Problem", tolerance: float, starts: "Starts", many: float) -> Solution:
    """Newton steps from the best start, with blocks in place of the Hessian of more than `many` coordinates."""
    x, y, l1, l2 = problem.x, problem.y, problem.l1, problem.l2
    points = [problem.point(start.weights, start.intercept) for start in starts]
    point, start = min(zip(points, starts, strict=True), key=lambda pair: pair[0].value)
    step, last, curvature = 0, float("inf"), start.curvature
    best, stalled, share, fresh, momentum = float("inf"), 0, 1.0, False, 1.0
    while True:
        p = problem.probabilities(point.z)
        residual = problem.slope(point.z, p) / x.shape[1]
        gradient, gradient_b = x @ residual.T + l2 * point.w, residual.sum(1)
        broken = _violations(gradient, point.w, l1)
        violation = max(_largest(broken), _largest(gradient_b))
        best, stalled = (violation, 0) if violation < 0.9 * best else (best, stalled + 1)
        patience = MAX_STALLED_BLOCKS if isinstance(curvature, BlockCurvature) else MAX_STALLED
        if violation <= tolerance or step >= MAX_STEPS or stalled > patience:
            break
        # The last Hessian serves again while it brings the violation down quickly; that of squares never changes.
        old = curvature if problem.quadratic or (curvature and violation <= curvature.serves * last) else None
        coords = _working_set(broken, point.w, tolerance, old, dense_limit(x, len(y)))
        share, fresh = 2 * share if fresh and violation > SLOW * last else share, old is None
        curvature = problem.curvature(coords, p, old, share, blocks=len(coords[0]) > many)
        slope = torch.cat([gradient_b, gradient[coords]])
        here = torch.cat([point.b, point.w[coords]])
        accuracy = max(INNER * violation, 0.3 * tolerance)
        there = solve_quadratic(curvature, slope, here, (l1, l2), accuracy)
        following = _line_search(problem, point, coords, there - here)
        if following is None and (problem.quadratic or (fresh and curvature.whole)):
            break  # no descent left within rounding
        last = violation if following else 0.0  # an old Hessian that leads nowhere gives way to a new one
        if following and isinstance(curvature, BlockCurvature):
            following, momentum = _extrapolate(problem, point, following, momentum)
        point, step = following or point, step + 1
    centre = point.b.mean() if len(y) > 1 else 0.0
    return Solution(point.w, point.b - centre, violation, step, curvature)


AnyCurvature = Curvature | BlockCurvature
Starts = tuple[Solution, ...]
Coords = tuple[Int[Tensor, " coords"], Int[Tensor, " coords"]]


@dataclass(frozen=True)
class _Point:
    z: Tensor
    w: Tensor
    b: Tensor
    value: float


@dataclass(frozen=True)
class _Problem:
    x: Tensor
    y: Tensor
    l1: float
    l2: float
    quadratic = False

    def probabilities(self, z: Tensor) -> Tensor:
        """Of each class; of the second alone where there are two."""
        return torch.softmax(z, 0) if len(z) > 1 else torch.sigmoid(z)

    def slope(self, z: Tensor, p: Tensor) -> Tensor:  # noqa: ARG002 - of squares it depends on z
        """Derivative of each row's loss by its scores."""
        return p - self.y

    def losses(self, z: Tensor) -> Tensor:
        """Of each row."""
        total = torch.logsumexp(z, 0) if len(z) > 1 else torch.nn.functional.softplus(z[0])
        return total - (z * self.y).sum(0)

    def curvature(
        self, coords: "Coords", p: Tensor, old: "AnyCurvature | None", share: float, *, blocks: bool
    ) -> "AnyCurvature":
        """The Hessian or its blocks, with what an old one of the same kind holds."""
        each = len(coords[0]) / len(self.y)
        if blocks:
            count = share * max(hessians.LEAST_ROWS, block_curvature.ROWS * each)
            return block_curvature_at(self.x, coords, p, old if isinstance(old, BlockCurvature) else None, count)
        count = share * max(hessians.LEAST_ROWS, hessians.ROWS * each)
        return curvature_at(self.x, coords, p, old if isinstance(old, Curvature) else None, count)

    def point(self, w: Tensor, b: Tensor) -> _Point:
        """Weights with their scores z = W'x + b and the objective there."""
        used, x = w.any(1).nonzero()[:, 0], self.x
        z = (w[used].T @ x.index_select(0, used) if len(used) < FEW * len(w) else w.T @ x) + b[:, None]
        return _Point(z, w, b, float(self.losses(z).mean() + self.l1 * w.abs().sum() + self.l2 / 2 * (w * w).sum()))


class _Squares(_Problem):
    """An eighth of the squares (z − y)²."""

    quadratic = True

    def curvature(
        self,
        coords: "Coords",
        p: Tensor,
        old: "AnyCurvature | None",
        share: float,  # noqa: ARG002
        *,
        blocks: bool,
    ) -> "AnyCurvature":
        """Of all rows: it is never formed anew."""
        return super().curvature(coords, p, old, float("inf"), blocks=blocks)

    def probabilities(self, z: Tensor) -> Tensor:
        return torch.full_like(z, 0.5)

    def slope(self, z: Tensor, p: Tensor) -> Tensor:  # noqa: ARG002
        return (z - self.y) / 4

    def losses(self, z: Tensor) -> Tensor:
        return (z[0] - self.y[0]) ** 2 / 8


def _largest(values: Tensor) -> float:
    return float(values.abs().max()) if values.numel() else 0.0


def _violations(gradient: Tensor, w: Tensor, l1: float) -> Tensor:
    return torch.where(w != 0, (gradient + l1 * w.sign()).abs(), (gradient.abs() - l1).clamp_min(0))


def _working_set(broken: Tensor, w: Tensor, tolerance: float, old: AnyCurvature | None, limit: int) -> Coords:
    """The non-zero coordinates and the worst of the others, as many again at most; by neuron, then class.

    What an old Hessian holds besides is kept, unless it is too much.
    """
    chosen = w != 0
    outside = torch.where(chosen, 0.0, broken)
    count = int(chosen.sum())
    enter = old.enter if old else Curvature.enter
    worth = int((outside > max(0.3 * tolerance, enter * _largest(outside))).sum())
    # Growth stops at the size up to which a Hessian is formed, as long as the non-zero ones leave room.
    room = min(worth, max(MIN_GROWTH, min(count, limit - w.shape[1] - count)))
    if room:
        chosen = chosen | (outside >= outside.flatten().topk(room).values[-1])
    if old is not None:
        neuron, cls = old.coords
        here = neuron < len(w)
        more = chosen.clone()
        more[neuron[here], cls[here]] = True
        if int(more.sum()) <= KEEP * int(chosen.sum()):
            chosen = more
    neuron, cls = chosen.nonzero(as_tuple=True)
    return neuron, cls


def _extrapolate(problem: _Problem, before: _Point, point: _Point, momentum: float) -> tuple[_Point, float]:
    """Go on in the direction of the last step, by Nesterov's rule, where that is lower still; and the next momentum.

    A weight that would change its sign becomes zero.
    """
    following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
    share = (momentum - 1) / following
    if not share:
        return point, following
    w = point.w + share * (point.w - before.w)
    trial = problem.point(torch.where(w * point.w > 0, w, 0.0), point.b + share * (point.b - before.b))
    return (trial, following) if trial.value < point.value else (point, 1.0)


def _line_search(problem: _Problem, point: _Point, coords: Coords, move: Tensor) -> _Point | None:
    """Halve the step until the objective does not rise beyond its rounding; None where no step helps."""
    rounding = 100 * torch.finfo(point.z.dtype).eps * abs(point.value)
    free = len(point.b)
    scale = 1.0
    while scale > 1e-4:
        w = point.w.clone()
        w[coords] += scale * move[free:]
        trial = problem.point(w, point.b + scale * move[:free])
        if trial.value <= point.value + rounding:
            return trial
        scale /= 2
    return None
