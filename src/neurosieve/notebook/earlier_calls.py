"""Calls of earlier functions whose names are those of verbs now: they work for one release, with a warning."""

import warnings
from typing import TYPE_CHECKING, Any

from neurosieve.typing import PathLike

if TYPE_CHECKING:
    from neurosieve.activations.store import ActivationStore
    from neurosieve.results.interventions import InterventionResult
    from neurosieve.studies.finetune.run import Finetuned


def earlier_extract(*arguments: Any, **options: Any) -> "ActivationStore":
    """`extract(model, dataset, sample, url, options)`."""
    from neurosieve.activations.extraction import extract

    _warn("extract(model, dataset, sample, url)", "neurosieve.activations.extract")
    return extract(*arguments, **options)


def earlier_intervene(run: PathLike, options: Any = None, **more: Any) -> "InterventionResult":
    """`intervene(run, InterventionOptions(…))`."""
    from neurosieve.studies.interventions.run import intervene

    _warn("intervene(run, options)", 'neurosieve.intervene(run, "property=value", edit=…)')
    return intervene(run, options, **more)


def earlier_finetune(config: Any, folder: Any, options: Any = None, *, out: Any = None, **more: Any) -> "Finetuned":
    """`finetune(config, out, FinetuneOptions(…))`."""
    from neurosieve.studies.finetune.run import finetune

    _warn("finetune(config, out, options)", "neurosieve.finetune(config, out=…, training={…})")
    return finetune(config, folder if out is None else out, options, **more)


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{old} goes with the next release: use {new}", DeprecationWarning, stacklevel=4)
