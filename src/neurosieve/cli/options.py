"""The options of a study, one definition for all commands that take them."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from neurosieve.choices import SPLITS
from neurosieve.studies.config import StudyConfig, concept_changes, make_config
from neurosieve.studies.option_models import ConceptOptions

Json = Annotated[bool, typer.Option("--json", help="print the result as JSON on standard output")]
_LIST = " (comma-separated)"
Params = Mapping[str, Any]  # of a command, by name, as they were typed


def _option(key: str, kind: type, *names: str, more: str = "") -> Any:
    return Annotated[kind | None, typer.Option(*names, help=f"{StudyConfig.model_fields[key].description}{more}")]


# In the order of the help text; the names are those of a study's keys, an option's own name follows where it differs.
STUDY: dict[str, Any] = {
    "study": Annotated[str | None, typer.Argument(metavar="[STUDY.yaml]", help="study file; options override it")],
    "model": _option("model", str),
    "stack": _option("stack", str),
    "site": _option("site", str),
    "task": _option("task", str),
    "data": _option("data", str),
    "corpus": _option("corpus", str),
    "activations": _option("activations", str),
    "labels": _option("labels", str),
    "classes": _option("classes", str, more=_LIST),
    "rows": Annotated[str | None, typer.Option(help="rows a class as TRAIN,VALIDATION,TEST; of values rows in all")],
    "text_column": _option("text_column", str),
    "other_column": _option("other_column", str),
    "label_column": _option("label_column", str),
    "target": _option("target", str),
    "validation_from_train": _option("validation_from_train", float),
    "splits": _option("splits", str, more=": train, validation, test of one file or source files"),
    "keep_overlap": _option("keep_overlap", bool, "--keep-overlap"),
    "seed": _option("seed", int),
    "deltas": _option("deltas", str, "--delta", more=_LIST),
    "select": _option("select", str, more=_LIST),
    "rankings": _option("rankings", str, more=_LIST),
    "protocol": _option("protocol", str),
    "general_rows": _option("general_rows", str),
    "thresholds": _option("thresholds", str, more=_LIST),
    "layer_deltas": _option("layer_deltas", str, "--layer-delta", more=_LIST),
    "pipeline_deltas": _option("pipeline_deltas", str, "--pipeline-delta", more=" (0.005:0.01,0.01:0.01)"),
    "pipeline_thresholds": _option("pipeline_thresholds", str, "--pipeline-threshold", more=" (none,0.3)"),
    "control_draws": _option("control_draws", int),
    "disjoint_splits": _option("disjoint_splits", int),
    "untrained_seeds": _option("untrained_seeds", int),
    "precision": _option("precision", str),
    "device": _option("device", str),
    "batch_tokens": _option("batch_tokens", int),
    "max_tokens": _option("max_tokens", int),
    "max_windows": _option("max_windows", int),
    "pair_input": _option("pair_input", str),
    "dtype": _option("dtype", str),
    "pooling": _option("pooling", str),
    "straddle": _option("straddle", str),
    "trust_remote_code": _option("trust_remote_code", bool, "--trust-remote-code"),
    "allow_pickle": _option("allow_pickle", bool, "--allow-pickle"),
    "set_": Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="any key of a study file")],
}


# What decides on model and rows alone.
ROWS_ONLY: tuple[str, ...] = (
    "study",
    "model",
    "task",
    "data",
    "corpus",
    "labels",
    "classes",
    "text_column",
    "other_column",
    "label_column",
    "target",
)
ROWS_ONLY += ("validation_from_train", "splits", "keep_overlap", "seed", "device", "max_tokens", "trust_remote_code")
ROWS_ONLY += ("allow_pickle", "set_")


def takes_study(command: Callable[..., None], only: Collection[str] = tuple(STUDY)) -> Callable[..., None]:
    """Give a command the options of a study (or some of them) in addition to its own; it gets them as one `config`."""
    of_command = [p for p in inspect.signature(command).parameters.values() if p.name != "config"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    study = [inspect.Parameter(k, keyword, default=None, annotation=kind) for k, kind in STUDY.items() if k in only]

    def wrapper(**values: Any) -> None:
        kept = {p.name: values.pop(p.name) for p in of_command}
        command(config=config_from(values), **kept)

    parameters = [p.replace(kind=keyword) for p in of_command] + study
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    return wrapper


def described(kind: type[BaseModel], key: str, more: str = "", *names: str, default: bool = False) -> Any:
    """An option with the text of its field; with its default where the parser does not know that.

    An option that was given differs from one that was not.
    """
    field = kind.model_fields[key]
    shown = default and not field.is_required() and field.default is not None
    return typer.Option(*names, help=f"{field.description}{more}{f' (default: {field.default})' if shown else ''}")


_CONCEPTS = ConceptOptions.model_fields
# Of `neurosieve concepts` in addition to a study's; the others are reached by --set concepts.KEY=VALUE.
CONCEPTS: dict[str, Any] = {
    "language": Annotated[str | None, typer.Option(help=f"{_CONCEPTS['language'].description}")],
    "properties": Annotated[str | None, typer.Option(help=f"{_CONCEPTS['properties'].description}{_LIST}")],
    "tokens": Annotated[str | None, typer.Option(help=f"{_CONCEPTS['tokens'].description} (40000,10000,20000)")],
    "rewrites": Annotated[str | None, described(ConceptOptions, "rewrites", _LIST)],
    "text_properties": Annotated[str | None, described(ConceptOptions, "text_properties", _LIST)],
    "texts": Annotated[str | None, typer.Option(help=f"{_CONCEPTS['texts'].description} (2000,500,1000)")],
    "concept_net": Annotated[str | None, described(ConceptOptions, "concept_net")],
}
_OF_RUN = {"study", "set_", *CONCEPTS}


def takes_concepts(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a run folder or the options of a study, and those of concepts; it gets them as `asked`."""
    own = list(inspect.signature(command).parameters.values())
    keyword = inspect.Parameter.KEYWORD_ONLY
    place = typer.Argument(metavar="[RUN or STUDY.yaml]", help="a run folder, or a study file; options override it")
    kinds = STUDY | {"study": Annotated[str | None, place]} | CONCEPTS
    more = [inspect.Parameter(k, keyword, default=None, annotation=kind) for k, kind in kinds.items()]

    def wrapper(**values: Any) -> None:
        from neurosieve.storage.folder import is_folder  # help texts are shown without what computes

        kept = {p.name: values.pop(p.name) for p in own if p.name != "asked"}
        run = values["study"]
        if run is None or not is_folder(run):
            command(asked=config_from(values | {"concepts": _concepts(values)}), **kept)
            return
        given = [key.replace("_", "-") for key, value in values.items() if value is not None and key not in _OF_RUN]
        if given:
            raise typer.BadParameter(f"a run folder brings its own study: leave --{given[0]} out, or name no folder")
        command(asked=(run, concept_changes(_concepts(values) or {}, values["set_"] or ())), **kept)

    parameters = [p.replace(kind=keyword) for p in own if p.name != "asked"] + more
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    return wrapper


