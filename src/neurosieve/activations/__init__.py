"""Model × data set → rows × layers × neurons in a store on disk."""

from neurosieve.activations.extraction import ExtractionOptions, extract, read_rows
from neurosieve.activations.foreign.importing import import_activations
from neurosieve.activations.store import Activations, ActivationStore, Manifest
from neurosieve.activations.windows import ReadingPlan, UnitCounts, plan_reading

__all__ = [
    "ActivationStore",
    "Activations",
    "ExtractionOptions",
    "Manifest",
    "ReadingPlan",
    "UnitCounts",
    "extract",
    "import_activations",
    "plan_reading",
    "read_rows",
]
