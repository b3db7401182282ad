"""What the controls allow to say of two runs: at most one finding."""

from neurosieve.results.comparison_pairs import Finding
from neurosieve.results.comparison_parts import Likeness, Matching, Relation, SharedNeurons, Transfer, Verdict
from neurosieve.results.measured import NotMeasured

SERVES = 0.01  # loss that a base's set may have on the fine-tuned model's task, by its interval's upper end


def finding_of(
    relation: Relation,
    shared: SharedNeurons | NotMeasured,
    transfers: tuple[Transfer, ...] | NotMeasured,
    likeness: Likeness | NotMeasured,
    matching: Matching | NotMeasured,
) -> Finding:
    """The one that follows from the parts; `Finding.OPEN` where they do not decide."""
    if relation is Relation.OTHER:
        return _of_other_models(likeness, matching)
    if isinstance(shared, NotMeasured) or isinstance(transfers, NotMeasured):
        return Finding.OPEN
    if relation is Relation.TUNED:
        return _of_tuned(transfers[0])
    return _of_one_model(shared.verdict, {transfer.verdict for transfer in transfers})


def _of_one_model(shared: Verdict, serves: set[Verdict]) -> Finding:
    """Each set has to serve the other's task, else serving is not said."""
    match shared, serves == {Verdict.ABOVE}:
        case Verdict.ABOVE, True:
            return Finding.SHARED
        case Verdict.ABOVE, False:
            return Finding.OVERLAP
        case Verdict.CHANCE, True:
            return Finding.SERVES
    if shared in (Verdict.CHANCE, Verdict.BELOW) and serves <= {Verdict.CHANCE, Verdict.BELOW}:
        return Finding.APART
    return Finding.OPEN


def _of_tuned(base_to_tuned: Transfer) -> Finding:
    """The base's set against the fine-tuned model's own of its size."""
    if base_to_tuned.own.high <= SERVES and base_to_tuned.verdict is Verdict.ABOVE:
        return Finding.STAYED
    return Finding.MOVED if base_to_tuned.own.low > 0 else Finding.OPEN


def _of_other_models(likeness: Likeness | NotMeasured, matching: Matching | NotMeasured) -> Finding:
    if isinstance(likeness, NotMeasured) or isinstance(matching, NotMeasured):
        return Finding.OPEN
    alike = [layer.cka.verdict for layer in likeness.layers]
    neurons = {matching.matched.verdict, matching.by_text.verdict}
    if neurons == {Verdict.ABOVE}:
        return Finding.MATCHED
    if matching.matched.verdict in (Verdict.CHANCE, Verdict.BELOW):
        most = sum(verdict is Verdict.ABOVE for verdict in alike)
        if 2 * most > len(alike):
            return Finding.ROTATED
        if not most and Verdict.OPEN not in alike:
            return Finding.UNLIKE
    return Finding.OPEN
