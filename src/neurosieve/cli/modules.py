"""`neurosieve modules`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosieve.cli import options as o
from neurosieve.cli.output import print_json
from neurosieve.studies.module_options import ModuleOptions

if TYPE_CHECKING:
    from neurosieve.studies.modules.changes import AskedChange


def _help(key: str) -> Any:
    return o.described(ModuleOptions, key)


def _labels(text: str, metavar: str = "LABEL") -> Any:
    return typer.Option(metavar=metavar, help=text)


def modules(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run")],
    delta: Annotated[float | None, _help("delta")] = None,
    select: Annotated[str | None, _help("select")] = None,
    draws: Annotated[int | None, _help("draws")] = None,
    use: Annotated[list[str] | None, _labels("also: this label's module alone, against the rest")] = None,
    drop: Annotated[list[str] | None, _labels("also: all modules but this one")] = None,
    replace: Annotated[
        list[str] | None, _labels("also: another run's module in place of this one; of the same model", "LABEL=RUN")
    ] = None,
    add: Annotated[
        list[str] | None, _labels("also: one more, for a label of another run of the same model", "LABEL=RUN")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder of compact models, one a module, after all changes; new or empty")
    ] = None,
    as_json: o.Json = False,
) -> None:
    """One module a label: the fewest neurons that tell it from the rest; changed one at a time, without the others."""
    from neurosieve.cli.show import show_modules
    from neurosieve.results.codec import to_json
    from neurosieve.studies.modules.run import find_modules

    given = {"delta": delta, "select": select, "draws": draws}
    options = ModuleOptions.model_validate({key: value for key, value in given.items() if value is not None})
    found = find_modules(run, options, _changes(use, drop, replace, add), out)
    if as_json:
        written = None if found.folder is None else to_json(found.folder)
        changed = [to_json(change) for change in found.changes]
        record = {"modules": to_json(found.result), "changes": changed, "folder": written}
        print_json(record)
    else:
        show_modules(found, run, out)


def _changes(
    use: Sequence[str] | None, drop: Sequence[str] | None, replace: Sequence[str] | None, add: Sequence[str] | None
) -> "list[AskedChange]":
    """In this order: additions, replacements, drops, and last the use of one alone."""
    from neurosieve.studies.modules.changes import AskedChange

    asked = [AskedChange("add", *_with_run("add", text)) for text in add or ()]
    asked += [AskedChange("replace", *_with_run("replace", text)) for text in replace or ()]
    asked += [AskedChange("drop", label) for label in drop or ()]
    return asked + [AskedChange("use", label) for label in use or ()]


def _with_run(option: str, text: str) -> tuple[str, Path]:
    label, sign, run = text.rpartition("=")
    if not (sign and label and run):
        raise typer.BadParameter(f"give LABEL=RUN, not {text}", param_hint=f"--{option}")
    return label, Path(run)
