"""The files of a run that pages of neurons are made from, as far as they are there. Nothing here needs torch."""

import hashlib
from dataclasses import dataclass

from neurosieve.storage.folder import Folder
from neurosieve.studies.columns.column_file import ColumnFiles, layers_of
from neurosieve.studies.columns.row_file import RowFile, RowNames, read_names
from neurosieve.typing import Grid, PathLike

FOLDER = "explorer"
WHOLE = 16384  # neurons of a run in which like neurons are sought in all layers; in larger ones within a layer
_FORMAT = b"2"


@dataclass(frozen=True)
class BuiltFiles:
    """What pages of neurons are made from.

    Attributes:
        rows: The held-out rows.
        columns: The neurons' values on them.
        alike_in: Where like neurons were sought, in words.
    """

    rows: RowFile
    columns: ColumnFiles
    alike_in: str

    @property
    def grid(self) -> Grid:
        """Layers and neurons of a layer."""
        return self.columns.grid


def digest(folder: Folder, manifest: str) -> str:
    """What files that were made from a store are known by."""
    return hashlib.sha256(_FORMAT + folder.read(manifest)).hexdigest()


def read_built(run: PathLike) -> BuiltFiles | None:
    """The files as they are; None where one lacks, or was made from another store than the run's.

    Raises:
        RunFolderError: Damaged names of rows.
        StoreError: Other damaged files.
    """
    folder = Folder(run)
    if not folder.on_this_machine:
        return None
    names = read_names(files := Folder(f"{folder.url}/{FOLDER}"))
    if names is None or (folder.exists(names.manifest) and digest(folder, names.manifest) != names.source):
        return None
    return None if list(layers_of(files, names.layers, names.source)) else opened(files, names)


def opened(files: Folder, names: RowNames) -> BuiltFiles:
    """Whole files.

    Raises:
        StoreError: They are damaged.
    """
    grid = Grid(names.layers, names.width)
    where = "all layers" if len(grid) <= WHOLE else "its layer"
    return BuiltFiles(RowFile(files, names), ColumnFiles(files, grid), where)
