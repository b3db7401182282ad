"""Standardised features of the train and validation splits; dead neurons named and left out."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from neurosieve.activations.store import Activations
from neurosieve.data.dataset import are_values
from neurosieve.errors import DataError
from neurosieve.probes.solver import one_hot
from neurosieve.statistics.live import live_neurons, mean_and_variance
from neurosieve.typing import NeuronId


def feature_rows(neuron: Int[np.ndarray, " some"], copies: int) -> Int[np.ndarray, " more"]:
    """Rows of the features of some neurons: a neuron's own row, or those of its copies, which are adjacent."""
    return (neuron[:, None] * copies + np.arange(copies)).ravel()


@dataclass(frozen=True)
class Scaler:
    """Statistics of each live neuron on train.

    A neuron has one feature, or for pairs two (`copies`); `features` = neurons · copies.

    Attributes:
        column: Columns of the activations that are alive, shape [features].
        neurons: The (layer, index) of the neurons, shape [neurons, 2].
        mean: Train mean, shape [features].
        scale: Train standard deviation, shape [features].
        dead: Ids of the others: train variance at most 1e-8 of their layer's median variance, in every copy.
        target: Mean and standard deviation of train labels that are values; None for classes.
    """

    column: Int[np.ndarray, " features"]
    neurons: Int[np.ndarray, "neurons 2"]
    mean: Float[Tensor, " features"]
    scale: Float[Tensor, " features"]
    dead: tuple[NeuronId, ...]
    target: tuple[float, float] | None = None

    @property
    def copies(self) -> int:
        """Features of a neuron."""
        return len(self.column) // len(self.neurons) if len(self.neurons) else 1

    def apply(self, values: Float[Tensor, "rows columns"]) -> Float[Tensor, "features rows"]:
        """Standardised features, one a row."""
        x = values[:, torch.from_numpy(self.column)].T.contiguous()
        return x.sub_(self.mean[:, None]).div_(self.scale[:, None])

    def labels(self, label: Num[np.ndarray, " rows"]) -> Num[np.ndarray, " rows"]:
        """Values standardised by train; class numbers as they are."""
        if self.target is None:
            return label
        mean, deviation = self.target
        return (label - mean) / deviation

    def columns(self, neuron: Int[np.ndarray, " some"]) -> "Scaler":
        """The scaler of some of the live neurons."""
        feature = feature_rows(neuron, self.copies)
        index = torch.from_numpy(feature)
        return replace(
            self,
            column=self.column[feature],
            neurons=self.neurons[neuron],
            mean=self.mean[index],
            scale=self.scale[index],
        )


def fit_scaler(train: Activations) -> Scaler:
    """Mean and spread of the live neurons.

    Raises:
        DataError: Values that are not finite, no live neuron, or labels that are values and all the same.
    """
    copies = train.values.shape[1] // max(len(train.neurons), 1)
    mean, variance = mean_and_variance([train.values])
    kinds = variance.view(-1, copies).T.numpy()
    varies = np.stack([live_neurons(kind, train.neurons) for kind in kinds], 1)
    alive = varies.any(1)
    neuron = np.flatnonzero(alive)
    if not len(neuron):
        raise DataError(
            "activations", expected="neurons that vary over train rows", got="none", remedy="check the model's weights"
        )
    column = feature_rows(neuron, copies)
    # A constant copy of a live neuron stays, as zeros.
    scale = torch.where(torch.from_numpy(varies.ravel()), variance.sqrt(), 1.0).float()[torch.from_numpy(column)]
    dead = tuple(train.neuron(int(i)) for i in np.flatnonzero(~alive))
    target = _target(train.label) if are_values(train.label) else None
    return Scaler(column, train.neurons[neuron], mean.float()[torch.from_numpy(column)], scale, dead, target)


def _target(value: Float[np.ndarray, " rows"]) -> tuple[float, float]:
    mean, deviation = float(value.mean()), float(value.std())
    if not deviation > 1e-12 * abs(mean):  # less is rounding
        raise DataError(
            "labels of train rows", expected="values that differ", got=f"{mean:g} alone", remedy="check --label-column"
        )
    return mean, deviation


