"""The whole way in one place: data → activations → stages on train and validation → test, opened once → summary."""

from pathlib import Path
from typing import Any

from neurosieve.activations.extraction import extract
from neurosieve.activations.foreign.importing import import_activations
from neurosieve.activations.store import ActivationStore
from neurosieve.data import Dataset, read_examples, read_installed, read_pairs, read_stdlib, read_tagging, sample_rows
from neurosieve.data.checks import check_dataset
from neurosieve.data.corpora.catalogue import read_corpus
from neurosieve.data.dealing import refuse_shares
from neurosieve.data.readers.files import file_hashes
from neurosieve.errors import ConfigError, ResourceError, RunFolderError
from neurosieve.progress import tell
from neurosieve.rankings import OF_CLASSES
from neurosieve.report import render_page
from neurosieve.results import InterventionResult, from_json
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_result
from neurosieve.studies.config import INSTALLED, STDLIB, StudyConfig
from neurosieve.studies.redundancy.choose import (
    STAGES,
    StudyData,
    Work,
    find,
    model_of,
    options_of,
    pooling_of,
    published_stage,
)
from neurosieve.studies.redundancy.summary import FORMAT as SUMMARY_FORMAT
from neurosieve.studies.redundancy.summary import Summary, summarise
from neurosieve.studies.run_folder import RunFolder, config_of, versions
from neurosieve.typing import PathLike

