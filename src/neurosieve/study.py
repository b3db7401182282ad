"""The whole way in one place: data → activations → stages on train and validation → test, opened once → summary."""

from pathlib import Path

from neurosieve.activations.extract import extract
from neurosieve.activations.foreign import import_activations
from neurosieve.activations.store import ActivationStore
from neurosieve.config import STDLIB, StudyConfig
from neurosieve.data import read_stdlib, read_tagging, sample_rows
from neurosieve.data.files import file_hashes
from neurosieve.errors import ConfigError, RunFolderError
from neurosieve.runfolder import RunFolder, config_of, versions
from neurosieve.stages import StudyData, Work, find, model_of, options_of, published_stage
from neurosieve.summary import Summary, summarise
from neurosieve.typing import PathLike

STORE = "activations"


def read_data(config: StudyConfig) -> StudyData:
    """Read the data and draw the rows.

    Raises:
        DataError: Unreadable or unfit data.
        ConfigError: Source files without a label scheme.
    """
    if config.data == STDLIB:
        if config.labels is None:
            raise ConfigError(
                "data stdlib", expected="--labels lexical or identifier-role", got="none", remedy="add --labels"
            )
        dataset = read_stdlib(config.labels)
    else:
        dataset = read_tagging(
            config.data,
            labels=config.labels,
            validation_from_train=config.validation_from_train,
            keep_overlap=config.keep_overlap,
            seed=config.seed,
        )
    rows = sample_rows(dataset, classes=config.classes, per_class=config.rows.by_split(), seed=config.seed)
    return StudyData(dataset, rows)


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
    record = folder.load("summary.json")
    if record is None:
        store = extract_stage(config, data, folder) if data else import_stage(config, folder)
        work = Work(config, store, folder, data)
        found = find(work)
        with folder.stage("test"):
            record = summarise(config, store, found)
        if config.protocol == "published":
            with folder.stage("published"):
                record["published"] = published_stage(work, found, record)
        record |= {
            "notes": [*(notes(config, data) if data else ()), *model_notes(store)],
            "seconds": folder.seconds,
            "peak_rss_mb": folder.peak_rss_mb(),
            "versions": versions(),
            "data_hashes": hashes,
        }
        folder.save("summary.json", record)
    return Summary(record)


def extract_stage(config: StudyConfig, data: StudyData, folder: RunFolder) -> ActivationStore:
    """The activations of the study's rows; read from the folder where they are already whole."""
    url = folder.path / STORE
    if ActivationStore.started(url) and (store := ActivationStore(url)).manifest.complete:
        store.verify()
        return store
    with folder.stage("extract"):
        return extract(model_of(config), data.dataset, data.sample, url, options_of(config))


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
        )


def notes(config: StudyConfig, data: StudyData) -> list[str]:
    """What a reader has to know of the rows."""
    result = [data.dataset.source]
    result += [f"{count:,} {what}" for what, count in data.dataset.notes.items()]
    wanted = config.rows.by_split()
    for (name, split), count in data.sample.short.items():
        result.append(f"{name}/{split}: only {count:,} rows, {wanted[split]:,} asked for")
    return result


def model_notes(store: ActivationStore) -> list[str]:
    """What a reader has to know of the model's reading."""
    manifest = store.manifest
    result = list(manifest.notes)
    if manifest.long_examples:
        result.append(f"{manifest.long_examples:,} examples were cut into overlapping windows")
    wide = [i for i, dtype in enumerate(manifest.dtypes) if dtype == "float32"]
    if wide and len(wide) < manifest.layers:
        result.append(f"layers stored in float32, as float16 would lose more than 1 %: {', '.join(map(str, wide))}")
    return result
