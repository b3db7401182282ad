"""The options of a study, one definition for all commands that take them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neurosieve.config import StudyConfig, make_config


def _help(name: str) -> str:
    return str(StudyConfig.model_fields[name].description)


Study = Annotated[Path | None, typer.Argument(metavar="[STUDY.yaml]", help="study file; options override it")]
Model = Annotated[str | None, typer.Option(help=_help("model"))]
Task = Annotated[str | None, typer.Option(help=_help("task"))]
Data = Annotated[str | None, typer.Option(help=_help("data"))]
Labels = Annotated[str | None, typer.Option(help=_help("labels"))]
Classes = Annotated[str | None, typer.Option(help=_help("classes") + " (comma-separated)")]
Rows = Annotated[str | None, typer.Option(help="rows a class as TRAIN,VALIDATION,TEST")]
ValidationFromTrain = Annotated[float | None, typer.Option(help=_help("validation_from_train"))]
KeepOverlap = Annotated[bool | None, typer.Option("--keep-overlap", help=_help("keep_overlap"))]
Seed = Annotated[int | None, typer.Option(help=_help("seed"))]
Delta = Annotated[str | None, typer.Option(help=_help("deltas") + " (comma-separated)")]
Select = Annotated[str | None, typer.Option(help=_help("select") + " (comma-separated)")]
Rankings = Annotated[str | None, typer.Option(help=_help("rankings") + " (comma-separated)")]
Precision = Annotated[str | None, typer.Option(help=_help("precision"))]
Device = Annotated[str | None, typer.Option(help=_help("device"))]
BatchTokens = Annotated[int | None, typer.Option(help=_help("batch_tokens"))]
MaxTokens = Annotated[int | None, typer.Option(help=_help("max_tokens"))]
Dtype = Annotated[str | None, typer.Option(help=_help("dtype"))]
Pooling = Annotated[str | None, typer.Option(help=_help("pooling"))]
Straddle = Annotated[str | None, typer.Option(help=_help("straddle"))]
TrustRemoteCode = Annotated[bool | None, typer.Option("--trust-remote-code", help=_help("trust_remote_code"))]
AllowPickle = Annotated[bool | None, typer.Option("--allow-pickle", help=_help("allow_pickle"))]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="any key of a study file")]
Json = Annotated[bool, typer.Option("--json", help="print the result as JSON on standard output")]


def config_from(params: dict[str, Any]) -> StudyConfig:
    """A study from a command's parameters, by name; those that are no study keys are passed over."""
    values = {k: v for k, v in params.items() if k in StudyConfig.model_fields}
    for key in ("classes", "select", "rankings"):
        values[key] = _listed(values.get(key))
    values["deltas"] = _listed(params.get("delta"))
    rows = _listed(params.get("rows"))
    values["rows"] = dict(zip(("train", "validation", "test"), _three(rows), strict=True)) if rows is not None else None
    return make_config(study=params.get("study"), options=values, pairs=params.get("set_") or ())


def _listed(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text is not None else None


def _three(parts: list[str]) -> list[str]:
    if len(parts) != 3:
        raise typer.BadParameter("give three numbers, for example --rows 2000,270,340", param_hint="--rows")
    return parts
