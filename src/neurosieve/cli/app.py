"""One command per verb. The way the study's options become a record is in `options`.

What computes or shows results is loaded inside the commands: help texts and mistakes in options answer at once.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import neurosieve
from neurosieve import studies
from neurosieve.cli import compare, export
from neurosieve.cli import options as o
from neurosieve.cli.engine_options import NoStore, takes_engine
from neurosieve.cli.modules import modules
from neurosieve.cli.neuron import neuron
from neurosieve.cli.output import print_json, print_result
from neurosieve.cli.serve import serve
from neurosieve.cli.terminal import console
from neurosieve.data.corpora.known_corpora import CORPORA
from neurosieve.defaults import LABEL_SCHEMES
from neurosieve.interrupts import imported
from neurosieve.models.known import KNOWN
from neurosieve.studies.config import INSTALLED, TASKS, StudyConfig, make_config
from neurosieve.studies.option_models import FinetuneOptions, InterventionOptions, Options

if TYPE_CHECKING:
    from neurosieve.results.redundancy import RedundancyResult
else:
    RedundancyResult = Any  # loading it loads polars

app = typer.Typer(
    name="neurosieve",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the few neurons of a code language model that carry a task.",
    epilog="Start with: neurosieve demo",
)

NoOut = Annotated[str | None, typer.Option(help="accepted so that the arguments of run fit; not touched")]
# Text, since a path takes one of the two slashes of a URL.
Out = Annotated[str, typer.Option(help="run folder, or its URL; the same command continues after a stop")]


def _version(wanted: bool) -> bool:
    if wanted:
        print(neurosieve.__version__)
        raise typer.Exit
    return wanted


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Find the few neurons of a code language model that carry a task."""


def _example(*lines: str) -> str:
    return "Examples:\n\n" + "\n\n".join(lines)


@app.command(
    epilog=_example(
        "neurosieve run --model DIR --data token-tagging-java --classes NUMBER,STRING,IDENT --out runs/java",
        "neurosieve run --model DIR --data src --labels identifier-role --rows 500,100,100 --out runs/roles",
        "neurosieve run study.yaml --set rows.train=500 --out runs/small",
    )
)
@takes_engine
@o.takes_study
def run(config: StudyConfig, out: Out, no_store: NoStore = False, as_json: o.Json = False) -> None:
    """Run a whole study: read the activations, find the smallest neuron sets, score them on test."""
    _show(lambda: studies.run_study(config, out, no_store=no_store), out, as_json=as_json)


@app.command(epilog=_example("neurosieve extract --model DIR --data token-tagging-java --out runs/java"))
@takes_engine
@o.takes_study
def extract(config: StudyConfig, out: Out, as_json: o.Json = False) -> None:
    """Only write the activations; `run` with the same options and folder continues from there."""
    from neurosieve.cli.show import show_store
    from neurosieve.studies.inputs import extract_study

    store = extract_study(config, out)
    if as_json:
        print_json(vars(store.manifest))
    else:
        show_store(store)


@app.command(epilog=_example("neurosieve plan --model DIR --data token-tagging-java"))
@o.takes_study
def plan(config: StudyConfig, out: NoOut = None, as_json: o.Json = False) -> None:
    """What a run would cost: rows, disk, arithmetic, time. Runs and writes nothing."""
    from neurosieve.cli.show import show_cost

    del out
    cost = studies.plan_study(config)
    if as_json:
        print_json(dataclasses.asdict(cost))
    else:
        show_cost(cost)


def _show(study: Callable[[], RedundancyResult], out: str, *, as_json: bool) -> None:
    from neurosieve.cli.show import show_summary

    result = study()
    if as_json:
        print_result(result)
    else:
        show_summary(result, out)


