"""The demo's corpus: a fixed sample of the running Python's standard library."""

import sysconfig
from pathlib import Path

from neurosieve.data.dataset import Dataset
from neurosieve.data.reading import drop_overlap
from neurosieve.data.source import label_files
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS, Split

# Sampled once among modules of 3 to 14 kB that every Python from 3.11 on has; whole files go to one split.
FILES: dict[Split, str] = {
    "train": """
        asyncio/coroutines.py asyncio/queues.py asyncio/transports.py email/parser.py email/policy.py
        email/utils.py hmac.py multiprocessing/heap.py multiprocessing/queues.py multiprocessing/reduction.py
        multiprocessing/spawn.py netrc.py py_compile.py stat.py symtable.py timeit.py unittest/runner.py
        unittest/suite.py urllib/robotparser.py zipapp.py
    """,
    "validation": """
        code.py getpass.py multiprocessing/process.py numbers.py opcode.py operator.py rlcompleter.py
    """,
    "test": """
        abc.py bz2.py email/base64mime.py email/errors.py importlib/abc.py linecache.py shelve.py
        unittest/util.py wsgiref/headers.py wsgiref/simple_server.py
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
    return drop_overlap(Dataset(dataset.examples, dataset.source, notes, dataset.hashes))
