from .codec import from_json as from_json
from .codec import to_json as to_json
from .interventions import InterventionResult as InterventionResult
from .measured import Difference as Difference
from .measured import Interval as Interval
from .measured import NotMeasured as NotMeasured
from .measured import Reason as Reason
from .measured import Score as Score
