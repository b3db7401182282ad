"""`neurosieve export`, `fit`, `verify` and `predict`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosieve.cli import options as o
from neurosieve.cli.output import print_json, print_result
from neurosieve.data.limits import LIMITS
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.export_options import ExportOptions

DEMO_DELTA = 0.05  # what a table may lose there


def _help(key: str) -> Any:
    return o.described(ExportOptions, key)


def _of_study(key: str, more: str = "") -> Any:
    return o.described(StudyConfig, key, more)


def _flag(key: str) -> Any:
    return typer.Option(f"--{key}", help=str(ExportOptions.model_fields[key].description))


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="folder of a finished run")],
    out: Annotated[Path, typer.Option(help="folder of the model; new or empty")],
    delta: Annotated[float | None, _help("delta")] = None,
    form: Annotated[str | None, _help("form")] = None,
    vocabulary: Annotated[str | None, _help("vocabulary")] = None,
    onnx: Annotated[bool, _flag("onnx")] = False,
    int8: Annotated[bool, _flag("int8")] = False,
    smaller: Annotated[bool, _flag("smaller")] = False,
    cascade: Annotated[bool, _flag("cascade")] = False,
    brief: Annotated[bool, _flag("brief")] = False,
    as_json: o.Json = False,
) -> None:
    """Write the cheapest model that does a run's task: no network at all, or the blocks that it needs."""
    from neurosieve.cli.show import show_export
    from neurosieve.studies.export.run import export as export_run

    given = {"delta": delta, "form": form, "vocabulary": vocabulary, "onnx": onnx, "int8": int8}
    given |= {"smaller": smaller, "cascade": cascade, "brief": brief}
    options = ExportOptions.model_validate({k: v for k, v in given.items() if v is not None})
    exported = export_run(run, out, options)
    if as_json:
        print_result(exported.result)
    else:
        show_export(exported)


def fit(
    source: Annotated[str, typer.Option("--from", metavar="DIR", help="a finished run, or an exported model")],
    data: Annotated[Path, typer.Option(help="folder of new data of the same task")],
    out: Annotated[Path, typer.Option(help="folder of the model; new or empty")],
    classes: Annotated[str | None, _of_study("classes", " (comma-separated)")] = None,
    rows: Annotated[
        str | None, typer.Option(help="rows a class as TRAIN,VALIDATION,TEST; by default the study's")
    ] = None,
    validation_from_train: Annotated[float | None, _of_study("validation_from_train")] = None,
    splits: Annotated[str | None, _of_study("splits")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="any key of a study file")
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Fit a new head for new data of the same task on a compact model alone; beside a run also on the whole model."""
    from neurosieve.cli.show import show_export
    from neurosieve.studies.export.fitting import fit as fit_model

    given = {"classes": classes, "rows": rows, "validation_from_train": validation_from_train, "splits": splits}
    changes = {key: value for key, value in o.values_from(given).items() if value is not None}
    fitted = fit_model(source, data, out, set_ or (), **changes)
    if as_json:
        print_result(fitted.result)
    else:
        show_export(fitted)


def export_demo(run: Path, out: Path) -> None:
    """The end of the demo: a small model of a run, in three lines at most."""
    from neurosieve.cli.show import show_demo_export
    from neurosieve.errors import ConfigError
    from neurosieve.studies.export.run import export as export_run
    from neurosieve.studies.finished import load_exports
    from neurosieve.studies.run_folder import export_name

    try:
        if not out.exists() or export_name(out) not in load_exports(run):
            export_run(run, out, ExportOptions(delta=DEMO_DELTA, brief=True))
    except ConfigError as e:  # the data are what is installed: no set may be within delta
        show_demo_export(str(e), None)
    else:
        show_demo_export(load_exports(run)[export_name(out)].headline, out)


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
        print_json(record)
    else:
        show_verified(found)
    if not all(found.holds.values()):
        raise typer.Exit(1)


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="an exported model")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="JSON lines: text, with spans or an other text")],
    device: Annotated[str, typer.Option(help="cpu, cuda, …; a table and ONNX run on the CPU")] = "cpu",
    characters: Annotated[int, typer.Option(min=1, help="characters that a line may have")] = LIMITS.characters,
) -> None:
    """Labels for new code by an exported model, one JSON line for each line of the files."""
    from neurosieve.compact.compact_model import load_compact
    from neurosieve.compact.text_lines import read_lines
    from neurosieve.progress import track

    model = load_compact(folder, device=device)
    for texts in track(read_lines(files, characters=characters), "256 texts"):
        for labels in model.predict(texts):
            found = {"label": labels[0]} if model.spec.whole else {"labels": labels}
            print(json.dumps(found))
