"""Edits: what is done to some neurons of one layer, or to a whole layer, while a model runs.

An edit says nothing of models or positions. `live` hands it rows, the values of a layer at the chosen positions, and
puts back what it makes of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, overload

import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.errors import ConfigError
from neurosieve.interventions.leace import Eraser
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId


class RowSource(Protocol):
    """Rows that edits take values from: `Activations` in memory, or `TrainRows`."""

    def columns(self, layer: int, indices: Sequence[int] | None = None) -> Float[Tensor, "rows neurons"]:
        """The values of some neurons of a layer."""


Action = Callable[[Float[Tensor, "rows width"]], Float[Tensor, "rows width"]]


Neurons = Iterable[tuple[int, int]]  # (layer, index)


@dataclass(frozen=True, eq=False)
class Edit(ABC):
    """One change of one layer.

    Attributes:
        layer: Of the site at which the model is edited.
    """

    layer: int

    @abstractmethod
    def action(self, width: int, device: torch.device) -> Action:
        """What the edit does to rows, given the layer's width; each call starts its random draws again.

        An action gives new rows of the same dtype and leaves those that it gets alone.

        Raises:
            ConfigError: The layer has not such neurons, or not that many.
        """


@dataclass(frozen=True, eq=False)
class _OfNeurons(Edit):
    """An edit of chosen neurons, `indices` in the layer."""

    indices: tuple[int, ...]

    def columns(self, width: int, device: torch.device) -> Tensor:
        """The neurons' places in rows of the layer's width."""
        wrong = [i for i in self.indices if not 0 <= i < width]
        if wrong or len(set(self.indices)) != len(self.indices):
            raise ConfigError(
                f"edit of layer {self.layer}",
                expected=f"each neuron once, indices 0 to {width - 1}",
                got=f"neuron {NeuronId(self.layer, wrong[0])}" if wrong else "a neuron twice",
                remedy="give (layer, index) of the same model and site",
            )
        return torch.tensor(self.indices, dtype=torch.long, device=device)

    def fits(self, count: int, what: str) -> None:
        """Refuse another number of values than of neurons."""
        if count != len(self.indices):
            raise ConfigError(
                f"edit of layer {self.layer}",
                expected=f"{what} for each of its {len(self.indices)} neurons",
                got=str(count),
                remedy="give one a neuron, in the order of the indices",
            )


@dataclass(frozen=True, eq=False)
class Ablate(_OfNeurons):
    """Take away what neurons say: each row gets values drawn from a pool instead.

    Examples:
        >>> study = ns.load("runs/java")
        >>> edits = ns.Ablate.mean(study.minimal_sets[0].neurons, study.rows("train"))
        >>> {edit.layer for edit in edits} == study.minimal_sets[0].neurons.by_layer.keys()
        True

    Attributes:
        pool: Rows to draw from, shape [pool, neurons]; one row is the constant of zero or mean ablation, train rows
            are resampling. A row is drawn as a whole, so that its neurons fit each other.
        seed: Of the draws. Edits of other layers with the same seed and the rows of the same units draw the same units.
    """

    pool: Float[Tensor, "pool neurons"]
    seed: int = 0

    @overload
    @classmethod
    def zero(cls, neurons: int, indices: Sequence[int]) -> "Ablate": ...
    @overload
    @classmethod
    def zero(cls, neurons: Neurons) -> tuple["Ablate", ...]: ...
    @classmethod
    def zero(cls, neurons: int | Neurons, indices: Sequence[int] = ()) -> "Ablate | tuple[Ablate, ...]":
        """Set neurons to 0: an edit a layer; or of a layer and indices in it the one edit."""
        if isinstance(neurons, int):
            return cls(neurons, tuple(indices), torch.zeros(1, len(indices)))
        return tuple(cls.zero(layer, own) for layer, own in NeuronSet(neurons).by_layer.items())

    @classmethod
    def mean(cls, neurons: Neurons, rows: RowSource) -> tuple["Ablate", ...]:
        """Set neurons to their mean over rows, of train where the edit is to be measured: an edit a layer.

        Raises:
            ConfigError: A neuron of which there are no rows.
            DataError: Rows of pairs.
        """
        return tuple(
            cls(edit.layer, edit.indices, edit.pool.mean(0, keepdim=True)) for edit in cls.resample(neurons, rows)
        )

    @classmethod
    def resample(cls, neurons: Neurons, rows: RowSource, seed: int = 0) -> tuple["Ablate", ...]:
        """Give neurons their values in rows drawn again for each token: an edit a layer.

        Raises:
            ConfigError: A neuron of which there are no rows.
            DataError: Rows of pairs.
        """
        layers = NeuronSet(neurons).by_layer.items()
        return tuple(cls(layer, indices, rows.columns(layer, indices), seed) for layer, indices in layers)

    def action(self, width: int, device: torch.device) -> Action:
        """See `Edit`."""
        columns, pool = self.columns(width, device), self.pool.to(device)
        self.fits(pool.shape[1], "a value")
        if not len(pool):
            raise ConfigError(
                f"edit of layer {self.layer}", expected="a pool of rows", got="none", remedy="pass train rows"
            )
        generator = torch.Generator().manual_seed(self.seed)

        def ablate(rows: Tensor) -> Tensor:
            drawn = torch.randint(len(pool), (len(rows),), generator=generator).to(device)
            return _put(rows, columns, pool[drawn])

        return ablate


@dataclass(frozen=True, eq=False)
class Clamp(_OfNeurons):
    """Hold neurons at given values, shape [neurons], whatever the model computes.

    Examples:
        >>> rows = ns.load("runs/java").rows("train")
        >>> edits = ns.Clamp.quantile([(0, 3), (2, 5)], rows, 0.99)
        >>> [(edit.layer, edit.indices) for edit in edits]
        [(0, (3,)), (2, (5,))]
    """

    values: Float[Tensor, " neurons"]

    @classmethod
    def quantile(cls, neurons: Neurons, rows: RowSource, quantile: float) -> tuple["Clamp", ...]:
        """Hold each neuron at a quantile of its own values in rows, 0 to 1: an edit a layer.

        Raises:
            ConfigError: A neuron of which there are no rows.
            DataError: Rows of pairs.
        """
        layers = NeuronSet(neurons).by_layer.items()
        return tuple(cls(layer, own, rows.columns(layer, own).quantile(quantile, 0)) for layer, own in layers)

    def action(self, width: int, device: torch.device) -> Action:
        """See `Edit`."""
        columns, values = self.columns(width, device), self.values.to(device)
        self.fits(len(values), "a value")
        return lambda rows: _put(rows, columns, values)


@dataclass(frozen=True, eq=False)
class Scale(_OfNeurons):
    """Multiply neurons by `factor`.

    Examples:
        >>> model = ns.load_model("neurosieve/decoder")
        >>> ids = model.tokenizer("x = 1", return_tensors="pt")["input_ids"]
        >>> with ns.live(model, ns.Scale.by([(1, 3), (2, 5)], 0.5)):
        ...     states = model.states(ids, ids * 0 + 1)
    """

    factor: float

    @classmethod
    def by(cls, neurons: Neurons, factor: float) -> tuple["Scale", ...]:
        """The same factor for neurons of any layers: an edit a layer."""
        return tuple(cls(layer, indices, factor) for layer, indices in NeuronSet(neurons).by_layer.items())

    def action(self, width: int, device: torch.device) -> Action:
        """See `Edit`."""
        columns = self.columns(width, device)
        return lambda rows: _put(rows, columns, rows[:, columns] * self.factor)


@dataclass(frozen=True, eq=False)
class Patch(_OfNeurons):
    """Give neurons the values that they had on another input, shape [rows, neurons].

    One row for each position that is edited in a forward pass, sequence by sequence; one row alone goes to all.

    Examples:
        >>> rows = ns.load("runs/java").rows("train")
        >>> patch = ns.Patch(2, (3, 5), values=rows.columns(2, (3, 5))[:1])
    """

    values: Float[Tensor, "rows neurons"]

    def action(self, width: int, device: torch.device) -> Action:
        """See `Edit`; the action itself raises where the positions are not as many as the values."""
        columns, values = self.columns(width, device), self.values.to(device)
        self.fits(values.shape[1], "a value")

        def patch(rows: Tensor) -> Tensor:
            if len(values) not in (1, len(rows)):
                raise ConfigError(
                    f"patch of layer {self.layer}",
                    expected=f"{len(rows)} rows, one for each position that is edited, or 1 for all",
                    got=str(len(values)),
                    remedy="choose as many positions as were recorded",
                )
            return _put(rows, columns, values)

        return patch


@dataclass(frozen=True, eq=False)
class Within(Edit):
    """Do an edit of neurons only where each is inside a range of its own activation; elsewhere leave it as it is.

    Examples:
        >>> import torch
        >>> edit = ns.Ablate.zero(2, (3, 5))
        >>> inside = ns.Within(edit, low=torch.tensor([0.5, -1.0]), high=torch.tensor([2.0, float("inf")]))
        >>> inside.layer
        2

    Attributes:
        edit: Of chosen neurons.
        low: Where the range of each neuron begins, shape [neurons]; −∞ for no lower end.
        high: Where it ends, the end included, shape [neurons].
    """

    layer: int = field(init=False)
    edit: Ablate | Clamp | Scale | Patch
    low: Float[Tensor, " neurons"]
    high: Float[Tensor, " neurons"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layer", self.edit.layer)

    def action(self, width: int, device: torch.device) -> Action:
        """See `Edit`.

        Raises:
            ConfigError: A range that is empty, or not one a neuron.
        """
        self.edit.fits(len(self.low), "a range")
        self.edit.fits(len(self.high), "a range")
        columns, act = self.edit.columns(width, device), self.edit.action(width, device)
        for index, low, high in zip(self.edit.indices, self.low.tolist(), self.high.tolist(), strict=True):
            if not low <= high:
                raise ConfigError(
                    f"range of neuron {NeuronId(self.layer, index)}",
                    expected="a lower end that is not above the upper one",
                    got=f"{low:g} to {high:g}, which is empty",
                    remedy="give the lower end first",
                )
        begin, end = self.low.to(device), self.high.to(device)

        def within(rows: Tensor) -> Tensor:
            own = rows[:, columns]
            inside = (own.float() >= begin) & (own.float() <= end)
            return _put(rows, columns, torch.where(inside, act(rows)[:, columns], own))

        return within


@dataclass(frozen=True, eq=False)
class Steer(Edit):
    """Add `alpha` · `direction`, shape [width], to the whole layer.

    Examples:
        >>> rows = ns.load("runs/java").rows("train")
        >>> layer, is_first = rows.columns(2), rows.label == 0  # rows.labels[0] is its name
        >>> steer = ns.Steer(2, layer[is_first].mean(0) - layer[~is_first].mean(0), alpha=2.0)
    """

    direction: Float[Tensor, " width"]
    alpha: float

    def action(self, width: int, device: torch.device) -> Action:
        """See `Edit`."""
        _check_width(self.layer, "a direction", len(self.direction), width)
        step = self.alpha * self.direction.to(device)
        return lambda rows: rows + step.to(rows.dtype)


@dataclass(frozen=True, eq=False)
class Erase(Edit):
    """Take a concept out of the whole layer by its eraser.

    Examples:
        >>> from neurosieve.interventions import fit_eraser
        >>> rows = ns.load("runs/java").rows("train")
        >>> erase = ns.Erase(2, fit_eraser(rows.columns(2), rows.label, len(rows.labels)))
    """

    eraser: Eraser

    def action(self, width: int, device: torch.device) -> Action:
        """See `Edit`."""
        _check_width(self.layer, "an eraser", len(self.eraser.mean), width)
        return self.eraser.to(device).apply


def _put(rows: Tensor, columns: Tensor, values: Tensor) -> Tensor:
    changed = rows.clone()
    changed[:, columns] = values.to(rows.dtype)
    return changed


def _check_width(layer: int, what: str, got: int, width: int) -> None:
    if got != width:
        raise ConfigError(
            f"edit of layer {layer}",
            expected=f"{what} of the layer's width, {width}",
            got=str(got),
            remedy="fit it on values of the same model and site",
        )
