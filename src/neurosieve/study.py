"""The whole way in one place: data → activations → selection → the test split, opened once → summary."""

from dataclasses import dataclass

from neurosieve.activations.extract import ExtractionOptions, extract
from neurosieve.activations.store import ActivationStore
from neurosieve.config import STDLIB, StudyConfig
from neurosieve.data import Dataset, Sample, read_stdlib, read_tagging, sample_rows
from neurosieve.errors import ConfigError
from neurosieve.models import load_model, resolve_device
from neurosieve.probes import selection_data
from neurosieve.runfolder import RunFolder, versions
from neurosieve.selection import Selection, load_selection, select
from neurosieve.summary import Summary, summarise
from neurosieve.typing import PathLike

STORE = "activations"


@dataclass(frozen=True)
class StudyData:
    """What a study reads: the data set, the rows drawn from it, and hashes that tell it apart."""

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


def run_study(config: StudyConfig, out: PathLike) -> Summary:
    """Run a study into a folder, or go on with one that was begun there.

    Args:
        config: What is studied and how.
        out: The run folder; an earlier, killed run of the same study is continued.

    Raises:
        NeurosieveError: See `neurosieve.errors`; what was finished before stays.
    """
    data = read_data(config)
    folder = RunFolder(out, config, data.hashes)
    record = folder.load("summary.json")
    if record is None:
        store = extract_stage(config, data, folder)
        selection = selection_stage(config, store, folder)
        with folder.stage("test"):
            record = summarise(config, store, selection)
        record |= {
            "notes": [*notes(config, data), *model_notes(store)],
            "seconds": folder.seconds,
            "peak_rss_mb": folder.peak_rss_mb(),
            "versions": versions(),
            "data_hashes": data.hashes,
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
        model = load_model(
            config.model,
            device=config.device,
            precision=config.precision,
            trust_remote_code=config.trust_remote_code,
            allow_pickle=config.allow_pickle,
            max_tokens=config.max_tokens,
        )
        options = ExtractionOptions(config.pooling, config.straddle == "drop", config.batch_tokens, config.dtype)
        return extract(model, data.dataset, data.sample, url, options)


def selection_stage(config: StudyConfig, store: ActivationStore, folder: RunFolder) -> Selection:
    """Everything chosen on train and validation; read from the folder where it is already there."""
    if not folder.files.exists("selection.json"):
        with folder.stage("selection"):
            device = resolve_device(config.device)
            data = selection_data(store.read("train"), store.read("validation"), device)
            select(data, config).save(folder.files)
    return load_selection(folder.files)


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
