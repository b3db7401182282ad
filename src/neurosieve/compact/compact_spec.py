"""What has to be known to run a compact model: `spec` in its `compact.json`. Neither torch nor transformers is loaded.

compact.json          format, spec (here), and what was measured (`results.export`)
tokenizer.json        the tokenizer, as the `tokenizers` library reads it
first/                of a cascade: the cheap model that is asked first, a folder like this one
module-LABEL/         form modules: a model of one label against the rest, a folder like this one
head.safetensors      form full, and ONNX: `weight` [features, outputs] and `bias` [outputs] on the network's values
probe.safetensors     other forms: head of the probe that it replaces, on raw values of neurons; to compare with
table.safetensors     form table: see `lookup_table`
network.safetensors   form full: the first blocks; with config.json
model.safetensors     form standard: an ordinary transformers folder
vocabulary.safetensors  ids of the tokens that have rows of their own, if not all have
model.onnx            in place of the network's weights: a graph of ids, mask (and token types) → values of each token
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from neurosieve.errors import RunFolderError, StoreError
from neurosieve.results.codec import from_json
from neurosieve.storage.folder import Folder, check_ordinary
from neurosieve.storage.records import read_object
from neurosieve.typing import NeuronId, PathLike, Pooling, Site

COMPACT = "compact.json"
TOKENIZER = "tokenizer.json"
FORMAT = 1
ONNX = "model.onnx"
OUTPUTS = "outputs.safetensors"  # of the model on test rows; no weights
T = TypeVar("T")
Form = Literal["table", "standard", "full", "modules"]
_AGAIN = "export it again"


@dataclass(frozen=True, kw_only=True)
class OnnxGraph:
    """A network as ONNX.

    Attributes:
        opset: Version of the operators.
        parameters: Numbers in its weights; without the head.
        int8_cpu: Kind of CPU on which its 8-bit weights were measured; None where weights are float32.
    """

    opset: int
    parameters: int
    int8_cpu: str | None = None


@dataclass(frozen=True, kw_only=True)
class CompactSpec:
    """How a compact model reads code and what its outputs are.

    Attributes:
        form: `table` (no network), `standard` (a transformers folder), `full` (first blocks, neurons, head), `modules`
            (one of these for each label, in folders of their own; what follows of the network is of the first).
        model: Name of the model that it was cut from.
        revision: Of that model; None where it has none.
        stack: Half of an encoder–decoder; None of any other.
        labels: Names of the outputs; of values the one name `value`.
        target: Train mean and standard deviation of values; None for classes.
        task: Kind of task.
        whole: A unit is a whole text (or a pair of two), not a span of one.
        sides: Texts of a unit that are read one by one: two for pairs.
        joint: The two texts of a pair are read as one input.
        pooling: Which tokens stand for a unit.
        max_tokens: Longest input, special tokens included.
        max_windows: Of whole texts only so many windows are read; None for all.
        pad_id: Token that fills up a batch.
        padding_side: Where.
        types: The network gets an input that marks the second text of a pair.
        site: Of the neurons.
        blocks: Blocks that are kept.
        final_norm: All of them are, with the norm behind the last.
        neurons: That the head reads.
        tokenizer_sha256: Of `tokenizer.json`.
        files: sha256 of the files that it is run with; of a cascade and of modules also of the records in folders.
        onnx: The network is a graph that onnxruntime computes; None where NumPy or torch computes.
        narrowed: Feed-forward units or heads were taken out of the blocks.
        modules: Of modules their folders, in the order of the labels.
        margin: Of a cascade: a unit whose two best logits by the model in `first/` are closer is labelled by this one.
    """

    form: Form
    model: str
    revision: str | None
    stack: Literal["encoder", "decoder"] | None
    labels: tuple[str, ...]
    target: tuple[float, float] | None
    task: str
    whole: bool
    sides: int
    joint: bool
    pooling: Pooling
    max_tokens: int
    max_windows: int | None
    pad_id: int
    padding_side: Literal["left", "right"]
    types: bool
    site: Site
    blocks: int
    final_norm: bool
    neurons: tuple[NeuronId, ...]
    tokenizer_sha256: str
    files: Mapping[str, str]
    onnx: OnnxGraph | None = None
    narrowed: bool = False
    modules: tuple[str, ...] = ()
    margin: float | None = None


def read_record(folder: PathLike) -> dict[str, Any]:
    """The content of a folder's compact.json.

    Raises:
        RunFolderError: No export there, a damaged one, or one of another format version.
    """
    where = f"folder {folder}"
    if not Path(folder).is_dir() or not Folder(folder).exists(COMPACT):
        got = f"none in {'it' if Path(folder).is_dir() else 'a folder that is not there'}"
        raise RunFolderError(
            where,
            expected=f"an exported model ({COMPACT})",
            got=got,
            remedy="point at the --out of `neurosieve export`",
        )
    record = read_object(Folder(folder), COMPACT, _AGAIN)
    if record is None or record.get("format") != FORMAT:
        got = f"version {record.get('format') if record else None}"
        remedy = f"{_AGAIN}, or use the version of neurosieve that wrote it"
        raise RunFolderError(f"{folder}/{COMPACT}", expected=f"format version {FORMAT}", got=got, remedy=remedy)
    return record


def read_spec(folder: PathLike) -> CompactSpec:
    """How to run the model of a folder, once its files were seen to be those that were exported.

    Raises:
        RunFolderError: See `read_record`; a file that was changed since, such as the tokenizer.
    """
    place = f"{folder}/{COMPACT}"
    spec = from_json(CompactSpec, read_record(folder).get("spec"), place)
    for name, wanted in {TOKENIZER: spec.tokenizer_sha256, **spec.files}.items():
        came = file_hash(folder, name)
        if came != wanted:
            raise RunFolderError(
                f"{folder}/{name}",
                expected=f"sha256 {wanted[:12]}…, as {COMPACT} has it",
                got=f"{came[:12]}…: it was changed since",
                remedy=_AGAIN,
            )
    return spec


def file_hash(folder: PathLike, name: str) -> str:
    """sha256 of a file of an export.

    Raises:
        RunFolderError: It cannot be read.
    """
    try:
        check_ordinary(Path(folder) / name)
        with (Path(folder) / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as e:
        got = e.strerror or str(e)
        raise RunFolderError(f"{folder}/{name}", expected="a readable file", got=got, remedy=_AGAIN) from e


def damaged(folder: PathLike, name: str, got: str) -> StoreError:
    """The error for a file of an export that does not hold what it should."""
    return StoreError(f"{folder}/{name}", expected="what the export wrote", got=got, remedy=_AGAIN)


def write_tensors(folder: Path, name: str, tensors: Mapping[str, np.ndarray]) -> None:
    """Write a file of tensors in float32."""
    save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in tensors.items()}, folder / name)


def read_tensors(folder: PathLike, name: str, make: Callable[..., T]) -> T:
    """What is made of a file's tensors, given by name.

    Raises:
        StoreError: It is damaged.
    """
    try:
        return make(**load_file(Path(folder) / name))
    except (OSError, SafetensorError, TypeError, ValueError, KeyError) as e:
        raise damaged(folder, name, f"{type(e).__name__}: {e}") from e
