"""JSON records on disk: each holds the sha256 of its name and content, and of which study it is.

A record that was damaged, changed or put in another's place is refused: nothing that was computed is worth less than a
guess at what it was. Records of earlier versions hold neither mark and are read as they are.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from neurosieve.errors import NeurosieveError, RunFolderError
from neurosieve.storage.bounded_json import bounded_json
from neurosieve.storage.folder import Folder
from neurosieve.storage.yaml_text import parse_yaml

FORMAT = 1
STUDY = "study.yaml"
STUDY_HASH = "study_sha256"
CONTENT_HASH = "sha256"
_AGAIN = "delete the file and give the same command again, or choose another --out"


def read_study(files: Folder) -> dict[str, Any]:
    """The content of a run folder's study.yaml.

    Raises:
        RunFolderError: It is damaged, of another format version, or none of ours.
    """
    return _study(files.read(STUDY), f"run folder {files.url}")


def _study(text: bytes, where: str) -> dict[str, Any]:
    remedy = "choose another --out or run folder"
    try:
        old = parse_yaml(text)
    except ValueError as e:
        raise RunFolderError(where, expected="a readable study.yaml", got=str(e), remedy=remedy) from e
    if not isinstance(old, dict) or old.get("format") != FORMAT:
        came = old.get("format") if isinstance(old, dict) else None
        raise RunFolderError(
            where, expected=f"format version {FORMAT} in study.yaml", got=f"version {came}", remedy=remedy
        )
    for key in ("study", "data_hashes"):
        if not isinstance(old.get(key), dict):
            came = type(old.get(key)).__name__
            raise RunFolderError(where, expected=f"the key {key} in study.yaml, a mapping", got=came, remedy=remedy)
    return old


def study_hash(files: Folder) -> str | None:
    """sha256 of the study in a folder's study.yaml: what its records are marked with; None if there is no study.

    Raises:
        RunFolderError: See `read_study`.
    """
    return _study_hash(files.read(STUDY), f"run folder {files.url}") if files.exists(STUDY) else None


@lru_cache(maxsize=8)  # every record asks, and a study can name thousands of data files
def _study_hash(text: bytes, where: str) -> str:
    record = _study(text, where)
    said = json.dumps([record["study"], record["data_hashes"]], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def write_object(files: Folder, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Write a JSON object at once or not at all; returns it as it was written, with its marks.

    Args:
        files: The run folder, or a store.
        name: Of the file, below that folder.
        value: Finite numbers, texts, lists and mappings.

    Raises:
        ResourceError: Full disk, or no right to write.
    """
    study = study_hash(files)
    # The hash is of what a reader gets: keys are texts then, and tuples lists.
    plain = json.loads(json.dumps({**value, **({STUDY_HASH: study} if study else {})}, allow_nan=False))
    record: dict[str, Any] = plain | {CONTENT_HASH: _content_hash(name, plain)}
    files.write(name, json.dumps(record, indent=1, ensure_ascii=False).encode())
    return record


def _content_hash(name: str, record: Mapping[str, Any]) -> str:
    content = {key: value for key, value in record.items() if key != CONTENT_HASH}
    return hashlib.sha256(json.dumps([name, content], sort_keys=True).encode()).hexdigest()


def read_object(
    files: Folder, name: str, remedy: str = _AGAIN, error: type[NeurosieveError] = RunFolderError
) -> dict[str, Any] | None:
    """What was given to `write_object`, as JSON has it; None while it is not there.

    Args:
        files: The run folder, or a store.
        name: Of the file, below that folder.
        remedy: Ends the error's line.
        error: Its class.

    Raises:
        RunFolderError: It is no whole JSON object, is not as it was written, or is one of another study.
        StoreError: It cannot be read.
    """
    record = read_result(files, name, remedy, error)
    return None if record is None else {k: v for k, v in record.items() if k not in (STUDY_HASH, CONTENT_HASH)}


def read_result(
    files: Folder, name: str, remedy: str = _AGAIN, error: type[NeurosieveError] = RunFolderError
) -> dict[str, Any] | None:
    """As `read_object`, with the marks: what `write_object` returned."""
    if not files.exists(name):
        return None
    where = f"{files.url}/{name}"
    record = _parsed(files.read(name, remedy), where, remedy, error)
    wanted = record.get(CONTENT_HASH)
    if wanted is not None and wanted != (came := _content_hash(name, record)):
        expected = f"the content that was written there (sha256 {str(wanted)[:12]}…)"
        raise error(where, expected=expected, got=f"another (sha256 {came[:12]}…)", remedy=remedy)
    if record.get(STUDY_HASH) not in (None, study_hash(files)):
        raise error(
            where,
            expected="results of the study in study.yaml",
            got="those of another study",
            remedy=f"put its study.yaml back, or {remedy}",
        )
    return record


def _parsed(data: bytes, where: str, remedy: str, error: type[NeurosieveError]) -> dict[str, Any]:
    try:
        value = bounded_json(data, parse_constant=_refuse)
        came = f"a {type(value).__name__}"
    except ValueError as e:
        value, came = None, f"broken JSON ({' '.join(str(e).split())[:120]})"
    if not isinstance(value, dict):
        raise error(where, expected="a whole JSON object", got=came, remedy=remedy)
    return value


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
