"""Model × data set → rows × layers × neurons in a store on disk."""

from neurosieve.activations.extract import ExtractionOptions, extract, read_rows
from neurosieve.activations.foreign import import_activations
from neurosieve.activations.plan import ReadingPlan, UnitCounts, plan_reading
from neurosieve.activations.store import Activations, ActivationStore, Manifest

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
