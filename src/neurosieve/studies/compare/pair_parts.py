"""Two runs side by side: each part that they allow, and why the others cannot be told."""

from collections.abc import Callable
from typing import TypeVar

from neurosieve.errors import DataError
from neurosieve.results.comparison_pairs import PairComparison
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.studies.compare.compared_run import ComparedRun
from neurosieve.studies.compare.finding import finding_of
from neurosieve.studies.compare.neuron_parts import concepts_part, depth_part, order_part, roles_part, shared_part
from neurosieve.studies.compare.relations import Pair
from neurosieve.studies.compare.transfer_part import transfer_part
from neurosieve.studies.compare.unit_parts import drift_part, likeness_part, match_neurons, matching_part
from neurosieve.studies.compare_options import CompareOptions, Part

T = TypeVar("T")


def compare_pair(a: ComparedRun, b: ComparedRun, options: CompareOptions) -> PairComparison:
    """Everything that two runs allow.

    Raises:
        DataError: A part was asked for by name and cannot be measured of these two.
    """
    pair = Pair.of(a, b)
    matched = match_neurons(pair) if wanted("matching", options) or wanted("transfer", options) else _left_out()

    def part(name: Part, make: Callable[[], T | NotMeasured]) -> T | NotMeasured:
        return measured(name, make, options, f"{pair.a.name} and {pair.b.name}")

    shared = part("sets", lambda: shared_part(pair))
    transfers = part("transfer", lambda: transfer_part(pair, matched))
    likeness = part("likeness", lambda: likeness_part(pair))
    matching = part("matching", lambda: matching_part(pair, matched))
    return PairComparison(
        a=pair.a.name,
        b=pair.b.name,
        relation=pair.relation,
        finding=finding_of(pair.relation, shared, transfers, likeness, matching),
        shared=shared,
        order=part("order", lambda: order_part(pair)),
        depth=part("depth", lambda: depth_part(pair)),
        roles=part("roles", lambda: roles_part(pair)),
        transfers=transfers,
        likeness=likeness,
        matching=matching,
        drift=part("drift", lambda: drift_part(pair)),
        concepts=part("concepts", lambda: concepts_part(pair)),
    )


def wanted(name: Part, options: CompareOptions) -> bool:
    """Is a part to be measured, where it can be?"""
    return options.parts is None or name in options.parts


def measured(name: Part, make: Callable[[], T | NotMeasured], options: CompareOptions, runs: str) -> T | NotMeasured:
    """A part, or why it cannot be told; an error where it was asked for by name.

    Raises:
        DataError: See there.
    """
    if not wanted(name, options):
        return _left_out()
    found = make()
    if options.parts is not None and isinstance(found, NotMeasured):
        raise DataError(
            f"{name} of {runs}",
            expected="runs that allow it",
            got=found.text,
            remedy=f"compare other runs, or leave {name} out of --parts",
        )
    return found


def _left_out() -> NotMeasured:
    return NotMeasured.because(Reason.LEFT_OUT, "--parts")
