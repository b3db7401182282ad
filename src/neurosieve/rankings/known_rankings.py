"""The rankings by name. A method is loaded when it is asked for, so that names can be checked without torch."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from neurosieve.errors import ConfigError

if TYPE_CHECKING:
    from neurosieve.rankings.base import Ranker
else:
    Ranker = Any  # loading it loads torch

# The function of each method, in the file `NAME_ranking`.
_FUNCTIONS = {
    "lca": "lca",
    "probeless": "probeless",
    "gaussian": "gaussian",
    "iou": "iou",
    "mutual_information": "mutual_information",
    "lasso": "lasso",
    "ridge": "ridge",
    "gradient": "gradient",
    "token_gradient": "token_gradient",
    "random": "random_order",
}
MODEL_RANKINGS = ("token_gradient",)  # they read the running network, with its language-model head
CLASS_RANKINGS = ("gaussian", "iou")  # what they measure has no meaning for labels that are values


class _Rankers(Mapping[str, Ranker]):
    """Rankings by name, the package's own first: `lca`, `probeless`, …, and what `register_ranking` added."""

    def __init__(self) -> None:
        self.registered: dict[str, Ranker] = {}

    def __getitem__(self, name: str) -> Ranker:
        if name in self.registered:
            return self.registered[name]
        function = _FUNCTIONS[name]
        return getattr(import_module(f"neurosieve.rankings.{name}_ranking"), function)  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return name in _FUNCTIONS or name in self.registered  # without loading what computes it

    def __iter__(self) -> Iterator[str]:
        return iter((*_FUNCTIONS, *self.registered))

    def __len__(self) -> int:
        return len(_FUNCTIONS) + len(self.registered)


RANKERS = _Rankers()


def register_ranking(name: str, ranker: Ranker) -> None:
    """Make an order of neurons of your own known to studies: `--rankings NAME`, in this process.

    A name that was registered before means the new one. `neurosieve.testing.check_ranking` tries an order.

    Examples:
        >>> from neurosieve.rankings import ranked
        >>> def by_place(data, oracle, seed):
        ...     return ranked("by_place", data, [data.neurons[:, 1]], -data.neurons[:, 1])
        >>> ns.register_ranking("by_place", by_place)

    Args:
        name: For options, files and the report: lower-case letters, digits and underscores.
        ranker: See `Ranker`: from `SelectionData` (train and validation alone), the oracle and a seed to a `Ranking`.

    Raises:
        ConfigError: A name of one of the package's own rankings, or one that is no plain word.
    """
    if name in _FUNCTIONS or not (name.isidentifier() and name == name.lower()):
        raise ConfigError(
            f"ranking {name}",
            expected="a name of its own, of lower-case letters, digits and underscores",
            got="one of the package's" if name in _FUNCTIONS else "another",
            remedy="choose another name",
        )
    RANKERS.registered[name] = ranker
