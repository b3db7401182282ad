"""The quadratic with an l1 term that a Newton step minimises: first-order steps, and conjugate gradients in between."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.probes.block_curvature import BlockCurvature
from neurosieve.probes.curvature import Curvature

MAX_INNER = 2000
MAX_ROUNDS = 10
MAX_CONJUGATE = 50
DIRECT = 40  # so many first-order steps, then a solution on the support


def solve_quadratic(
    h: Curvature | BlockCurvature,
    slope: Float[Tensor, " coords"],
    old: Float[Tensor, " coords"],
    penalty: tuple[float, float],
    accuracy: float,
) -> Float[Tensor, " coords"]:
    """argmin_w slope'(w − old) + (w − old)'(H + l2)(w − old)/2 + l1·|w|₁, intercepts first and free of penalty.

    Small problems spend their time on calls, not on arithmetic: whatever is the same in each step is done before.

    Args:
        h: The Hessian of the loss.
        slope: Gradient at `old`, that of the squares included.
        old: Where the quadratic touches the loss.
        penalty: l1 and l2.
        accuracy: The largest violation of an optimality condition that is left.
    """
    l1, l2 = penalty
    free = h.classes
    rate = 1.05 * (h.largest + l2) + 1e-12
    shrink = torch.full_like(old, l1 / rate)
    shrink[:free] = 0
    grow, keep = -shrink, torch.full_like(old, 1 - l2 / rate)
    keep[:free] = 1
    # A gradient step from v is keep·v − Hv / rate + constant.
    constant = (h.apply(old) - slope) / rate + (1 - keep) * old
    w, ahead, momentum = old, old, 1.0
    rounding = torch.finfo(old.dtype).eps * rate / 2
    wait = direct = DIRECT
    for i in range(MAX_INNER):
        target = torch.addcmul(constant, ahead, keep).sub_(h.apply(ahead), alpha=1 / rate)
        new = target - target.clamp(grow, shrink)
        missed = ahead - new
        if i % 10 == 9 and float(missed.abs().max()) * rate <= max(accuracy, rounding * float(new.abs().max())):
            return new
        moved = new - w
        if float(missed @ moved) > 0:  # overshot: restart the momentum
            momentum, ahead = 1.0, new
        else:
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead, momentum = torch.add(new, moved, alpha=(momentum - 1) / following), following
        w = new
        if i >= direct:
            w = ahead = _Face.of(h, slope, old, penalty).solve(w, accuracy)
            momentum = 1.0
            wait *= 4 if w is new else 1  # without success: the signs are not settled yet
            direct = i + wait
    return w


@dataclass(frozen=True)
class _Face:
    """The same problem with the signs of its solution held, which makes it linear.

    First-order steps find the signs soon, but where neurons are alike and λ is small they need thousands more.
    Conjugate gradients need few once the Hessian within each class is factored; of one class that is all of it.
    """

    h: Curvature | BlockCurvature
    slope: Tensor
    old: Tensor
    l1: Tensor
    ridge: Tensor

    @staticmethod
    def of(h: Curvature | BlockCurvature, slope: Tensor, old: Tensor, penalty: tuple[float, float]) -> "_Face":
        free = h.classes
        l1, ridge = (torch.full_like(old, value) for value in penalty)
        l1[:free], ridge[:free] = 0, 1e-6 * h.largest
        return _Face(h, slope, old, l1, ridge)

    def solve(self, w: Tensor, accuracy: float) -> Tensor:
        """The solution with w's signs; w itself where that is no better.

        What would cross zero is left out, and the rest solved again.
        """
        sign, inside = w.sign(), w != 0
        inside[: self.h.classes] = True
        factors = self._factors(inside)
        if factors is None:
            return w
        found = w
        for _ in range(MAX_ROUNDS):
            gradient = self.slope + self.l1 * sign + self._product(found - self.old)
            step = found + self._conjugate(-gradient, inside, factors, accuracy / 2)
            inside = inside & ((self.l1 == 0) | (step * sign > 0))
            crossed = bool((step[~inside] != 0).any())
            found = torch.where(inside, step, 0.0)
            if not crossed:
                break
        return found if self._value(found) < self._value(w) else w

    def _product(self, v: Tensor) -> Tensor:
        return self.h.apply(v) + self.ridge * v

    def _value(self, w: Tensor) -> float:
        move = w - self.old
        return float(self.slope @ move + self._product(move) @ move / 2 + (self.l1 * w.abs()).sum())

    def _factors(self, inside: Bool[Tensor, " coords"]) -> list[tuple[Int[Tensor, " some"], Tensor]] | None:
        """Of each class its coordinates inside, and the Cholesky factor of the Hessian among them."""
        factors = []
        for c in range(self.h.classes):
            some = (inside & (self.h.cls == c)).nonzero()[:, 0]
            block = self.h.block(some)
            block.diagonal().add_(self.ridge[some])
            factor, failed = torch.linalg.cholesky_ex(block)
            if int(failed):
                return None
            factors.append((some, factor))
        return factors

    def _conjugate(
        self, target: Tensor, inside: Tensor, factors: list[tuple[Tensor, Tensor]], accuracy: float
    ) -> Tensor:
        """Solve (H + ridge) v = target on the coordinates inside by preconditioned conjugate gradients from zero."""

        def precondition(r: Tensor) -> Tensor:
            result = torch.zeros_like(r)
            for some, factor in factors:
                result[some] = torch.cholesky_solve(r[some, None], factor)[:, 0]
            return torch.where(inside, result, 0.0)

        left = torch.where(inside, target, 0.0)
        v, direction, before = torch.zeros_like(left), None, 1.0
        for _ in range(MAX_CONJUGATE):
            if float(left.abs().max()) <= accuracy:
                break
            guess = precondition(left)
            size = float(left @ guess)
            direction = guess if direction is None else guess + (size / before) * direction
            ahead = torch.where(inside, self._product(direction), 0.0)
            pace = size / float(direction @ ahead)
            v, left, before = v + pace * direction, left - pace * ahead, size
        return v
