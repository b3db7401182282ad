"""A fixed sample of the running Python's standard library."""

import sysconfig
from pathlib import Path

from neurosieve.data.dataset import Dataset
from neurosieve.data.readers.reading import separate_examples
from neurosieve.data.readers.source import label_files
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS, Split

# Sampled once among modules of 1.8 to 5.5 kB, most of them with a class in it; whole files go to one split.
FILES: dict[Split, str] = {
    "train": """
        __future__.py asyncio/__main__.py asyncio/trsock.py colorsys.py ctypes/_endian.py email/errors.py
        importlib/metadata/_text.py importlib/resources/_adapters.py importlib/resources/_legacy.py
        importlib/resources/readers.py importlib/resources/simple.py multiprocessing/dummy/__init__.py
        multiprocessing/popen_forkserver.py multiprocessing/popen_spawn_posix.py
        multiprocessing/resource_sharer.py stat.py
        urllib/response.py wsgiref/simple_server.py xml/dom/minicompat.py
    """,
    "validation": """
        _sitebuiltins.py asyncio/timeouts.py email/iterators.py importlib/_abc.py
        importlib/metadata/_adapters.py io.py nturl2path.py sqlite3/dbapi2.py xml/dom/domreg.py
        xml/sax/_exceptions.py
    """,
    "test": """
        config-3.11-x86_64-linux-gnu/python-config.py email/mime/audio.py email/mime/image.py
        importlib/metadata/_itertools.py importlib/resources/_common.py json/tool.py
        multiprocessing/popen_fork.py reprlib.py tomllib/_re.py urllib/error.py xml/dom/__init__.py
        zoneinfo/_common.py
    """,
}


def read_stdlib(scheme: str) -> Dataset:
    """The sample as a data set, labelled by a scheme; modules this Python lacks are counted in the notes.

    Raises:
        DataError: This Python comes without the source files of a split.
        ConfigError: Unknown scheme.
    """
    return read_sample(*stdlib_files(), scheme, "Python standard library")


def stdlib_files() -> tuple[dict[str, Path], dict[str, Split]]:
    """Path and split of each module, by its name."""
    folder = Path(sysconfig.get_path("stdlib"))
    splits = {name: split for split, names in FILES.items() for name in names.split()}
    return {name: folder / name for name in splits}, splits


def read_sample(files: dict[str, Path], splits: dict[str, Split], scheme: str, source: str) -> Dataset:
    """A data set of those of the files that are here.

    Raises:
        DataError: None of a split is.
        ConfigError: Unknown scheme.
    """
    present = {name: path for name, path in files.items() if path.is_file()}
    if {splits[name] for name in present} != set(SPLITS):
        raise DataError(
            source,
            expected="Python source files of each split",
            got=f"{len(present)} of {len(files)}",
            remedy="use a Python that ships its library as source",
        )
    dataset = label_files(present, splits, scheme, source)
    missing = len(files) - len(present)
    notes = dict(dataset.notes) | ({"modules that are not installed here": missing} if missing else {})
    return separate_examples(Dataset(dataset.examples, dataset.source, notes, dataset.hashes))