@app.command(
    epilog=_example(
        "neurosieve redundancy runs/java",
        "neurosieve redundancy --activations neurox/ --out runs/imported",
        "neurosieve redundancy --activations train.hdf5 --classes NUM,STR --out runs/imported",
    )
)
@takes_engine
def redundancy(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="folder of a finished extraction")] = None,
    activations: Annotated[
        Path | None, typer.Option(help=str(StudyConfig.model_fields["activations"].description))
    ] = None,
    classes: Annotated[str | None, typer.Option(help="labels to keep; all by default (comma-separated)")] = None,
    out: Annotated[str | None, typer.Option(help="run folder for imported activations")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="any key of a study")] = None,
    as_json: o.Json = False,
) -> None:
    """The redundancy stages alone: on a finished extraction, or on activations made elsewhere."""
    if (run is None) == (activations is None):
        raise typer.BadParameter("give the folder of an extraction, or --activations FILE_OR_FOLDER with --out")
    if run is not None:
        _show(lambda: studies.continue_study(run), run, as_json=as_json)
        return
    if out is None:
        raise typer.BadParameter("--activations needs --out, the run folder to write", param_hint="--out")
    config = o.config_from({"activations": str(activations), "classes": classes, "set_": set_})
    _show(lambda: studies.run_study(config, out), out, as_json=as_json)


@app.command(
    epilog=_example(
        "neurosieve concepts runs/java",
        "neurosieve concepts --model DIR --data src --labels lexical --site mlp --out runs/concepts",
        "neurosieve concepts runs/java --properties lexical,role --set concepts.min_rows=50",
        "neurosieve concepts runs/concepts --rewrites renamed,layout,comments,reordered",
    )
)
@takes_engine
@o.takes_concepts
def concepts(
    asked: StudyConfig | tuple[str, dict[str, Any]],
    out: Annotated[str | None, typer.Option(help="run folder, where none is given first")] = None,
    no_store: NoStore = False,
    as_json: o.Json = False,
) -> None:
    """Which neurons hold which properties of code: found on train files, claimed on held-out ones."""
    from neurosieve.cli.show import show_concepts

    if isinstance(asked, StudyConfig):
        if out is None:
            raise typer.BadParameter("give a run folder, or --out for a new one", param_hint="--out")
        folder, result = out, studies.run_concepts(asked, out, no_store=no_store)
    else:
        if out is not None:
            raise typer.BadParameter("the run folder that is given first is the place", param_hint="--out")
        folder, result = asked[0], studies.continue_concepts(*asked, no_store=no_store)
    if as_json:
        print_result(result)
    else:
        show_concepts(result, folder)


def _help(key: str, kind: type[Options] = InterventionOptions) -> Any:
    return o.described(kind, key, default=True)


@app.command(
    epilog=_example(
        "neurosieve intervene runs/concepts --concept lexical=number --edit ablate",
        "neurosieve intervene runs/concepts --concept lexical=number --edit ablate --range",
        "neurosieve intervene runs/concepts --concept lexical=string --edit steer --alpha 3",
    )
)
@takes_engine
def intervene(
    run: Annotated[str, typer.Argument(metavar="RUN", help="run folder in which concepts were looked for")],
    concept: Annotated[str, _help("concept")],
    edit: Annotated[str, _help("edit")],
    how: Annotated[str | None, _help("how")] = None,
    quantile: Annotated[float | None, _help("quantile")] = None,
    alpha: Annotated[float | None, _help("alpha")] = None,
    layer: Annotated[int | None, _help("layer")] = None,
    share: Annotated[float | None, _help("share")] = None,
    within: Annotated[bool, o.described(InterventionOptions, "range", "", "--range")] = False,
    claimed: Annotated[bool | None, _help("claimed")] = None,
    sets: Annotated[int | None, _help("sets")] = None,
    at: Annotated[str | None, _help("at")] = None,
    tokens: Annotated[int | None, _help("tokens")] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions/--no-predictions", help="measure what the model predicts, or its task alone")
    ] = True,
    as_json: o.Json = False,
) -> None:
    """Change a concept's neurons in the live model: what it predicts then, compared with matched random edits."""
    from neurosieve.cli.show import show_intervention

    given = {"how": how, "quantile": quantile, "alpha": alpha, "layer": layer, "share": share, "claimed": claimed}
    given |= {"concept": concept, "edit": edit, "sets": sets, "at": at, "tokens": tokens, "predictions": predictions}
    given["range"] = within or None
    options = {key: value for key, value in given.items() if value is not None}
    result = studies.intervene(run, InterventionOptions.model_validate(options))
    if as_json:
        print_result(result)
    else:
        show_intervention(result, run)


