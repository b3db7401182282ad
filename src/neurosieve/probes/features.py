"""Standardised features of the train and validation splits; dead neurons named and left out."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.activations.store import Activations
from neurosieve.errors import DataError
from neurosieve.typing import NeuronId

_DEAD = 1e-8


@dataclass(frozen=True)
class Scaler:
    """What train says of each live neuron.

    Attributes:
        column: Columns of the activations that are alive, shape [neurons].
        neurons: Their (layer, index), shape [neurons, 2].
        mean: Train mean, shape [neurons].
        scale: Train standard deviation, shape [neurons].
        dead: Ids of the others: train variance at most 1e-8 of their layer's median variance.
    """

    column: Int[np.ndarray, " neurons"]
    neurons: Int[np.ndarray, "neurons 2"]
    mean: Float[Tensor, " neurons"]
    scale: Float[Tensor, " neurons"]
    dead: tuple[NeuronId, ...]

    def apply(self, values: Float[Tensor, "rows columns"]) -> Float[Tensor, "neurons rows"]:
        """Standardised features, one neuron a row."""
        x = values[:, torch.from_numpy(self.column)].T.contiguous()
        return x.sub_(self.mean[:, None]).div_(self.scale[:, None])

    def columns(self, feature: Int[np.ndarray, " some"]) -> "Scaler":
        """The scaler of some of the live neurons."""
        index = torch.from_numpy(feature)
        return replace(
            self,
            column=self.column[feature],
            neurons=self.neurons[feature],
            mean=self.mean[index],
            scale=self.scale[index],
        )


def fit_scaler(train: Activations) -> Scaler:
    """Mean and spread of the live neurons.

    Raises:
        DataError: Values that are not finite, or no live neuron.
    """
    variance, mean = torch.var_mean(train.values, 0, correction=0)
    if not bool(torch.isfinite(variance).all()):
        bad = train.neuron(int((~torch.isfinite(variance)).nonzero()[0]))
        raise DataError(
            f"neuron {bad}", expected="finite activations", got="inf or nan", remedy="extract with --precision float32"
        )
    layer = torch.from_numpy(train.neurons[:, 0])
    alive = torch.zeros(len(layer), dtype=torch.bool)
    for number in np.unique(train.neurons[:, 0]):
        here = layer == int(number)
        alive[here] = variance[here] > _DEAD * variance[here].median()
    column = alive.nonzero()[:, 0].numpy()
    if not len(column):
        raise DataError(
            "activations", expected="neurons that vary over train rows", got="none", remedy="check the model's weights"
        )
    dead = tuple(train.neuron(int(i)) for i in (~alive).nonzero()[:, 0])
    return Scaler(column, train.neurons[column], mean[alive], variance[alive].sqrt(), dead)


@dataclass(frozen=True)
class SelectionData:
    """All that rankers, selectors and the lambda search may see: train and validation, never test.

    Attributes:
        scaler: Fitted on train.
        x: Train features, shape [neurons, rows].
        label: Train classes, shape [rows].
        x_validation: Validation features, shape [neurons, rows].
        label_validation: Validation classes, shape [rows].
        group_validation: Cluster of each validation row, shape [rows].
        text: The train units' own characters, shape [rows].
        text_validation: Those of validation, shape [rows].
        classes: Number of classes.
    """

    scaler: Scaler
    x: Float[Tensor, "neurons rows"]
    label: Int[Tensor, " rows"]
    x_validation: Float[Tensor, "neurons validation"]
    label_validation: Int[np.ndarray, " validation"]
    group_validation: np.ndarray
    text: np.ndarray
    text_validation: np.ndarray
    classes: int

    @property
    def neurons(self) -> Int[np.ndarray, "neurons 2"]:
        """(layer, index) of each feature row."""
        return self.scaler.neurons

    def columns(self, feature: Int[np.ndarray, " some"]) -> "SelectionData":
        """The same rows with some neurons only."""
        index = torch.from_numpy(feature).to(self.x.device)
        x, x_validation = (values.index_select(0, index) for values in (self.x, self.x_validation))
        return replace(self, scaler=self.scaler.columns(feature), x=x, x_validation=x_validation)

    def relabelled(
        self, label: Int[np.ndarray, " rows"], validation: Int[np.ndarray, " validation"]
    ) -> "SelectionData":
        """The same features with other classes."""
        return replace(self, label=torch.from_numpy(label).to(self.x.device), label_validation=validation)

    def rows(self, train: Bool[np.ndarray, " rows"], validation: Bool[np.ndarray, " validation"]) -> "SelectionData":
        """Some rows only, standardised as before."""
        here, there = (torch.from_numpy(np.flatnonzero(m)).to(self.x.device) for m in (train, validation))
        return replace(
            self,
            x=self.x.index_select(1, here),
            label=self.label[here],
            text=self.text[train],
            x_validation=self.x_validation.index_select(1, there),
            label_validation=self.label_validation[validation],
            group_validation=self.group_validation[validation],
            text_validation=self.text_validation[validation],
        )


def selection_data(train: Activations, validation: Activations, device: str | torch.device = "cpu") -> SelectionData:
    """Standardise both splits with train statistics and put them on a device."""
    scaler = fit_scaler(train)
    return SelectionData(
        scaler,
        scaler.apply(train.values).to(device),
        torch.from_numpy(train.label).to(device),
        scaler.apply(validation.values).to(device),
        validation.label,
        validation.group,
        train.text,
        validation.text,
        len(train.labels),
    )
