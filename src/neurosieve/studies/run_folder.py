"""A run folder: the resolved study, the store, one file per stage, the summary; a killed run continues."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil
import yaml

from neurosieve.errors import ConfigError, NeurosieveError, RunFolderError
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import FORMAT, STUDY, read_object, read_study, write_object
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.studies.config import StudyConfig, make_config, recorded
from neurosieve.studies.option_models import changed_options
from neurosieve.typing import PathLike

if TYPE_CHECKING:
    from neurosieve.activations.store import ActivationStore

STORE = "activations"
SUMMARY = "summary.json"
REPORT = "report.html"
CONCEPTS = "concepts.json"
INTERVENTIONS = "interventions"
EXPORTS = "exports"
MODULES = "modules"
CHANGES = "changes"  # inside the folder of modules
# In the order in which they run, after the extraction; untrained copies and the summary follow.
STAGES = ("selection", "layers", "clusters", "pipeline", "controls")

SECONDS = "seconds.json"
_PACKAGES = ("neurosieve", "torch", "transformers", "tokenizers", "numpy", "scipy", "tree-sitter", "tree-sitter-python")


def versions() -> dict[str, str]:
    """Versions of the packages that can move a result."""
    return {name: version(name) for name in _PACKAGES}


def export_name(out: PathLike) -> str:
    """What a run calls an export: the name of its folder, and part of a hash of the folder's whole path."""
    place = Path(out).resolve()
    return f"{place.name}-{hashlib.sha256(str(place).encode()).hexdigest()[:6]}"


def config_of(path: PathLike) -> StudyConfig:
    """The study that a run folder was begun with.

    Raises:
        RunFolderError: No run folder there, or its study.yaml is damaged or names what this version does not know.
    """
    files = Folder(path)
    if not files.exists(STUDY):
        raise RunFolderError(
            f"run folder {path}", expected="a study.yaml", got="none", remedy="point at the --out of an earlier command"
        )
    study = read_study(files)["study"]
    try:
        return make_config(options=recorded(study))
    except ConfigError as e:
        raise RunFolderError(
            f"{path}/{STUDY}, {e.subject}",
            expected=e.expected,
            got=e.got,
            remedy="put the file back as it was written, or use the version of neurosieve that wrote it",
        ) from e


def whole_store(run: PathLike) -> "ActivationStore | None":
    """The activations of a run folder; None while they are not all there.

    Raises:
        StoreError: They are damaged, or of another format version.
    """
    from neurosieve.activations.store import ActivationStore  # results are read without torch

    url = f"{run}/{STORE}"
    store = ActivationStore(url) if ActivationStore.started(url) else None
    return store if store and store.manifest.complete else None


class RunFolder:
    """Opens a new run folder, or the folder of the same study to continue it.

    Raises:
        RunFolderError: The folder belongs to another study (says which options differ), to another format
            version, or is no run folder.
        ResourceError: It cannot be written.
    """

    def __init__(self, path: PathLike, config: StudyConfig, data_hashes: Mapping[str, str]) -> None:
        self.files = Folder(path)
        self.path = self.files.url
        self._where = f"run folder {self.path}"
        self.data_hashes = data_hashes
        study, hashes = config.model_dump(mode="json"), dict(data_hashes)
        there = self.files.names()
        if there and STUDY not in there:
            raise RunFolderError(
                self._where,
                expected="an empty folder or an earlier run",
                got=f"other files ({there[0]} …)",
                remedy="choose another --out",
            )
        record = {"format": FORMAT, "study": study, "data_hashes": hashes, "versions": versions()}
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True).encode()
        # Never written over: another process may have begun its study here since the folder was looked at.
        self._begun_here = self.files.create(STUDY, text)
        if not self._begun_here:
            self._compare(read_study(self.files), study, hashes)
        self.seconds = self._read_seconds()

    def _compare(self, old: dict[str, Any], study: dict[str, Any], hashes: dict[str, str]) -> None:
        # An option that came later had its default.
        was = StudyConfig.model_construct().model_dump(mode="json") | recorded(old["study"])
        had = old["data_hashes"]
        # Concepts are asked for after the study too, each time otherwise; their own folder holds their options. Limits
        # refuse data, and change nothing in what is read.
        study = {k: v for k, v in study.items() if k not in ("concepts", "limits")}
        changed = changed_options(was, study)
        changed += [f"content of {n}" for n in sorted(had.keys() | hashes.keys()) if had.get(n) != hashes.get(n)]
        if changed:
            raise RunFolderError(
                self._where,
                expected="the study that it was begun with",
                got=f"other options: {'; '.join(changed)}",
                remedy="choose another --out, or use the old options to continue",
            )

    @classmethod
    @contextmanager
    def begun(cls, path: PathLike, config: StudyConfig, data_hashes: Mapping[str, str]) -> Iterator[Self]:
        """Open the folder as its only writer; refused before it wrote anything, a study leaves it free for others."""
        with sole_writer(path):
            folder = cls(path, config, data_hashes)
            try:
                yield folder
            except NeurosieveError:
                if folder._begun_here and folder.files.names() == [STUDY]:
                    folder.files.remove(STUDY)
                raise

    def load(self, name: str) -> dict[str, Any] | None:
        """What was saved under a name; None while it is not there.

        Raises:
            RunFolderError: It is damaged, see `records.read_object`.
        """
        return read_object(self.files, name)

    def save(self, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Write a JSON file at once or not at all; returns the record as it was written."""
        return write_object(self.files, name, value)

    def _read_seconds(self) -> dict[str, float]:
        """Of each stage that is finished."""
        seconds = self.load(SECONDS) or {}
        for name, value in seconds.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise RunFolderError(
                    f"{self.path}/{SECONDS}",
                    expected="seconds of each stage",
                    got=f"{name}: {value!r:.40}",
                    remedy="delete the file and give the same command again: the times alone are lost",
                )
        return seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; seconds of an interrupted stage are not kept."""
        begin = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - begin, 2)
        self.save(SECONDS, self.seconds)

    @staticmethod
    def peak_rss_mb() -> float:
        """Peak memory of this process so far."""
        memory = psutil.Process().memory_info()
        peak = getattr(memory, "peak_wset", None) or _peak_unix()
        return round(peak / 2**20, 1)


def _peak_unix() -> int:
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