@app.command(
    epilog=_example(
        "neurosieve report runs/java",
        "neurosieve report runs/java --to java.html",
        "neurosieve report runs/java --figures figures --tables tables",
    ),
)
def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="folder of a finished run")],
    to: Annotated[str | None, typer.Option(help="the file to write; report.html in the run folder by default")] = None,
    figures: Annotated[str | None, typer.Option(help="folder for all figures, as SVG, PNG and PDF")] = None,
    tables: Annotated[str | None, typer.Option(help="folder for all tables, as CSV and LaTeX")] = None,
    as_json: o.Json = False,
) -> None:
    """Write the report of a finished run again, as one HTML file that opens offline; save its figures and tables."""
    from neurosieve.studies.finished import write_figures, write_tables

    write = studies.report_alone
    imported()
    written = {"report": str(write(run, to))}
    for kind, folder, save in (("figures", figures, write_figures), ("tables", tables, write_tables)):
        if folder is not None:
            save(run, folder)
            written[kind] = str(folder)
    if as_json:
        print_json(written)
    else:
        for kind, place in written.items():
            console().print(Text(f"{kind} in {place}"), soft_wrap=True)


def demo_config(scheme: str, model: str) -> StudyConfig:
    """The demo's study for one label scheme."""
    values = {
        "model": model,
        "data": INSTALLED,
        "labels": scheme,
        # What takes longest is left out. Few train rows make probes fast; a loss is bounded on validation and test.
        "rows": {"train": 80, "validation": 250, "test": 250},
        "deltas": [0.02],
        "pipeline_deltas": [[0.02, 0.02]],
        "pipeline_thresholds": [None],
        "rankings": ["lca"],
        "thresholds": [0.3, 0.6, 0.9],
        "control_draws": 1,
        "disjoint_splits": 0,
        "untrained_seeds": 1,
        "untrained_precision": "model",  # so few rows seldom show that bfloat16 is as good, and are then read again
    }
    return make_config(options=values)


def _shorter(config: StudyConfig) -> StudyConfig:
    """The same with few rows: it tries an installation, and shows little."""
    rows = {"train": 30, "validation": 60, "test": 60}
    few = {"rows": rows, "deltas": [0.05], "pipeline_deltas": [[0.05, 0.05]], "untrained_seeds": 0, "control_draws": 0}
    return make_config(options=config.model_dump() | few)


@app.command(epilog=_example("neurosieve demo", "neurosieve demo --decoder --out my-demo", "neurosieve demo --short"))
def demo(
    out: Annotated[Path, typer.Option(help="folder for the two runs")] = Path("neurosieve-demo"),
    decoder: Annotated[bool, typer.Option("--decoder", help="read with neurosieve/decoder, not the encoder")] = False,
    short: Annotated[bool, typer.Option("--short", help="one study on few rows, to try an installation")] = False,
    as_json: o.Json = False,
) -> None:
    """Run the main job on the code that is installed here, with two label schemes, and export a small model of it."""
    from neurosieve.cli.show import show_demo_start, show_demo_study, show_next
    from neurosieve.models.known import located
    from neurosieve.results.codec import to_json

    model = "neurosieve/decoder" if decoder else "neurosieve/encoder"
    records, home = {}, out / ("short" if short else model.rpartition("/")[2])
    located(model)  # what is missing is said before anything else
    if not as_json:
        show_demo_start(model, short=short)
    schemes = list(LABEL_SCHEMES)[: 1 if short else None]
    for scheme in schemes:
        folder, config = home / scheme, demo_config(scheme, model)
        summary = studies.run_study(_shorter(config) if short else config, folder)
        records[scheme] = to_json(summary)
        if not as_json:
            show_demo_study(summary, str(folder))
    if as_json:
        print_json(records)
    else:
        export.export_demo(home / schemes[0], home / "small")
        show_next()


