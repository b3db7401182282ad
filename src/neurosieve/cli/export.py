"""`neurosieve export`, `verify` and `predict`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosieve.cli import options as o
from neurosieve.printing import json_text
from neurosieve.studies.export_options import ExportOptions

DEMO_DELTA = 0.05  # what a table may lose there


def _help(key: str) -> Any:
    return typer.Option(help=str(ExportOptions.model_fields[key].description))


def _flag(key: str) -> Any:
    return typer.Option(f"--{key}", help=str(ExportOptions.model_fields[key].description))


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run")],
    out: Annotated[Path, typer.Option(help="folder of the model; new or empty")],
    delta: Annotated[float | None, _help("delta")] = None,
    form: Annotated[str | None, _help("form")] = None,
    smaller: Annotated[bool, _flag("smaller")] = False,
    cascade: Annotated[bool, _flag("cascade")] = False,
    brief: Annotated[bool, _flag("brief")] = False,
    as_json: o.Json = False,
) -> None:
    """Write the cheapest model that does a run's task: no network at all, or the blocks that it needs."""
    from neurosieve.cli.show import show_export
    from neurosieve.results.codec import to_json
    from neurosieve.studies.export.run import export as export_run

    given = {"delta": delta, "form": form, "smaller": smaller, "cascade": cascade, "brief": brief}
    options = ExportOptions.model_validate({k: v for k, v in given.items() if v is not None})
    exported = export_run(run, out, options)
    if as_json:
        print(json_text(to_json(exported.result), sys.stdout.encoding or "utf-8"))
    else:
        show_export(exported)


def export_demo(run: Path, out: Path) -> None:
    """The end of the demo: a small model of a run, in three lines at most."""
    from neurosieve.cli.show import show_demo_export
    from neurosieve.errors import ConfigError
    from neurosieve.studies.export.run import export as export_run
    from neurosieve.studies.finished import load_exports

    try:
        if not out.exists() or out.name not in load_exports(run):
            export_run(run, out, ExportOptions(delta=DEMO_DELTA, brief=True))
    except ConfigError as e:  # the data are what is installed: no set may be within delta
        show_demo_export(str(e), None)
    else:
        show_demo_export(load_exports(run)[out.name].headline, out)


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="an exported model")], as_json: o.Json = False
) -> None:
    """Measure an exported model again; exit code 1 where score, outputs or speed are not those of its card."""
    from neurosieve.cli.show import show_verified
    from neurosieve.results.codec import to_json
    from neurosieve.studies.export.verify import verify as verify_model

    found = verify_model(folder)
    if as_json:
        numbers = {"score": found.score, "difference": found.difference, "other_labels": found.other_labels}
        record = {**numbers, "speeds": to_json(found.speeds), "holds": dict(found.holds)}
        print(json_text(record, sys.stdout.encoding or "utf-8"))
    else:
        show_verified(found)
    if not all(found.holds.values()):
        raise typer.Exit(1)


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="an exported model")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="JSON lines: text, with spans or an other text")],
    device: Annotated[str, typer.Option(help="cpu, cuda, …; a table runs without")] = "cpu",
) -> None:
    """Labels for new code by an exported model, one JSON line for each line of the files."""
    from neurosieve.compact.compact_model import load_compact
    from neurosieve.compact.text_lines import read_lines
    from neurosieve.progress import track

    model = load_compact(folder, device=device)
    for texts in track(read_lines(files), "256 texts"):
        for labels in model.predict(texts):
            found = {"label": labels[0]} if model.spec.whole else {"labels": labels}
            print(json.dumps(found))
