"""The page of a comparison of runs."""

from neurosieve.explorer.views import View
from neurosieve.report.comparison import (
    figure_table,
    kind_tables,
    matrix_table,
    metric_of_pair,
    run_table,
    transfer_table,
)
from neurosieve.report.tables import Table
from neurosieve.results.comparison import ComparisonResult


def comparison_page(name: str, result: ComparisonResult) -> View:
    """What runs have in common: verdicts of every two, then the figures of each two beside chance."""
    tables: dict[str, Table] = {"runs": run_table(result), "verdicts": matrix_table(result)}
    for i, pair in enumerate(result.pairs):
        tables[f"figures-{i}"] = figure_table(pair)
        tables[f"transfers-{i}"] = transfer_table(pair, metric_of_pair(pair, result))
    for i, group in enumerate(result.kinds):
        tables |= {f"kinds-{i}-{k}": table for k, table in enumerate(kind_tables(group))}
    sentences = [pair.sentence for pair in result.pairs if pair.sentence]
    return View(
        title=f"Comparison {name}",
        template="compared.html.j2",
        tables={key: table for key, table in tables.items() if table.rows},
        results={"comparison": result},
        shown={"sentences": sentences, "page": f"/comparisons/{name}/report"},
    )
