"""The commands as functions, and `load`.

What computes is loaded inside them, so that reading results needs no torch.
"""

from collections.abc import Mapping, Sequence
from os import PathLike as OsPath
from typing import TYPE_CHECKING, Any

from neurosieve.data.corpora.known_corpora import CORPORA
from neurosieve.errors import ConfigError
from neurosieve.notebook.earlier_calls import earlier_extract, earlier_finetune, earlier_intervene
from neurosieve.notebook.study import Study
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.interventions import EditKind, InterventionResult
from neurosieve.storage.folder import Folder
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.finished import load_summary
from neurosieve.studies.option_models import FinetuneOptions
from neurosieve.studies.run_folder import CONCEPTS, config_of
from neurosieve.typing import PathLike

if TYPE_CHECKING:
    from neurosieve.activations.store import ActivationStore
    from neurosieve.data import Dataset
    from neurosieve.results.comparison import ComparisonResult
    from neurosieve.results.cost import Cost
    from neurosieve.studies.finetune.run import Finetuned


def run(model: PathLike | StudyConfig, data_or_task: PathLike | None = None, *, out: PathLike, **options: Any) -> Study:
    """Run a whole study: read the activations, find the smallest neuron sets, score them on test.

    The same call on the same folder continues where it was stopped, and returns at once where all is done.

    Examples:
        >>> study = ns.run("neurosieve/encoder", "token-tagging-java", classes=["NUMBER", "STRING"], out="runs/java")
        >>> print(study.headline)
        9... of ... neurons can go: ... stay within ...

    Args:
        model: Hub name, local folder, `.gguf` file, or a model of this package (`neurosieve models` lists those); or a
            `StudyConfig`, for example that of another run.
        data_or_task: Folder or file of labelled data, `stdlib`, `installed`, or a task that is made from source code,
            such as `variable-misuse` (`neurosieve tasks` lists those).
        out: The run folder.
        **options: Fields of `StudyConfig`, for example `task="defect-detection"` or `rows={"train": 500}`.

    Raises:
        ConfigError: An option that is not known or does not fit.
        RunFolderError: The folder belongs to another study.
        NeurosieveError: See the errors; what was finished before stays.
    """
    from neurosieve.studies.redundancy.run import run_study

    run_study(_config(model, data_or_task, options), out)
    return Study(out)


def load(folder: PathLike) -> Study:
    """Open a finished run. Nothing that computes is loaded: neither torch nor transformers.

    Examples:
        >>> ns.load("runs/java").to_frame("trust").columns
        ['key', 'question', 'answer', 'figures']

    Args:
        folder: The `out` of an earlier `run` or command.

    Raises:
        RunFolderError: It is no run folder, nothing was finished in it, or a file is damaged (says what is missing and
            the command that makes it).
    """
    study = Study(folder)
    if study.config and not (_holds(folder, CONCEPTS) or study.interventions):
        load_summary(folder)  # says what is missing
    return study


def plan(model: PathLike | StudyConfig, data_or_task: PathLike | None = None, **options: Any) -> "Cost":
    """What a run would cost: rows, disk, arithmetic, time. Reads no weights and writes nothing.

    Examples:
        >>> cost = ns.plan("neurosieve/encoder", "token-tagging-java", classes=["NUMBER", "STRING"])
        >>> sorted(cost.rows), cost.store_bytes > 0
        (['test', 'train', 'validation'], True)

    Args:
        model: As `run` takes it, and so the others.
        data_or_task: Labelled data, or a task that is made from source code.
        **options: Fields of `StudyConfig`.

    Raises:
        NeurosieveError: What `run` would raise for the same options.
    """
    from neurosieve.studies.cost import plan_study

    return plan_study(_config(model, data_or_task, options))


