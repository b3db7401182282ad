"""Feed-forward units and attention heads that chosen neurons do not need, taken out of the blocks.

What is left gives what the whole network gives with the others at zero (seen on a few tokens each time). How much a
unit moves the chosen neurons is measured to first order, by the gradient of their values with respect to a factor on
the unit: with random signs r, E (∂ r·v / ∂ factor)² is the sum of squares of what the values v lose without it
(Hutchinson 1990, Communications in Statistics 19). Gradients are read; the weights take no step along them.
"""

import contextlib
import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurosieve.compact.cut_network import ChosenNeurons, sample_ids
from neurosieve.compact.token_batches import TokenBatch
from neurosieve.errors import ModelError
from neurosieve.models.code_model import CodeModel
from neurosieve.models.inner_parts import Branch, inner_parts
from neurosieve.models.trial import relative_distance

DRAWS = 4  # of random signs for each batch
_TOLERANCE = 1e-4  # of float32, relative to the largest value of a layer
_WIDTHS = ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "hidden_dim")  # what configs call the units of a block
Few = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Removable:
    """The branches of a model's first blocks from which something can be taken.

    Attributes:
        model: It stays as it is.
        branches: Each unlike all others.
        block: Of each branch.
        units: Which of the branches hold feed-forward units; the others hold heads.
    """

    model: CodeModel
    branches: tuple[Branch, ...]
    block: tuple[int, ...]
    units: tuple[bool, ...]

    @staticmethod
    def of(model: CodeModel, blocks: int, *, heads: bool = True) -> "Removable":
        """Those of the first blocks that pass a trial.

        Args:
            model: Read at either site. Feed-forward units that are neurons themselves stay.
            blocks: How many blocks.
            heads: Heads may go, too.

        Raises:
            ModelError: There are none.
        """
        found: list[tuple[Any, int, bool]] = []
        for block, inner in enumerate(inner_parts(model, blocks)):
            found += [(inner.units, block, True)] if inner.units and model.site == "hidden" else []
            found += [(inner.heads, block, False)] if inner.heads and heads else []
        for kinds in ({True, False}, {True}, {False}):
            own = [one for one in found if one[2] in kinds]
            branches, blocks_of = tuple(branch for branch, _, _ in own), tuple(block for _, block, _ in own)
            part = Removable(model, branches, blocks_of, tuple(units for _, _, units in own))
            if own and part.holds():
                return part
        raise ModelError(
            f"blocks of {model.name}",
            expected="feed-forward units or heads that can be taken out",
            got=f"none that are known in the family {model.adapter.family!r}",
            remedy="leave --smaller out",
        )

    def holds(self) -> bool:
        """Does taking every other one out give what a zero in its place gives?"""
        kept = tuple(tuple(range(0, branch.count, 2)) for branch in self.branches)
        try:
            self.without(kept)
        except (ModelError, RuntimeError):
            return False
        return True

    @property
    def weights(self) -> int:
        """All that can be taken out."""
        return sum(branch.weights * branch.count for branch in self.branches)

    def without(self, kept: Few) -> CodeModel:
        """The model with some of each branch alone; it shares all other weights.

        Args:
            kept: Of each branch, ascending, at least one.

        Raises:
            ModelError: The family computes something else then.
        """
        memo: dict[int, Any] = {id(p): p for p in self.model.network.parameters()}
        small = replace(self.model, network=copy.deepcopy(self.model.network, memo))
        for branch, some in zip(self.recounted(small), kept, strict=True):
            branch.keep(some)
        _tell_width(small, self)
        self._check_same(small, kept)
        return small

    def seen_by(self, model: CodeModel) -> "Removable":
        """The same branches of another model of these blocks."""
        return Removable(model, self.recounted(model), self.block, self.units)

    def recounted(self, model: CodeModel) -> tuple[Branch, ...]:
        """The same branches of a copy."""
        found: Any = inner_parts(model, max(self.block) + 1)
        return tuple(
            found[b].units if units else found[b].heads for b, units in zip(self.block, self.units, strict=True)
        )

    def _check_same(self, small: CodeModel, kept: Few) -> None:
        ids = sample_ids(self.model)
        mask = torch.ones_like(ids)
        with self.zeroed(kept):
            there = self.model.states(ids, mask)
        for layer, (was, now) in enumerate(zip(there, small.states(ids, mask), strict=True)):
            far = relative_distance(was, now)
            if not far <= _TOLERANCE:
                raise ModelError(
                    f"network of {self.model.name}",
                    expected="what it gives with units and heads at zero, once they are taken out",
                    got=f"layer {layer} that differs by {far:.1e} of its largest value",
                    remedy="leave --smaller out",
                )

    @contextlib.contextmanager
    def zeroed(self, kept: Few) -> Iterator[None]:
        """The model with all others at zero."""
        factors = []
        for branch, some in zip(self.branches, kept, strict=True):
            factor = torch.zeros(1, branch.count)
            factor[:, list(some)] = 1
            factors.append(factor)
        with _multiplied(self.branches, factors, self.model.device):
            yield

    def effects(self, chosen: ChosenNeurons, batches: Iterable[TokenBatch]) -> list[Float[np.ndarray, " some"]]:
        """How much the chosen neurons would move without each unit or head, one array a branch.

        Args:
            chosen: Of the same model.
            batches: Tokens.

        Returns:
            Sums over tokens and neurons of squared first-order changes, in standard deviations of each neuron.
        """
        totals = [torch.zeros(branch.count, dtype=torch.float64) for branch in self.branches]
        for batch in batches:
            factors = [torch.ones(len(batch.ids), b.count, requires_grad=True) for b in self.branches]
            with torch.enable_grad(), _multiplied(self.branches, factors, self.model.device):
                given = [None if x is None else torch.from_numpy(x) for x in (batch.ids, batch.mask, batch.types)]
                states = self.model.tracked_states(*given)  # type: ignore[arg-type]
                values = chosen.of_states(states)[batch.row, batch.place]
                values = values / values.detach().std(0).clamp_min(1e-6)
            rng = torch.Generator().manual_seed(0)
            for _ in range(DRAWS):
                signs = 2.0 * torch.randint(0, 2, values.shape, generator=rng) - 1
                moved = (values * signs.to(values.device)).sum()
                if not moved.requires_grad:  # embeddings, which no block moves
                    break
                grads = torch.autograd.grad(moved, factors, retain_graph=True, allow_unused=True)
                for total, grad in zip(totals, grads, strict=True):
                    if grad is not None:
                        total += grad.double().square().sum(0)
        return [total.numpy() / DRAWS for total in totals]


