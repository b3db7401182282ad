"""Makes the files that pages of neurons are made from: what lacks comes from the store, what is there stays."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from neurosieve.activations.store import MANIFEST, ActivationStore
from neurosieve.concepts.evidence.shown_code import shown_span
from neurosieve.concepts.guess_language import languages_of
from neurosieve.concepts.properties import Source
from neurosieve.data.dataset import VALUE, Dataset
from neurosieve.errors import NeurosieveError, RunFolderError
from neurosieve.progress import track
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.studies.columns.built_files import FOLDER, WHOLE, BuiltFiles, digest, opened, read_built
from neurosieve.studies.columns.column_file import layers_of
from neurosieve.studies.columns.column_writing import sampled, write_layer
from neurosieve.studies.columns.row_file import RowArrays, RowNames, read_names, write_rows
from neurosieve.studies.concepts.copies import PARTS
from neurosieve.studies.concepts.run import OPTIONS, ConceptWork
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.inputs import read_dataset
from neurosieve.studies.run_folder import CONCEPTS, STORE, RunFolder, config_of
from neurosieve.typing import PathLike

_HALVES = ("lower half", "upper half")


def build(run: PathLike) -> BuiltFiles | None:
    """The files of a run, each made now if it is not there; None where the run holds neither them nor activations.

    They are made of the tokens that concepts were looked for on, else of the task's rows; of test alone. A stop leaves
    whole files, from which the next call goes on.

    Raises:
        RunFolderError: The folder is on another machine, or another process is making them.
        StoreError: Activations that are damaged.
        ResourceError: The folder cannot be written.
    """
    folder = Folder(run)
    if not folder.on_this_machine:
        remedy = "copy the run folder here first"
        raise RunFolderError(f"run folder {run}", expected="a folder of this machine", got="a URL", remedy=remedy)
    if (place := _place(folder)) is None:
        return read_built(run)  # the activations may be gone since
    store, files = ActivationStore(f"{folder.url}/{place}"), Folder(f"{folder.url}/{FOLDER}")
    source, names = digest(folder, f"{place}/{MANIFEST}"), read_names(files)
    if names is None or names.source != source or list(layers_of(files, store.grid.layers, source)):
        with sole_writer(files.url):  # servers may be started side by side
            names = _write(files, run, store, place, source)
    return opened(files, names)


def _write(files: Folder, run: PathLike, store: ActivationStore, place: str, source: str) -> RowNames:
    """What lacks still: another server may have just written it."""
    names = read_names(files)
    if names is None or names.source != source:
        write_rows(files, *_rows(run, store, place, source))
        names = read_names(files)
    assert names is not None  # noqa: S101 - it was just written
    if lacking := list(layers_of(files, store.grid.layers, source)):
        all_layers = sampled(store, range(store.grid.layers)) if len(store.grid) <= WHOLE else None
        for layer in track(lacking, "columns of layers"):
            write_layer(files, store, layer, source, all_layers)
    return names


def _place(folder: Folder) -> str | None:
    """Where the store is that pages are made from; None where none is whole."""
    for place in (f"{PARTS}/detect" if folder.exists(CONCEPTS) else STORE, STORE):
        url = f"{folder.url}/{place}"
        if ActivationStore.started(url) and ActivationStore(url).manifest.complete:
            return place
    return None


def _rows(run: PathLike, store: ActivationStore, place: str, source: str) -> tuple[RowArrays, RowNames]:
    """The test rows with their code, where the data are still there; else their own characters alone."""
    table, config, note = store.table("test"), config_of(run), ""
    try:
        if config.activations is not None:
            raise RunFolderError("code", expected="data", got="activations made elsewhere", remedy="give data")
        rows, texts = (_task_rows if place == STORE else _concept_rows)(run, config, store)
    except NeurosieveError as e:
        rows, texts = _bare_rows(table)
        note = f"the code around tokens is not known here: {e}"
    properties = {name: values for name, values in texts.properties.items() if len(values) > 1}
    kept = {name: rows.codes[name] for name in properties}
    arrays = RowArrays(rows.example, rows.start, rows.end, rows.first, rows.last, kept, rows.texts)
    names = RowNames(source=source, manifest=f"{place}/{MANIFEST}", layers=store.grid.layers, width=store.grid.width,
                     rows=len(rows.example), texts=texts.ids, properties=properties, note=note)  # fmt: skip
    return arrays, names


@dataclass(frozen=True)
class _Names:
    ids: tuple[str, ...]
    properties: dict[str, tuple[str, ...]]


def _concept_rows(run: PathLike, config: StudyConfig, store: ActivationStore) -> tuple[RowArrays, _Names]:
    """The tokens that concepts were looked for on, with their properties."""
    asked = read_object(Folder(run), OPTIONS)
    config = make_config(options=config.model_dump(mode="json") | ({"concepts": asked} if asked else {}))
    dataset = read_dataset(config)
    work = ConceptWork(config, RunFolder(run, config, dataset.hashes), dataset)  # refuses data that changed
    table = work.rows.table.select(store.table("test")["row"].to_numpy())
    places = np.stack([table.example, table.start, table.end], 1)
    rows = _with_code(work.rows.dataset, work.rows.languages, places)
    properties = {name: tuple(values) for name, values in table.values.items()}
    return _coded(rows, dict(table.codes)), _Names(_ids(work.rows.dataset, rows), properties)


def _task_rows(run: PathLike, config: StudyConfig, store: ActivationStore) -> tuple[RowArrays, _Names]:
    """The rows of the task, with their labels."""
    dataset = read_dataset(config)
    RunFolder(run, config, dataset.hashes)  # refuses data that changed
    dataset = dataset.joined() if config.pair_input == "joint" else dataset
    table = store.table("test")
    number = {e.id: i for i, e in enumerate(dataset.examples)}
    example = np.array([number[name] for name in table["example"].to_pylist()], dtype=np.int64)
    places = np.stack([example, table["start"].to_numpy(), table["end"].to_numpy()], 1)
    try:
        languages = languages_of(dataset, config.concepts.language, queries=config.task == "code-search").of
    except NeurosieveError:
        languages = (None,) * len(dataset.examples)
    rows = _with_code(dataset, languages, places)
    codes, properties = _labels(table)
    return _coded(rows, codes), _Names(_ids(dataset, rows), properties)


def _bare_rows(table: pa.Table) -> tuple[RowArrays, _Names]:
    """Rows whose texts are their own characters."""
    texts = tuple(table["text"].to_pylist())
    length = np.array([len(text) for text in texts], dtype=np.int64)
    zero = np.zeros_like(length)
    codes, properties = _labels(table)
    rows = RowArrays(np.arange(len(texts)), zero, length, zero, length, codes, texts)
    return rows, _Names(tuple(table["example"].to_pylist()), properties)


def _labels(table: pa.Table) -> tuple[dict[str, Int[np.ndarray, " rows"]], dict[str, tuple[str, ...]]]:
    """The label of each row; of values, whether they are in the upper half."""
    if VALUE in table.column_names:
        value = table[VALUE].to_numpy()
        return {"value": (value > np.median(value)).astype(np.int64)}, {"value": _HALVES}
    words = sorted(set(table["label"].to_pylist()))
    place = {word: i for i, word in enumerate(words)}
    return {"label": np.array([place[word] for word in table["label"].to_pylist()])}, {"label": tuple(words)}


@dataclass(frozen=True)
class _Coded:
    used: list[int]
    places: Int[np.ndarray, "rows 3"]
    shown: Int[np.ndarray, "rows 2"]
    texts: tuple[str, ...]


def _with_code(dataset: Dataset, languages: "tuple[str | None, ...]", places: Int[np.ndarray, "rows 3"]) -> _Coded:
    """Rows with what is shown around them; each text is parsed once."""
    used = np.unique(places[:, 0])
    shown = np.zeros((len(places), 2), dtype=np.int64)
    for example in track(used.tolist(), "code of rows"):
        own = np.flatnonzero(places[:, 0] == example)
        e, language = dataset.examples[example], languages[example]
        spans = [(int(a), int(b)) for a, b in places[own, 1:]]
        whole = dataset.whole or bool(dataset.pairs)
        find = None if language is None or whole else partial(_function, Source(e.text, language, e.id))
        shown[own] = [shown_span(e.text, *span, find(span) if find else None) for span in spans]
    renumbered = np.stack([np.searchsorted(used, places[:, 0]), places[:, 1], places[:, 2]], 1)
    return _Coded(used.tolist(), renumbered, shown, tuple(dataset.examples[i].text for i in used.tolist()))


def _function(source: Source, span: tuple[int, int]) -> tuple[int, int] | None:
    (unit,) = source.find([span])
    return source.units[unit].function if unit >= 0 else None


def _coded(rows: _Coded, codes: dict[str, Int[np.ndarray, " rows"]]) -> RowArrays:
    (example, start, end), (first, last) = rows.places.T, rows.shown.T
    return RowArrays(example, start, end, first, last, codes, rows.texts)


def _ids(dataset: Dataset, rows: _Coded) -> tuple[str, ...]:
    return tuple(dataset.examples[i].id for i in rows.used)