def extract(
    model: Any, data_or_task: Any = None, *earlier: Any, out: PathLike | None = None, **options: Any
) -> "ActivationStore":
    """Only write the activations of a study's rows into its run folder; `run` or `redundancy` continues from there.

    Examples:
        >>> store = ns.extract("neurosieve/encoder", "token-tagging-java", out="runs/activations")
        >>> store["train", 2].shape == (store.manifest.rows["train"], store.manifest.width)
        True

    Args:
        model: As `run` takes it, and so the others.
        data_or_task: Labelled data, or a task that is made from source code.
        *earlier: A sample and a folder, after a loaded model and a `Dataset`: of the function that had this name,
            `neurosieve.activations.extract`. It goes with the next release.
        out: The run folder.
        **options: Fields of `StudyConfig`.

    Raises:
        NeurosieveError: As `run`.
    """
    if earlier or "url" in options:
        return earlier_extract(model, data_or_task, *earlier, **options)
    if out is None:
        raise ConfigError("extract", expected="out=, the run folder", got="none", remedy='add out="runs/NAME"')
    from neurosieve.studies.inputs import extract_study

    return extract_study(_config(model, data_or_task, options), out)


def redundancy(
    run: PathLike | None = None, *, activations: PathLike | None = None, out: PathLike | None = None, **options: Any
) -> Study:
    """The smallest neuron sets alone: of a finished extraction, or of activations that another tool wrote.

    Examples:
        >>> study = ns.redundancy("runs/java")
        >>> [len(found.neurons) for found in study.minimal_sets]
        [...]

    Args:
        run: Run folder of a finished extraction; or, in its place,
        activations: a file or folder of activations made elsewhere.
        out: The run folder for those.
        **options: Fields of `StudyConfig` for those, for example `classes`.

    Raises:
        ConfigError: Both of them, or none; options together with a run folder, which has its own.
        NeurosieveError: As `run`.
    """
    from neurosieve.studies.redundancy.run import continue_study, run_study

    if run is not None and activations is None and out is None and not options:
        continue_study(run)
        return Study(run)
    if run is not None or activations is None or out is None:
        raise ConfigError(
            "redundancy",
            expected="a run folder alone, or activations= and out=",
            got="another choice",
            remedy='for example redundancy("runs/java"), or redundancy(activations="train.hdf5", out="runs/imported")',
        )
    run_study(make_config(options={"activations": str(activations), **options}), out)
    return Study(out)


def concepts(run: PathLike, properties: Sequence[str] | None = None, **options: Any) -> ConceptResult:
    """Which neurons hold which properties of code, in a run folder: found there before, or found now.

    Examples:
        >>> found = ns.concepts("runs/java", ["lexical"])
        >>> print(found["lexical=number"])
        lexical=number, view detect: ...

    Args:
        run: The run folder. Its task need not have been studied: `extract`, or `run` with few rows, makes one.
        properties: See `Study.concepts`.
        **options: Of concepts.

    Raises:
        NeurosieveError: See `Study.concepts`.
    """
    return _begun(run).concepts(properties, **options)


def intervene(run: PathLike, concept: Any = None, edit: EditKind = "ablate", **options: Any) -> InterventionResult:
    """Change a concept's neurons in the live model of a run: what it predicts then, compared with matched random edits.

    Examples:
        >>> effect = ns.intervene("runs/java", "lexical=number", edit="ablate", sets=20, tokens=1000)
        >>> print(effect)
        ablate (mean) lexical=number ... what the model predicts ...
          edited: ...

    Args:
        run: Run folder in which concepts were looked for.
        concept: `property=value`.
        edit: `ablate`, `clamp`, `steer` or `erase`.
        **options: See `Study.intervene`.

    Raises:
        NeurosieveError: See `Study.intervene`.
    """
    if not isinstance(concept, str):
        return earlier_intervene(run, concept, **options)
    return _begun(run).intervene(concept, edit, **options)


