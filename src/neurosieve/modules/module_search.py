"""The smallest module of one label: METHOD's search on its one-vs-rest score on validation, with random modules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from neurosieve.modules.one_label import Module, module_of
from neurosieve.probes.features import SelectionData
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.probe import Oracle, Probe, fit_oracle
from neurosieve.rankings import RANKERS
from neurosieve.redundancy import SetSearch
from neurosieve.redundancy.minimal_set import Select
from neurosieve.typing import Scores

REST, OWN = 0, 1  # classes of a one-vs-rest probe


@dataclass(frozen=True)
class ModuleRule:
    """How modules are sought.

    Attributes:
        delta: One-vs-rest score that a module may lose on validation, as a share.
        select: `point` or `safe`; see `SetSearch`.
        draws: Random modules to compare with.
        path: Values of λ for the probe on all neurons.
        seed: Of random orders.
    """

    delta: float
    select: Select
    draws: int
    path: int
    seed: int


@dataclass(frozen=True, eq=False)
class FittedModule:
    """A module before the test split is opened.

    Attributes:
        module: Calibrated on validation.
        validation: Its one-vs-rest score there.
        within: The rule holds; where not even all neurons are within delta, the module has all of them.
        converged: Of its probe.
        random: Modules of as many neurons, each drawn anew.
        random_sizes: Neurons that random orders need by the same rule.
    """

    module: Module
    validation: float
    within: bool
    converged: bool
    random: tuple[Module, ...]
    random_sizes: tuple[int, ...]


def one_vs_rest(data: SelectionData, number: int) -> SelectionData:
    """The same rows, whose classes are the rest (0) and one label (1)."""
    label = (data.label.cpu().numpy() == number).astype(np.int64)
    return replace(data.relabelled(label, (data.label_validation == number).astype(np.int64)), classes=2)


def told_apart(predicted: Int[np.ndarray, " rows"], label: Int[np.ndarray, " rows"], number: int) -> Scores:
    """Which rows a probe of all labels tells rightly from the rest, or as the rest."""
    scores: Scores = (predicted == number) == (label == number)
    return scores


def fit_module(
    data: SelectionData, label: str, bootstrap: ClusterBootstrap, rule: ModuleRule, reference: Scores | None = None
) -> FittedModule:
    """The smallest module within delta.

    Args:
        data: Classes are the rest and the label; see `one_vs_rest`.
        label: Its name.
        bootstrap: Over validation clusters.
        rule: Of the search.
        reference: One-vs-rest scores on validation rows that it is held against; by default those of the label's own
            probe on all neurons.
    """
    oracle = fit_oracle(data, rule.path)
    search = SetSearch(data, oracle, RANKERS["lca"](data, oracle, rule.seed), bootstrap, reference)
    found = search.smallest(rule.delta, rule.select)
    size = len(data.neurons) if found is None else found
    probe = search.probe(size)
    module = _calibrated(data, label, probe)
    drawn = list(_random_orders(data, oracle, bootstrap, rule, reference))
    return FittedModule(
        module=module,
        validation=probe.validation,
        within=found is not None,
        converged=probe.converged,
        random=tuple(_calibrated(data, label, order.probe(size)) for order in drawn),
        random_sizes=tuple(order.smallest(rule.delta, rule.select) or len(data.neurons) for order in drawn),
    )


def _random_orders(
    data: SelectionData, oracle: Oracle, bootstrap: ClusterBootstrap, rule: ModuleRule, reference: Scores | None
) -> Sequence[SetSearch]:
    orders = [RANKERS["random"](data, oracle, rule.seed + 1 + i) for i in range(rule.draws)]
    return [SetSearch(data, oracle, order, bootstrap, reference, every=False) for order in orders]


def _calibrated(data: SelectionData, label: str, probe: Probe) -> Module:
    """A one-vs-rest probe as a module whose scores are log-odds by validation rows."""
    outputs = probe.outputs(data.x_validation).double().cpu().numpy()
    module = module_of(label, probe, data.scaler, OWN, REST)
    return module.calibrated(outputs[OWN] - outputs[REST], data.label_validation == OWN)