@app.command(
    epilog=_example(
        "neurosieve finetune --model neurosieve/encoder --task defect-detection --data functions --out tuned",
        "neurosieve run --model tuned --task defect-detection --data functions --out runs/tuned",
    )
)
@partial(o.takes_study, only=o.ROWS_ONLY)
def finetune(
    config: StudyConfig,
    out: Annotated[Path, typer.Option(help="folder of the model; the same command continues after a stop")],
    epochs: Annotated[int | None, _help("epochs", FinetuneOptions)] = None,
    rate: Annotated[float | None, _help("rate", FinetuneOptions)] = None,
    batch: Annotated[int | None, _help("batch", FinetuneOptions)] = None,
    patience: Annotated[int | None, _help("patience", FinetuneOptions)] = None,
    as_json: o.Json = False,
) -> None:
    """Train a model and a new head on a task: an ordinary transformers folder. Needs the extra `train`."""
    from neurosieve.cli.show import show_finetuned
    from neurosieve.studies.finetune.run import finetune as train

    given = {"epochs": epochs, "rate": rate, "batch": batch, "patience": patience}
    options = FinetuneOptions.model_validate({key: value for key, value in given.items() if value is not None})
    tuned = train(config, out, options)
    if as_json:
        print_result(tuned.result)
    else:
        show_finetuned(tuned)


app.command(epilog=_example("neurosieve compare runs/java runs/python --out compared"))(compare.compare)
app.command(epilog=_example("neurosieve export runs/java --out small"))(export.export)
app.command(epilog=_example("neurosieve fit --from runs/java --data token-tagging-python --out python"))(export.fit)
app.command(
    epilog=_example(
        "neurosieve modules runs/java",
        "neurosieve modules runs/java --drop NUMBER --out java-modules",
        "neurosieve modules runs/java --replace NUMBER=runs/python",
    )
)(modules)
app.command(epilog=_example("neurosieve verify small"))(export.verify)
app.command(epilog=_example("neurosieve predict small new.jsonl"))(export.predict)


app.command(epilog=_example("neurosieve neuron runs/java 0:39"))(neuron)
app.command(epilog=_example("neurosieve serve runs/java", "neurosieve serve runs/java runs/python --port 9000"))(serve)


@app.command(epilog=_example("neurosieve models"))
def models(as_json: o.Json = False) -> None:
    """Models that are known by name; any encoder or decoder with a fast tokenizer works."""
    if as_json:
        print_json([m._asdict() for m in KNOWN])
        return
    table = Table(box=None, pad_edge=False)
    for name in ("name", "--model", "kind", "note"):
        table.add_column(name, overflow="fold")
    for m in KNOWN:
        table.add_row(*m)
    console().print(table)


@app.command(epilog=_example("neurosieve tasks"))
def tasks(as_json: o.Json = False) -> None:
    """Tasks, label schemes and corpora that are known."""
    if as_json:
        corpora = {name: {"task": c.task, "description": c.description} for name, c in CORPORA.items()}
        print_json({"tasks": TASKS, "label_schemes": list(LABEL_SCHEMES), "corpora": corpora})
        return
    for name, text in TASKS.items():
        console().print(f"{name}: {text}")
    console().print(f"label schemes for source files (--labels): {', '.join(LABEL_SCHEMES)}")
    console().print("tasks made from source code (--corpus):")
    for name, corpus in CORPORA.items():
        console().print(f"{name}: {corpus.description} ({corpus.task})")