def finetune(
    model: Any,
    data_or_task: Any = None,
    *earlier: Any,
    out: PathLike | None = None,
    training: Mapping[str, Any] | None = None,
    **options: Any,
) -> "Finetuned":
    """Train a model and a new head on a task: an ordinary transformers folder, which `run` takes as a model.

    Examples:
        >>> tuned = ns.finetune("neurosieve/encoder", "functions", task="defect-detection", out="tuned",
        ...     training={"epochs": 1})
        >>> tuned.to_frame().height
        1

    Args:
        model: As `run` takes it, and so the others.
        data_or_task: Labelled data, or a task that is made from source code.
        *earlier: Of the function that had this name, which took a `StudyConfig`, a folder and `FinetuneOptions`.
        out: Folder of the model.
        training: Fields of `FinetuneOptions`: `epochs`, `rate`, `batch`, `patience`.
        **options: Fields of `StudyConfig`; of these model, data, splits, classes, seed and device are used.

    Raises:
        NeurosieveError: See the errors; the extra `train` has to be installed.
    """
    if earlier or (isinstance(model, StudyConfig) and data_or_task is not None):
        return earlier_finetune(model, data_or_task, *earlier, out=out, **options)
    if out is None:
        raise ConfigError("finetune", expected="out=, the model's folder", got="none", remedy='add out="tuned"')
    from neurosieve.studies.finetune.run import finetune as train

    return train(_config(model, data_or_task, options), out, FinetuneOptions.model_validate(dict(training or {})))


def compare(*runs: PathLike, out: PathLike | None = None, **options: Any) -> "ComparisonResult":
    """What finished runs have in common, each figure beside chance: by their stored activations, without a model.

    Examples:
        >>> found = ns.compare("runs/java", "runs/again")
        >>> found.pairs[0].relation.value, len(found.to_frame("runs"))
        ('same model', 2)

    Args:
        *runs: Two run folders or more.
        out: Folder for `compare.json` and a page; nothing is written without one.
        **options: Others of `neurosieve compare`, for example `parts=("sets", "roles")`.

    Raises:
        ConfigError: Fewer than two runs, or one twice; an option that is not known.
        RunFolderError: A run without a ranking.
        DataError: A part that was asked for cannot be measured of two of them (says why).
    """
    from neurosieve.studies.compare.run import compare as compare_runs
    from neurosieve.studies.compare_options import CompareOptions

    return compare_runs(runs, out, CompareOptions.model_validate(options))


def report(run: PathLike, to: PathLike | None = None) -> PathLike:
    """Write the page of all that a run folder holds; returns where.

    Examples:
        >>> print(ns.report("runs/java", to="java.html"))
        java.html

    Args:
        run: The run folder.
        to: The file; `report.html` in the run folder by default.

    Raises:
        RunFolderError: Nothing was finished there.
        ResourceError: It cannot be written.
    """
    return Study(run).report(to)


def load_dataset(data_or_task: PathLike, **options: Any) -> "Dataset":
    """Labelled code as a study reads it, to be looked at before it is run.

    Examples:
        >>> dataset = ns.load_dataset("token-tagging-java")
        >>> len(dataset.split("train")) > 0, dataset.to_frame().columns[:3]
        (True, ['example', 'split', 'group'])

    Args:
        data_or_task: As `run` takes it.
        **options: Fields of `StudyConfig` that say how data is read: `task`, `labels`, `text_column`, `splits`, …

    Raises:
        ConfigError: An option that is not known or does not fit.
        DataError: Unreadable or unfit data.
    """
    from neurosieve.studies.inputs import read_dataset

    return read_dataset(_config("neurosieve/encoder", data_or_task, options))  # no model is loaded


def _config(model: PathLike | StudyConfig, data_or_task: PathLike | None, options: Mapping[str, Any]) -> StudyConfig:
    """The study of a model and data; a `StudyConfig` is the model's, with what is given changed."""
    given = dict(model.model_dump(mode="json")) if isinstance(model, StudyConfig) else {"model": str(model)}
    if data_or_task is not None:
        if not isinstance(data_or_task, str | OsPath):
            raise ConfigError(
                "data",
                expected="a folder, a file or the name of a task",
                got=type(data_or_task).__name__,
                remedy="a run reads its data again when it continues: give dataset.save(FOLDER)",
            )
        key = "corpus" if data_or_task in CORPORA else "data"
        given[key] = str(data_or_task)
    return make_config(options=given | dict(options))


def _holds(folder: PathLike, name: str) -> bool:
    return Folder(folder).exists(name)


def _begun(run: PathLike) -> Study:
    """A run folder in which something can be looked for.

    Raises:
        RunFolderError: It is none.
    """
    config_of(run)
    return Study(run)