def _concepts(params: Params) -> dict[str, Any] | None:
    """The options of concepts that were given."""
    values: dict[str, Any] = {key: params.get(key) for key in ("language", "concept_net")}
    values |= {key: _listed(params.get(key)) for key in ("properties", "rewrites", "text_properties")}
    counts = {key: _listed(params.get(key)) for key in ("tokens", "texts")}
    values |= {key: _three(parts, key) for key, parts in counts.items() if parts is not None}
    return {k: v for k, v in values.items() if v is not None} or None


def config_from(params: Params) -> StudyConfig:
    """A study from a command's parameters, by name."""
    return make_config(study=params.get("study"), options=values_from(params), pairs=params.get("set_") or ())


def values_from(params: Params) -> dict[str, Any]:
    """Options of a study from a command's parameters, by name; None where they were not given."""
    values = {k: v for k, v in params.items() if k in StudyConfig.model_fields}
    for key in ("classes", "splits", "select", "rankings", "thresholds", "deltas", "layer_deltas"):
        values[key] = _listed(values.get(key))
    cuts, pairs = (_listed(values.get(key)) for key in ("pipeline_thresholds", "pipeline_deltas"))
    values["pipeline_thresholds"] = cuts and [None if cut == "none" else cut for cut in cuts]
    values["pipeline_deltas"] = pairs and [pair.split(":") for pair in pairs]
    rows = _listed(params.get("rows"))
    values["rows"] = dict(zip(SPLITS, _three(rows, "rows"), strict=True)) if rows is not None else None
    return values


def _listed(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] if text is not None else None


def _three(parts: list[str], name: str) -> list[str]:
    if len(parts) != 3:
        raise typer.BadParameter(f"give three numbers, for example --{name} 2000,270,340", param_hint=f"--{name}")
    return parts
