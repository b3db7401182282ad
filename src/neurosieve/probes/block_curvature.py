"""The Hessian of many coordinates, without what couples the classes: one block for each class.

With random labels thousands of weights are not zero. Forming the Hessian takes rows × coordinates², and one class at a
time a share 1/classes of that. A step in which the classes do not know of each other is a worse one, so that four times
as many are needed; each is cheap, as gradients are exact and the blocks serve for many steps. Solving one class at a
time is the way of glmnet (Friedman, Hastie & Tibshirani 2010, "Regularization paths for generalized linear models via
coordinate descent", section 4).
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.probes.curvature import Curvature, curvature_at

# Where a row wavers between two classes, the Hessian is twice its blocks in one direction and nothing in the other: a
# step by the blocks alone would go back and forth.
SCALE = 1.5
ROWS = 8.0  # drawn for each coordinate of a class


@dataclass(frozen=True)
class BlockCurvature:
    """`SCALE` times the Hessian's blocks on the diagonal, each a Hessian of one output: p(1 − p) of the class.

    Attributes:
        code: (neuron + 1) · classes + class of each coordinate, ascending, intercepts first, shape [coords].
        blocks: One for each class.
    """

    code: Int[Tensor, " coords"]
    blocks: tuple[Curvature, ...]
    serves = 2.0  # the violation may double in a step before they are formed anew
    enter = 0.5

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.blocks)

    @property
    def whole(self) -> bool:
        """Whether it was formed on all rows."""
        return all(block.whole for block in self.blocks)

    @property
    def cls(self) -> Int[Tensor, " coords"]:
        """Class of each coordinate."""
        return self.code % self.classes

    @property
    def coords(self) -> tuple[Int[Tensor, " some"], Int[Tensor, " some"]]:
        """Neurons and classes, without the intercepts."""
        return self.code[self.classes :] // self.classes - 1, self.cls[self.classes :]

    @cached_property
    def places(self) -> tuple[Int[Tensor, " some"], ...]:
        """Where the coordinates of each class are."""
        return tuple((self.cls == c).nonzero()[:, 0] for c in range(self.classes))

    def apply(self, v: Float[Tensor, " coords"]) -> Float[Tensor, " coords"]:
        """Its product with a vector in the order of `code`."""
        result = torch.empty_like(v)
        for place, block in zip(self.places, self.blocks, strict=True):
            result[place] = block.apply(v[place])
        return SCALE * result

    def block(self, some: Int[Tensor, " some"]) -> Float[Tensor, "some some"]:
        """The part for some coordinates of one class."""
        c = int(self.cls[some[0]])
        return SCALE * self.blocks[c].block(torch.searchsorted(self.places[c], some))

    @cached_property
    def largest(self) -> float:
        """About its largest eigenvalue, from below."""
        return SCALE * max(block.largest for block in self.blocks)


def block_curvature_at(
    x: Float[Tensor, "neurons rows"],
    coords: tuple[Int[Tensor, " some"], Int[Tensor, " some"]],
    p: Float[Tensor, "classes rows"],
    old: BlockCurvature | None = None,
    count: float = float("inf"),
) -> BlockCurvature:
    """The blocks on `coords` (neurons and classes, ascending) and the intercepts.

    Args:
        x: Features.
        coords: The working set.
        p: Probabilities now; not used where `old` is given.
        old: Blocks of the same features in the same order: their entries, rows and probabilities are taken over.
        count: About so many rows are drawn for each class, in proportion to p(1 − p) of it.
    """
    neuron, cls = coords
    blocks = []
    for c in range(len(p)):
        mine = neuron[cls == c]
        known = None if old is None else old.blocks[c]
        blocks.append(curvature_at(x, (mine, torch.zeros_like(mine)), p[c : c + 1], known, count))
    code = torch.cat([torch.arange(len(p), device=p.device), (neuron + 1) * len(p) + cls])
    return BlockCurvature(code, tuple(blocks))
