"""The demo's corpus: a fixed sample of the running Python's standard library."""

import sysconfig
from pathlib import Path

from neurosieve.data.dataset import Dataset
from neurosieve.data.reading import separate_examples
from neurosieve.data.source import label_files
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS, Split

# Modules of 1.8 to 9 kB, most of them with a class in it, dealt by chance; whole files go to one split. Those of
# validation and test are what the shipped models have not read.
FILES: dict[Split, str] = {
    "train": """
        _threading_local.py _weakrefset.py abc.py asyncio/protocols.py asyncio/runners.py
        asyncio/subprocess.py cProfile.py copyreg.py email/_encoded_words.py email/parser.py getopt.py
        importlib/metadata/_functools.py importlib/resources/abc.py multiprocessing/sharedctypes.py netrc.py
        pipes.py rlcompleter.py shelve.py unittest/__init__.py unittest/_log.py unittest/async_case.py
        wsgiref/headers.py wsgiref/util.py zoneinfo/_tzpath.py
    """,
    "validation": """
        asyncio/timeouts.py colorsys.py ctypes/_endian.py email/iterators.py email/mime/audio.py
        email/mime/image.py importlib/metadata/_text.py importlib/resources/_legacy.py
        importlib/resources/readers.py multiprocessing/dummy/__init__.py multiprocessing/popen_fork.py
        multiprocessing/popen_spawn_posix.py nturl2path.py reprlib.py stat.py tomllib/_re.py
        xml/dom/__init__.py xml/dom/domreg.py xml/sax/_exceptions.py zoneinfo/_common.py
    """,
    "test": """
        __future__.py _sitebuiltins.py asyncio/__main__.py asyncio/trsock.py
        config-3.11-x86_64-linux-gnu/python-config.py email/errors.py importlib/_abc.py
        importlib/metadata/_adapters.py importlib/metadata/_itertools.py importlib/resources/_adapters.py
        importlib/resources/_common.py importlib/resources/simple.py io.py json/tool.py
        multiprocessing/popen_forkserver.py multiprocessing/resource_sharer.py sqlite3/dbapi2.py
        urllib/error.py urllib/response.py wsgiref/simple_server.py xml/dom/minicompat.py
    """,
}


def read_stdlib(scheme: str) -> Dataset:
    """The demo's data set, labelled by a scheme; modules this Python lacks are counted in the notes.

    Raises:
        DataError: This Python has no source files of a split beside it.
        ConfigError: Unknown scheme.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    splits = {name: split for split, names in FILES.items() for name in names.split()}
    present = {name: folder / name for name in splits if (folder / name).is_file()}
    if {splits[name] for name in present} != set(SPLITS):
        raise DataError(
            f"standard library in {folder}",
            expected="Python source files",
            got=f"{len(present)} of {len(splits)}",
            remedy="use a Python that ships its library as source",
        )
    dataset = label_files(present, splits, scheme, "Python standard library")
    missing = len(splits) - len(present)
    notes = dict(dataset.notes) | ({"modules not in this Python": missing} if missing else {})
    return separate_examples(Dataset(dataset.examples, dataset.source, notes, dataset.hashes))