@dataclass(frozen=True)
class SelectionData:
    """All that rankers, selectors and the lambda search may see: train and validation, never test.

    Where units are pairs, a neuron has two features, |u − v| and u · v, and both count for it.

    Attributes:
        scaler: Fitted on train.
        x: Train features, shape [features, rows]; those of one neuron are adjacent.
        label: Train classes, or standardised values, shape [rows].
        x_validation: Validation features, shape [features, rows].
        label_validation: Validation classes, or values standardised by train, shape [rows].
        group_validation: Cluster of each validation row, shape [rows].
        text: The train units' own characters, shape [rows].
        text_validation: Those of validation, shape [rows].
        classes: Number of classes; 1 for values.
        gradients: |value| · |gradient| of the model's own loss at each train unit, shape [features, rows]; None where
            nobody asked for them.
    """

    scaler: Scaler
    x: Float[Tensor, "features rows"]
    label: Num[Tensor, " rows"]
    x_validation: Float[Tensor, "features validation"]
    label_validation: Num[np.ndarray, " validation"]
    group_validation: np.ndarray
    text: np.ndarray
    text_validation: np.ndarray
    classes: int
    gradients: Float[Tensor, "features rows"] | None = None

    @property
    def neurons(self) -> Int[np.ndarray, "neurons 2"]:
        """(layer, index) of each live neuron."""
        return self.scaler.neurons

    @property
    def copies(self) -> int:
        """Features of a neuron."""
        return len(self.x) // len(self.neurons) if len(self.neurons) else 1

    @property
    def target(self) -> Float[Tensor, "columns rows"]:
        """What a probe is fitted to: an indicator row for each class, or the values."""
        return self.label[None] if self.label.is_floating_point() else one_hot(self.label, self.classes, self.x)

    def features(self, neuron: Int[np.ndarray, " some"]) -> Float[Tensor, "features rows"]:
        """Train features of some neurons; without a copy where these are all of them in order."""
        rows = feature_rows(neuron, self.copies)
        if len(rows) == len(self.x) and bool((rows == np.arange(len(rows))).all()):
            return self.x
        return self.x.index_select(0, torch.from_numpy(rows).to(self.x.device))

    def columns(self, neuron: Int[np.ndarray, " some"]) -> "SelectionData":
        """The same rows with some neurons only."""
        index = torch.from_numpy(feature_rows(neuron, self.copies)).to(self.x.device)
        x, x_validation = (values.index_select(0, index) for values in (self.x, self.x_validation))
        gradients = None if self.gradients is None else self.gradients.index_select(0, index)
        return replace(self, scaler=self.scaler.columns(neuron), x=x, x_validation=x_validation, gradients=gradients)

    def with_gradients(self, rows: Activations) -> "SelectionData":
        """The same with the gradients of its train rows, read as `rankings.gradients` does."""
        values = rows.values[:, torch.from_numpy(self.scaler.column)].T.contiguous()
        return replace(self, gradients=values.to(self.x))

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
            gradients=None if self.gradients is None else self.gradients.index_select(1, here),
            x_validation=self.x_validation.index_select(1, there),
            label_validation=self.label_validation[validation],
            group_validation=self.group_validation[validation],
            text_validation=self.text_validation[validation],
        )


def selection_data(train: Activations, validation: Activations, device: str | torch.device = "cpu") -> SelectionData:
    """Standardise both splits with train statistics and put them on a device."""
    scaler = fit_scaler(train)
    label = torch.from_numpy(scaler.labels(train.label)).to(device)
    return SelectionData(
        scaler,
        scaler.apply(train.values).to(device),
        label.float() if scaler.target else label,
        scaler.apply(validation.values).to(device),
        scaler.labels(validation.label),
        validation.group,
        train.text,
        validation.text,
        len(train.labels),
    )
