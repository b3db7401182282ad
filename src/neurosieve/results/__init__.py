"""What studies found, as frozen records: read from a run folder and told by the report, the terminal and notebooks."""

from neurosieve.results.codec import from_json, to_json
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.measured import Difference, Interval, NotMeasured, Reason, Score, Spread
from neurosieve.results.redundancy import RedundancyResult

__all__ = [
    "Difference",
    "Interval",
    "InterventionResult",
    "NotMeasured",
    "Reason",
    "RedundancyResult",
    "Score",
    "Spread",
    "from_json",
    "to_json",
]
