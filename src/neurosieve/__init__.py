"""Find the few neurons of a code language model that carry a task, and show how far that can be believed.

    import neurosieve as ns

    study = ns.run("neurosieve/encoder", "token-tagging-java", out="runs/java")   # later: ns.load("runs/java")
    print(study.headline)
    best = study.minimal_sets[0]
    print(len(best.neurons), best.loss.interval, study.neuron(*best.neurons[0]))
    study.plot("curve")

The verbs are the commands. What studies are made of is one package down: `neurosieve.data`, `.models`, `.activations`,
`.probes`, `.rankings`, `.redundancy`, `.concepts`, `.interventions`.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

from lazy_loader import attach_stub as _attach_stub

from neurosieve import interrupts as _interrupts  # noqa: F401  # first, as it watches over all other imports
from neurosieve import renamed as _renamed
from neurosieve.callable_package import PACKAGES as _PACKAGES

__version__ = "0.1.0"

_renamed.install()

_named, __dir__, __all__ = _attach_stub(__name__, __file__)


def __getattr__(name: str) -> _Any:
    """Names are loaded when they are asked for; those of earlier releases with a warning."""
    if name in _PACKAGES:
        return _import_module(f"{__name__}.{name}")
    return _renamed.earlier_name(name) if name in _renamed.NAMES else _named(name)