def least_needed(parts: Removable, effects: Sequence[np.ndarray], share: float, *, equal: bool) -> Few:
    """What stays when those go whose effect is least for the weights that they take.

    Args:
        parts: The branches.
        effects: Of each.
        share: Of their weights that goes, at most.
        equal: As many of each branch, so that all blocks have one width.
    """
    if equal:
        gone = [int(share * branch.count) for branch in parts.branches]
    else:
        price = [effect / branch.weights for effect, branch in zip(effects, parts.branches, strict=True)]
        owner = np.repeat(np.arange(len(price)), [len(p) for p in price])
        order = np.argsort(np.concatenate(price), kind="stable")
        spent = np.cumsum(np.array([branch.weights for branch in parts.branches])[owner[order]])
        gone = np.bincount(owner[order[spent <= share * parts.weights]], minlength=len(price)).tolist()
    return tuple(
        tuple(sorted(np.argsort(effect, kind="stable")[min(n, len(effect) - 1) :].tolist()))
        for effect, n in zip(effects, gone, strict=True)
    )


@contextlib.contextmanager
def _multiplied(branches: Sequence[Branch], factors: Sequence[Tensor], device: torch.device) -> Iterator[None]:
    """Multiply what each branch gives by a factor for each text (or for all) and unit, during a call."""

    def hook(branch: Branch, factor: Tensor) -> Any:
        def act(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            given: Tensor = args[0]
            wide = factor.to(device).repeat_interleave(given.shape[-1] // branch.count, dim=-1)
            by_text = given.reshape(len(wide), -1, given.shape[-1])  # some families put all tokens into one row
            return (by_text * wide[:, None]).reshape(given.shape), *args[1:]

        return act

    with contextlib.ExitStack() as closing:
        for branch, factor in zip(branches, factors, strict=True):
            closing.callback(branch.reads.register_forward_pre_hook(hook(branch, factor)).remove)
        yield


def _tell_width(small: CodeModel, parts: Removable) -> None:
    """Have the config say how many units a block has, where all of the blocks looked at have as many."""
    widths = {branch.count for branch, units in zip(parts.recounted(small), parts.units, strict=True) if units}
    config = small.adapter.text_config(small.network.config)
    key = next((key for key in _WIDTHS if hasattr(config, key)), None)
    if len(widths) == 1 and key:
        setattr(config, key, widths.pop())
