"""What a study reads: its data and rows, its model, and the activations of the rows."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from neurosieve.activations.extraction import ExtractionOptions, extract
from neurosieve.activations.foreign.importing import import_activations
from neurosieve.activations.store import ActivationStore
from neurosieve.data import (
    Dataset,
    Sample,
    read_examples,
    read_installed,
    read_pairs,
    read_stdlib,
    read_tagging,
    sample_rows,
)
from neurosieve.data.checks import check_dataset
from neurosieve.data.corpora.catalogue import read_corpus
from neurosieve.data.dealing import refuse_shares
from neurosieve.errors import ConfigError
from neurosieve.models import CodeModel, LanguageModel, load_language_model, load_model
from neurosieve.models.adapters import Kind
from neurosieve.rankings import CLASS_RANKINGS
from neurosieve.studies.config import INSTALLED, STDLIB, StudyConfig
from neurosieve.studies.run_folder import STORE, RunFolder
from neurosieve.studies.steps import Steps
from neurosieve.typing import PathLike, Pooling

_SAMPLES = {STDLIB: read_stdlib, INSTALLED: read_installed}


@dataclass(frozen=True)
class StudyData:
    """What a study reads: the data set, the rows drawn from it, and hashes that identify it."""

    dataset: Dataset
    sample: Sample

    @property
    def hashes(self) -> dict[str, str]:
        """sha256 of each data file."""
        return dict(self.dataset.hashes)


def read_data(config: StudyConfig) -> StudyData:
    """Read the data and draw the rows.

    Raises:
        DataError: Unreadable or unfit data.
        ConfigError: Source files without a label scheme; what knows classes alone for labels that are values.
    """
    dataset = read_dataset(config)
    if dataset.numeric:
        _check_fits_values(config)
    if config.pair_input == "joint":
        dataset = dataset.joined()
    rows = sample_rows(
        dataset, classes=config.classes, per_class=config.rows.by_split(), seed=config.seed, draw=config.draw
    )
    return StudyData(dataset, rows)


def read_dataset(config: StudyConfig) -> Dataset:
    """Read the data as the task has it.

    Raises:
        DataError: Unreadable or unfit data.
        ConfigError: Source files without a label scheme.
    """
    if config.corpus is not None:
        folder = None if config.data == STDLIB else config.data
        return read_corpus(config.corpus, folder, seed=config.seed, limits=config.limits)
    if config.data not in _SAMPLES:
        return _read_folder(config)
    if config.labels is None:
        raise ConfigError(
            f"data {config.data}", expected="--labels lexical or identifier-role", got="none", remedy="add --labels"
        )
    refuse_shares(config.splits, f"data {config.data}", "a fixed sample")
    return _SAMPLES[config.data](config.labels)


def _check_fits_values(config: StudyConfig) -> None:
    """The published study and some rankings know classes alone."""
    unfit = ", ".join(name for name in config.rankings if name in CLASS_RANKINGS)
    for option, got, expected in (
        ("protocol", "published" if config.protocol == "published" else "", "sound"),
        ("rankings", unfit, f"others than {' and '.join(CLASS_RANKINGS)}"),
    ):
        if got:
            raise ConfigError(
                f"option {option}",
                expected=f"{expected} where labels are values",
                got=got,
                remedy=f"leave it out of --{option}, or pass --target classes",
            )


def _read_folder(config: StudyConfig) -> Dataset:
    splits: dict[str, Any] = {
        "splits": config.splits,
        "validation_from_train": config.validation_from_train,
        "keep_overlap": config.keep_overlap,
        "seed": config.seed,
        "limits": config.limits,
    }
    if not config.whole:
        return read_tagging(config.data, labels=config.labels, **splits)
    text, *others, label = config.columns
    if not others:
        return read_examples(config.data, text=text, label=label, target=config.target, **splits)
    functions = config.task == "clone-detection", True  # a query is no function
    columns = text, others[0], label
    return read_pairs(config.data, columns=columns, target=config.target, functions=functions, **splits)


def model_of(config: StudyConfig) -> CodeModel:
    """The study's model, loaded."""
    return load_model(config.model, **_loading(config))


def language_model_of(config: StudyConfig) -> LanguageModel:
    """The study's model with its language-model head, loaded."""
    return load_language_model(config.model, **_loading(config))


def _loading(config: StudyConfig) -> dict[str, Any]:
    keys = ("device", "precision", "trust_remote_code", "allow_pickle", "max_tokens", "stack", "site")
    return {key: getattr(config, key) for key in keys}


def pooling_of(config: StudyConfig, kind: Kind) -> Pooling:
    """Which subwords represent a unit: those in which the kind of model summarises an example."""
    if config.pooling != "auto":
        return config.pooling
    if not config.whole:
        return "mean"
    return "first" if kind == "encoder" else "last"


def options_of(config: StudyConfig, kind: Kind) -> ExtractionOptions:
    """How the study reads rows with a model of some kind."""
    return ExtractionOptions(
        pooling_of(config, kind),
        config.straddle == "drop",
        config.batch_tokens,
        config.dtype,
        max_windows=config.max_windows,
    )


def extract_study(config: StudyConfig, out: PathLike) -> ActivationStore:
    """Only write the activations of a study's rows into its run folder, or continue them.

    Raises:
        NeurosieveError: See `neurosieve.errors`; what was finished before stays.
    """
    data = read_data(config)
    with RunFolder.begun(out, config, data.hashes) as folder:
        return extract_stage(config, data, folder)


def extract_stage(config: StudyConfig, data: StudyData, folder: RunFolder) -> ActivationStore:
    """The activations of the study's rows; read from the folder where they are already whole."""

    def read() -> ActivationStore:
        model, url = model_of(config), f"{folder.path}/{STORE}"
        return extract(model, data.dataset, data.sample, url, options_of(config, model.adapter.kind))

    return Steps(folder).store("extract", read)


def import_stage(config: StudyConfig, folder: RunFolder) -> ActivationStore:
    """Activations made elsewhere, as a store of our own."""
    make = partial(
        import_activations,
        str(config.activations),
        f"{folder.path}/{STORE}",
        classes=config.classes,
        per_class=config.rows.by_split(),
        seed=config.seed,
        shares=config.splits,
        limits=config.limits,
    )
    return Steps(folder).store("import", make)


def notes(config: StudyConfig, data: StudyData) -> list[str]:
    """What a user has to know of the rows."""
    result = [data.dataset.source, *check_dataset(data.dataset, data.sample)]
    result += [f"{count:,} {what}" for what, count in data.dataset.notes.items()]
    return result + data.sample.notes(config.rows.by_split())