STORE = "activations"
REPORT = "report.html"
CONCEPTS = "concepts.json"
INTERVENTIONS = "interventions"
_SAMPLES = {STDLIB: read_stdlib, INSTALLED: read_installed}


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
    rows = sample_rows(dataset, classes=config.classes, per_class=config.rows.by_split(), seed=config.seed)
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
    unfit = ", ".join(name for name in config.rankings if name in OF_CLASSES)
    for option, got, expected in (
        ("protocol", "published" if config.protocol == "published" else "", "sound"),
        ("rankings", unfit, f"others than {' and '.join(OF_CLASSES)}"),
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


def continue_study(run: PathLike) -> Summary:
    """Go on with the study of a run folder whose extraction is finished, by the options it was begun with.

    Raises:
        RunFolderError: No run folder, or its activations are not whole (says the command for them).
    """
    config = config_of(run)
    url = Path(run) / STORE
    if config.activations is None and not (ActivationStore.started(url) and ActivationStore(url).manifest.complete):
        raise RunFolderError(
            f"run folder {run}",
            expected="a finished extraction",
            got="none",
            remedy="run `neurosieve extract` with the study's options first",
        )
    return run_study(config, run)


def load_summary(run: PathLike) -> Summary:
    """The results of a finished run.

    Raises:
        RunFolderError: No run folder, or one without results (names the stages that are missing and the command that
            goes on), or results of another format version.
    """
    config_of(run)  # says so where this is no run folder
    files = Folder(run)
    record = read_result(files, "summary.json")
    if record is None:
        store = Path(run) / STORE
        if ActivationStore.started(store) and ActivationStore(store).manifest.complete:
            lacking = [*(name for name in STAGES if not files.exists(f"{name}.json")), "summary"]
            command = f"neurosieve redundancy {run}"
        else:
            lacking, command = ["activations", *STAGES, "summary"], f"neurosieve run {run}/study.yaml --out {run}"
        raise RunFolderError(
            f"run folder {run}",
            expected="results (summary.json)",
            got=f"none: {', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing",
            remedy=f"run `{command}`",
        )
    return Summary(_of_format(record, f"{run}/summary.json", SUMMARY_FORMAT))


def _of_format(record: dict[str, Any], where: str, version: int) -> dict[str, Any]:
    if record.get("format") != version:
        raise RunFolderError(
            where,
            expected=f"format version {version}",
            got=f"version {record.get('format')}",
            remedy="read it with the version that wrote it, or compute it anew in another folder",
        )
    return record


def load_interventions(run: PathLike) -> list[InterventionResult]:
    """What interventions of a run measured, by the names of their files.

    Raises:
        RunFolderError: A file that is damaged or of another format version.
    """
    folder = Path(run) / INTERVENTIONS
    names = sorted(p.name for p in folder.glob("*.json") if not p.name.startswith("."))
    found = {name: read_result(Folder(run), f"{INTERVENTIONS}/{name}") for name in names}
    return [from_json(InterventionResult, record, f"{folder}/{name}") for name, record in found.items() if record]


def write_report(run: PathLike, to: PathLike | None = None) -> Path:
    """Write the page of what a run folder holds (a study, concepts, interventions) there or elsewhere; returns where.

    Raises:
        RunFolderError: None of them, see `load_summary`; or a file that is damaged or of another format version.
        ResourceError: The target cannot be written.
    """
    config_of(run)  # says so where this is no run folder
    concepts, interventions = read_result(Folder(run), CONCEPTS), load_interventions(run)
    if concepts is not None:
        _of_format(concepts, f"{run}/{CONCEPTS}", 1)
    alone = (concepts is not None or interventions) and not Folder(run).exists("summary.json")
    summary = None if alone else load_summary(run).record
    target = Path(to) if to else Path(run) / REPORT
    if target.is_dir():
        raise ResourceError(f"report {target}", expected="a file to write", got="a folder", remedy="name a file")
    page = render_page(summary, Path(run).resolve().name, concepts, interventions)
    Folder(target.parent).write(target.name, page.encode())
    return target


def run_study(config: StudyConfig, out: PathLike) -> Summary:
    """Run a study into a folder, or go on with one that was begun there.

    Args:
        config: What is studied and how.
        out: The run folder; an earlier, killed run of the same study is continued.

    Raises:
        NeurosieveError: See `neurosieve.errors`; what was finished before stays.
    """
    data = read_data(config) if config.activations is None else None
    hashes = data.hashes if data else file_hashes(str(config.activations))
    folder = RunFolder(out, config, hashes)
    with folder.begun():
        record = read_result(folder.files, "summary.json")
        if record is None:
            record = folder.save("summary.json", _study(config, data, folder))
            write_report(out)  # a page of concepts may lie there
        elif not folder.files.exists(REPORT):
            write_report(out)
    return Summary(record)


def _study(config: StudyConfig, data: StudyData | None, folder: RunFolder) -> dict[str, Any]:
    """The content of summary.json."""
    of_data = notes(config, data) if data else []
    tell(of_data)
    store = extract_stage(config, data, folder) if data else import_stage(config, folder)
    work = Work(config, store, folder, data)
    found = find(work)
    with folder.stage("test"):
        record = summarise(config, store, found)
    if config.protocol == "published":
        with folder.stage("published"):
            record["published"] = published_stage(work, found, record)
    return record | {
        "notes": [*of_data, *model_notes(config, store)],
        "seconds": folder.seconds,
        "peak_rss_mb": folder.peak_rss_mb(),
        "versions": versions(),
        "data_hashes": dict(folder.data_hashes),
    }


def extract_stage(config: StudyConfig, data: StudyData, folder: RunFolder) -> ActivationStore:
    """The activations of the study's rows; read from the folder where they are already whole."""
    url = folder.path / STORE
    if ActivationStore.started(url) and (store := ActivationStore(url)).manifest.complete:
        store.verify()
        return store
    with folder.stage("extract"):
        model = model_of(config)
        return extract(model, data.dataset, data.sample, url, options_of(config, model.adapter.kind))


def import_stage(config: StudyConfig, folder: RunFolder) -> ActivationStore:
    """Activations made elsewhere, as a store of our own."""
    url = folder.path / STORE
    if ActivationStore.started(url) and (store := ActivationStore(url)).manifest.complete:
        store.verify()
        return store
    with folder.stage("import"):
        return import_activations(
            str(config.activations),
            url,
            classes=config.classes,
            per_class=config.rows.by_split(),
            seed=config.seed,
            shares=config.splits,
            limits=config.limits,
        )


def notes(config: StudyConfig, data: StudyData) -> list[str]:
    """What a reader has to know of the rows."""
    result = [data.dataset.source, *check_dataset(data.dataset, data.sample)]
    result += [f"{count:,} {what}" for what, count in data.dataset.notes.items()]
    return result + data.sample.notes(config.rows.by_split())


def model_notes(config: StudyConfig, store: ActivationStore) -> list[str]:
    """What a reader has to know of the model's reading."""
    manifest = store.manifest
    result = list(manifest.notes)
    if config.whole:
        stands = {"mean": "the mean of all its tokens", "first": "its first token", "last": "its last token"}
        joint = "a pair, both texts in one input," if len(config.columns) == 3 else "an example"
        what = "either side of a pair" if manifest.sides == 2 else joint
        result.append(f"{what} is read off {stands[pooling_of(config, manifest.adapter['kind'])]}")
    if manifest.site == "mlp":
        result.append(
            "neurons are feed-forward units after their activation: layer k holds those of block k + 1, and there is no"
            " layer of embeddings"
        )
    if manifest.sides == 2:
        result.append("a neuron counts by |u - v| and u * v of its values u and v for the two sides of a pair")
    if manifest.long_examples:
        read = f", of which the first {config.max_windows} were read" if config.max_windows else ""
        result.append(f"{manifest.long_examples:,} examples were cut into overlapping windows{read}")
    if (cut := manifest.counts.get("truncated")) and config.whole:
        result.append(f"{cut:,} {'pairs' if len(config.columns) == 3 else 'examples'} lost the end of what did not fit")
    wide = [i for i, dtype in enumerate(manifest.dtypes) if dtype == "float32"]
    if wide and len(wide) < manifest.layers:
        result.append(f"layers stored in float32, as float16 would lose more than 1 %: {', '.join(map(str, wide))}")
    return result
