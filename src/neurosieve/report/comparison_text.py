"""A comparison in words: the one sentence that the controls allow for two runs, and the lines of all of them."""

from neurosieve.report.numbers import counted, per_cent
from neurosieve.results.comparison import ComparisonResult
from neurosieve.results.comparison_pairs import Finding, PairComparison
from neurosieve.results.comparison_parts import Matching, SharedNeurons, Transfer
from neurosieve.results.measured import NotMeasured


def finding_text(pair: PairComparison) -> str:
    """The finding in one sentence; empty where it cannot be told."""
    a, b = pair.a, pair.b
    texts = {
        Finding.SHARED: f"{_shared(pair)} of {a} and {b}, more than by chance, and each set serves the other's task"
        " better than random sets do",
        Finding.OVERLAP: f"{_shared(pair)} of {a} and {b}, more than by chance; that each set serves the other's task"
        " better than random sets is not shown",
        Finding.SERVES: f"{a} and {b} share no more neurons than by chance, but each set serves the other's task better"
        " than random sets do",
        Finding.APART: f"{a} and {b} share no more neurons than by chance, and neither set serves the other's task"
        " better than random sets do",
        Finding.STAYED: f"The set of {a} still serves after fine-tuning: {_own(pair)} than {b}'s own set of its size",
        Finding.MOVED: f"The set of {a} serves less well after fine-tuning: {_own(pair)} than {b}'s own"
        " set of its size",
        Finding.MATCHED: f"{_matched(pair)} of {a}'s neurons go with a neuron of {b} more closely than with one of its"
        " rotated copies",
        Finding.ROTATED: f"The layers of {a} and {b} are alike, but their neurons go together no better than with a"
        " rotated copy",
        Finding.UNLIKE: f"Neither the layers nor the neurons of {a} and {b} are alike beyond chance",
        Finding.OPEN: "",
    }
    text = texts[pair.finding]
    return f"{text}." if text else ""


def _shared(pair: PairComparison) -> str:
    if not isinstance(pair.shared, SharedNeurons):
        return ""
    both = len(pair.shared.neurons)
    of = pair.shared.size_a + pair.shared.size_b - both
    return f"{counted(both, 'neuron')} of {of} {'is' if both == 1 else 'are'} in both sets"


def _own(pair: PairComparison) -> str:
    """How much worse the base's set is."""
    if isinstance(pair.transfers, NotMeasured):
        return ""
    own = pair.transfers[0].own
    low, high = own.interval or (own.value, own.value)
    return f"{100 * own.value:.1f} [{100 * low:.1f}, {100 * high:.1f}] points less"


def _matched(pair: PairComparison) -> str:
    return per_cent(pair.matching.matched.value) if isinstance(pair.matching, Matching) else ""


def transfer_text(transfer: Transfer) -> str:
    """Whose set on whose task."""
    return f"{transfer.source}'s set on {transfer.target}'s task"


def comparison_text(result: ComparisonResult) -> str:
    """One line a pair: its finding, or that it cannot be told."""
    lines = [f"{pair.a}, {pair.b} ({pair.relation.value}): {pair.sentence or 'cannot tell'}" for pair in result.pairs]
    return "\n".join([f"{len(result.runs)} runs", *(f"  {line}" for line in lines)])
