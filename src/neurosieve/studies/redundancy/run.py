"""The whole way in one place: data → activations → stages on train and validation → test, opened once → summary."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from neurosieve.activations.store import ActivationStore
from neurosieve.data.readers.files import file_hashes
from neurosieve.errors import ConfigError, RunFolderError
from neurosieve.progress import print_notes
from neurosieve.results import RedundancyResult
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.finished import load_summary, write_report
from neurosieve.studies.inputs import StudyData, extract_stage, import_stage, notes, pooling_of, read_data
from neurosieve.studies.redundancy.choose import RedundancyStudy, choose, published_stage
from neurosieve.studies.redundancy.opened import open_test
from neurosieve.studies.redundancy.summary import summarise
from neurosieve.studies.run_folder import REPORT, SUMMARY, RunFolder, config_of, versions, whole_store
from neurosieve.studies.steps import Steps
from neurosieve.typing import PathLike


def continue_study(run: PathLike) -> RedundancyResult:
    """Continue the study of a run folder whose extraction is finished, by the options it was begun with.

    Raises:
        RunFolderError: No run folder, or its activations are not whole (says the command for them).
    """
    config = config_of(run)
    if config.activations is None and whole_store(run) is None:
        raise RunFolderError(
            f"run folder {run}",
            expected="a finished extraction",
            got="none",
            remedy="run `neurosieve extract` with the study's options first",
        )
    return run_study(config, run)


def run_study(config: StudyConfig, out: PathLike, *, no_store: bool = False) -> RedundancyResult:
    """Run a study into a folder, or continue one that was begun there.

    Args:
        config: What is studied and how.
        out: The run folder; an earlier, killed run of the same study is continued.
        no_store: Write no activations: the model reads the rows each time they are asked for.

    Raises:
        NeurosieveError: See `neurosieve.errors`; what was finished before stays.
    """
    if no_store and config.activations is not None:
        raise ConfigError(
            "option no-store", expected="a model that reads the rows", got="activations", remedy="leave one of them out"
        )
    data = read_data(config) if config.activations is None else None
    hashes = data.hashes if data else file_hashes(str(config.activations))
    with RunFolder.begun(out, config, hashes) as folder:
        done = folder.files.exists(SUMMARY)
        make = partial(_study, config, data, folder, no_store=no_store)
        result = load_summary(out) if done else Steps(folder).make(Path(SUMMARY).stem, make, timed="")
        if not done or not folder.files.exists(REPORT):  # there may be a page of concepts
            write_report(out)
    return result


def _study(config: StudyConfig, data: StudyData | None, folder: RunFolder, *, no_store: bool) -> RedundancyResult:
    """What summary.json is to hold."""
    of_data = notes(config, data) if data else []
    print_notes(of_data)
    store = extract_stage(config, data, folder, no_store=no_store) if data else import_stage(config, folder)
    work = RedundancyStudy(config, store, folder, data)
    findings = choose(work)
    with folder.stage("test"):
        test = open_test(config, store, findings.selection.scaler)  # the one place
        result = summarise(config, store.manifest, findings, test)
    if config.protocol == "published":
        with folder.stage("published"):
            result = replace(result, published=published_stage(work, findings, result, test))
    return replace(
        result,
        notes=(*of_data, *model_notes(config, store)),
        seconds=folder.seconds,
        peak_rss_mb=folder.peak_rss_mb(),
        versions=versions(),
        data_hashes=dict(folder.data_hashes),
    )


def model_notes(config: StudyConfig, store: ActivationStore) -> list[str]:
    """What a user has to know of the model's reading."""
    manifest = store.manifest
    result = list(manifest.notes)
    if config.whole:
        read_off = {"mean": "the mean of all its tokens", "first": "its first token", "last": "its last token"}
        joint = "a pair, both texts in one input," if len(config.columns) == 3 else "an example"
        what = "either side of a pair" if manifest.sides == 2 else joint
        result.append(f"{what} is read off {read_off[pooling_of(config, manifest.adapter['kind'])]}")
    if manifest.site != "hidden":
        units = {"mlp": "feed-forward units after their activation", "attention": "outputs of attention heads"}
        where = "layer k holds those of block k + 1, and there is no layer of embeddings"
        result.append(f"neurons are {units[manifest.site]}: {where}")
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
