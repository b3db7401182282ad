"""What studies found, as frozen records: read from a run folder and told by the report, the terminal and notebooks."""

from neurosieve.results.codec import from_json, to_json
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.measured import Difference, Interval, NotMeasured, Reason, Score

__all__ = [
    "ConceptResult",
    "Difference",
    "Interval",
    "InterventionResult",
    "NotMeasured",
    "Reason",
    "Score",
    "from_json",
    "to_json",
]
