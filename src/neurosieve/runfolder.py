"""A run folder: the resolved study, the store, one file per stage, the summary; a killed run goes on."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import yaml

from neurosieve.activations.store import Folder
from neurosieve.config import StudyConfig
from neurosieve.errors import ResourceError, RunFolderError
from neurosieve.typing import PathLike

FORMAT = 1
_PACKAGES = ("neurosieve", "torch", "transformers", "tokenizers", "numpy", "scipy", "tree-sitter", "tree-sitter-python")


def versions() -> dict[str, str]:
    """Versions of the packages that can move a result."""
    return {name: version(name) for name in _PACKAGES}


class RunFolder:
    """Opens a new run folder, or the folder of the same study to go on with it.

    Raises:
        RunFolderError: The folder belongs to another study (says which options differ), to another format
            version, or is no run folder.
        ResourceError: It cannot be written.
    """

    def __init__(self, path: PathLike, config: StudyConfig, data_hashes: Mapping[str, str]) -> None:
        self.path = Path(path)
        self.files = Folder(self.path)
        study = config.model_dump(mode="json")
        if (self.path / "study.yaml").is_file():
            self._compare(study, dict(data_hashes))
        else:
            self._begin(study, dict(data_hashes))
        self.seconds: dict[str, float] = self.load("seconds.json") or {}

    def _begin(self, study: dict[str, Any], data_hashes: dict[str, str]) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            strangers = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
        except OSError as e:
            raise ResourceError(
                f"run folder {self.path}",
                expected="a folder that can be written",
                got=e.strerror or str(e),
                remedy="choose another --out",
            ) from e
        if strangers:
            raise RunFolderError(
                f"run folder {self.path}",
                expected="an empty folder or an earlier run",
                got=f"other files ({strangers[0]} …)",
                remedy="choose another --out",
            )
        record = {"format": FORMAT, "study": study, "data_hashes": data_hashes, "versions": versions()}
        self.files.write("study.yaml", yaml.safe_dump(record, sort_keys=False, allow_unicode=True).encode())

    def _compare(self, study: dict[str, Any], data_hashes: dict[str, str]) -> None:
        where = f"run folder {self.path}"
        try:
            old = yaml.safe_load((self.path / "study.yaml").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
            raise RunFolderError(
                where, expected="a readable study.yaml", got=str(e), remedy="choose another --out"
            ) from e
        if not isinstance(old, dict) or old.get("format") != FORMAT:
            came = old.get("format") if isinstance(old, dict) else None
            raise RunFolderError(
                where, expected=f"format version {FORMAT}", got=f"version {came}", remedy="choose another --out"
            )
        was = old["study"]
        changed = [f"{k} {was.get(k)!r} → {study[k]!r}" for k in study if was.get(k) != study[k]]
        changed += [
            f"content of {name}"
            for name in sorted(old["data_hashes"].keys() | data_hashes.keys())
            if old["data_hashes"].get(name) != data_hashes.get(name)
        ]
        if changed:
            raise RunFolderError(
                where,
                expected="the study that it was begun with",
                got=f"other options: {'; '.join(changed)}",
                remedy="choose another --out, or use the old options to go on",
            )

    def load(self, name: str) -> Any:
        """A JSON file of this folder; None while it is not there.

        Raises:
            RunFolderError: It is no JSON.
        """
        if not self.files.exists(name):
            return None
        try:
            return json.loads(self.files.read(name))
        except ValueError as e:
            raise RunFolderError(
                f"{self.path / name}", expected="whole JSON", got=str(e), remedy="delete the file and run again"
            ) from e

    def save(self, name: str, value: Any) -> None:
        """Write a JSON file at once or not at all."""
        self.files.write(name, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; seconds of an interrupted stage are not kept."""
        begin = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - begin, 2)
        self.save("seconds.json", self.seconds)

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
