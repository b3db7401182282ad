"""The page of a comparison: runs, every two of them in words, each two with all figures, kinds of neurons."""

from typing import Any

from neurosieve.report.comparison import (
    figure_table,
    kind_tables,
    likeness_chart,
    matrix_table,
    metric_of_pair,
    missing_table,
    neuron_tables,
    run_table,
    transfer_table,
)
from neurosieve.report.drawing import Chart
from neurosieve.report.page_frame import rendered
from neurosieve.results.comparison import ComparisonResult
from neurosieve.results.comparison_pairs import PairComparison

WORDS = {
    "smallest set": "the fewest neurons of a run whose probe loses no more than was allowed, by the run's ranking",
    "by chance": "the same figure by chance alone, and 95 % of that; 'chance keeps' says what was left as it is",
    "above chance": "the figure is above 95 % of chance, and its own interval above the mean of chance",
    "cannot tell": "neither above, below, nor as by chance: more rows or draws may tell",
    "CKA": "likeness of two layers on the same units, 1 where they are the same up to rotation and scale",
    "match": "the other model's neuron that goes with a neuron best, sought on train units, measured on test units",
    "rotated copy": "the other model with each layer rotated at random: the same space without its neurons",
    "drift": "1 − the correlation of a neuron with itself before fine-tuning",
}


def render_comparison(result: ComparisonResult) -> str:
    """The page as HTML, whole in itself."""
    keys = {f"cka-{i}": pair for i, pair in enumerate(result.pairs)}
    charts = {key: chart for key, pair in keys.items() if (chart := likeness_chart(pair, key)) is not None}
    names = [run.name for run in result.runs]
    return rendered(
        "comparison.html.j2",
        charts,
        WORDS,
        names=names,
        sentences=[pair.sentence for pair in result.pairs if pair.sentence],
        runs=run_table(result),
        matrix=matrix_table(result),
        pairs=[_pair(pair, key, charts, result) for key, pair in keys.items()],
        kinds=[kind_tables(group) for group in result.kinds],
        glossary=WORDS,
        command=f"neurosieve compare {' '.join(run.folder for run in result.runs)} --out NEW_FOLDER",
        version=result.versions.get("neurosieve", ""),
    )


def _pair(pair: PairComparison, key: str, charts: dict[str, Chart], result: ComparisonResult) -> dict[str, Any]:
    """What the template shows of two runs."""
    return {
        "title": f"{pair.a} and {pair.b}",
        "relation": pair.relation.value,
        "sentence": pair.sentence,
        "figures": figure_table(pair),
        "transfers": transfer_table(pair, metric_of_pair(pair, result)),
        "neurons": neuron_tables(pair),
        "missing": missing_table(pair),
        "chart": key if key in charts else None,
    }
