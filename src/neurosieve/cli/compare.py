"""`neurosieve compare`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neurosieve.cli import options as o
from neurosieve.cli.output import print_result
from neurosieve.studies.compare_options import CompareOptions


def _help(key: str, more: str = "") -> Any:
    return o.described(CompareOptions, key, more, default=True)


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="folders of finished runs, two or more")],
    out: Annotated[Path, typer.Option(help="folder for compare.json and the page compare.html")] = Path(
        "neurosieve-compare"
    ),
    parts: Annotated[str | None, _help("parts", " (comma-separated)")] = None,
    base: Annotated[Path | None, _help("base")] = None,
    same_model: Annotated[
        bool, typer.Option("--same-model", help=str(CompareOptions.model_fields["same_model"].description))
    ] = False,
    rows: Annotated[int | None, _help("rows")] = None,
    draws: Annotated[int | None, _help("draws")] = None,
    seed: Annotated[int | None, _help("seed")] = None,
    as_json: o.Json = False,
) -> None:
    """What runs have in common: neurons, orders, layers, roles; each figure beside chance. Loads no model."""
    from neurosieve.cli.show import show_comparison
    from neurosieve.studies.compare.run import compare as compare_runs

    given: dict[str, Any] = {
        "base": None if base is None else str(base),
        "same_model": same_model,
        "rows": rows,
        "draws": draws,
    }
    given |= {"seed": seed, "parts": parts and tuple(part.strip() for part in parts.split(","))}
    options = CompareOptions.model_validate({key: value for key, value in given.items() if value is not None})
    result = compare_runs(runs, out, options)
    if as_json:
        print_result(result)
    else:
        show_comparison(result, out)
