"""A network, neurons and a head → the files of a compact model. Knows neither a study nor its folder."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from neurosieve.compact.cascade import FIRST_RECORD
from neurosieve.compact.compact_spec import COMPACT, FORMAT, TOKENIZER, CompactSpec, Form, file_hash
from neurosieve.compact.cut_network import NETWORK, cut, cut_to, save_network
from neurosieve.compact.linear_head import HEAD, PROBE, Head
from neurosieve.compact.lookup_table import TABLE
from neurosieve.compact.narrow_embeddings import narrowed
from neurosieve.compact.standard_head import StandardNetwork, save_standard
from neurosieve.compact.table_building import build_table
from neurosieve.compact.vocabulary import VOCABULARY, Vocabulary
from neurosieve.errors import ModelError
from neurosieve.models.code_model import CodeModel
from neurosieve.models.loading import quiet
from neurosieve.results.codec import to_json
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import write_object
from neurosieve.typing import NeuronId, Pooling


@dataclass(frozen=True)
class UnitKind:
    """What a model's units are and what it says of them; see `CompactSpec`."""

    task: str
    labels: tuple[str, ...]
    target: tuple[float, float] | None
    whole: bool
    sides: int
    joint: bool
    pooling: Pooling
    max_windows: int | None


def write_table(
    folder: Path,
    model: CodeModel,
    neurons: Sequence[NeuronId],
    head: Head,
    unit: UnitKind,
    *,
    vocabulary: Vocabulary | None = None,
) -> CompactSpec:
    """Layer 0 and a head on it as a table; of part of the vocabulary, if given.

    Raises:
        ModelError: See `build_table`.
    """
    build_table(model, [n.index for n in neurons], head.weight, head.bias, vocabulary).save(folder)
    head.save(folder, PROBE)
    spec = make_spec(folder, model, neurons, unit, form="table", blocks=0, files=(TABLE,))
    return spec if vocabulary is None else _with_vocabulary(folder, spec, vocabulary)


def write_full(
    folder: Path,
    model: CodeModel,
    neurons: Sequence[NeuronId],
    head: Head,
    unit: UnitKind,
    *,
    blocks: int | None = None,
    vocabulary: Vocabulary | None = None,
    inside: CodeModel | None = None,
) -> CompactSpec:
    """The first blocks, chosen neurons and a head.

    Args:
        folder: To write into.
        model: Loaded.
        neurons: That the head reads.
        head: On their raw values.
        unit: What the model labels.
        blocks: That are kept; by default those that the neurons need, or one where a family gives no embeddings alone.
        vocabulary: Whose embeddings are kept; all by default.
        inside: These blocks once units and heads were taken out of them; they are written in place of the model's.

    Raises:
        ModelError: See `cut` and `narrowed`.
    """
    small = inside or (cut_to(model, neurons) if blocks is None else cut(model, blocks))
    if vocabulary is not None:
        small = narrowed(small, vocabulary)
    save_network(small, folder)
    head.save(folder)
    kept = small.adapter.blocks(small.network.config)
    files = (NETWORK, HEAD, "config.json")
    spec = make_spec(folder, model, neurons, unit, form="full", blocks=kept, files=files)
    spec = replace(spec, narrowed=inside is not None)
    return spec if vocabulary is None else _with_vocabulary(folder, spec, vocabulary)


def _with_vocabulary(folder: Path, spec: CompactSpec, vocabulary: Vocabulary) -> CompactSpec:
    """The spec of a model that reads rows where it read ids."""
    vocabulary.save(folder)
    files = {**spec.files, VOCABULARY: file_hash(folder, VOCABULARY)}
    return replace(spec, pad_id=int(vocabulary.row[spec.pad_id]), files=files)


def write_standard(
    folder: Path, model: CodeModel, network: StandardNetwork, neurons: Sequence[NeuronId], head: Head, unit: UnitKind
) -> CompactSpec:
    """A network with a fitted head as a transformers folder.

    Args:
        folder: To write into.
        model: That it was cut from.
        network: See `standard_network`; its head was set.
        neurons: Of the probe that it replaces.
        head: Of that probe, to compare with.
        unit: See `standard_unit`.
    """
    save_standard(network, folder)
    head.save(folder, PROBE)
    blocks = model.adapter.blocks(network.whole.config)
    files = ("model.safetensors", "config.json")
    return make_spec(folder, model, neurons, unit, form="standard", blocks=blocks, files=files)


def with_first(folder: Path, spec: CompactSpec, margin: float) -> CompactSpec:
    """The spec of a cascade: a model with a cheap one in `first/`, which was written before.

    Args:
        folder: Of the cascade.
        spec: Of the dear model.
        margin: Units whose two best logits by the cheap one are closer are labelled by the dear one.
    """
    return replace(spec, margin=margin, files={**spec.files, FIRST_RECORD: file_hash(folder, FIRST_RECORD)})


def standard_unit(unit: UnitKind, model: CodeModel, vocabulary: Vocabulary | None = None) -> UnitKind:
    """Units as a transformers head reads them: by their first token, texts by their first window.

    Its tokenizer gives ids of the whole vocabulary.

    Raises:
        ModelError: Units that the form cannot hold.
    """
    got = "pairs of two inputs" if unit.sides == 2 else "values" if unit.target else ""
    if vocabulary is not None:
        raise ModelError(
            f"form standard of {model.name}",
            expected="rows of the embeddings for all ids of the tokenizer",
            got="--vocabulary seen",
            remedy="pass --form full, or leave --vocabulary out",
        )
    if got or model.site != "hidden":
        raise ModelError(
            f"form standard of {model.name}",
            expected="classes of tokens or of single inputs, read off the blocks' outputs",
            got=got or f"the site {model.site}",
            remedy="pass --form full",
        )
    return replace(unit, pooling="first", max_windows=1 if unit.whole else None)


def make_spec(
    folder: Path,
    model: CodeModel,
    neurons: Sequence[NeuronId],
    unit: UnitKind,
    *,
    form: Form,
    blocks: int,
    files: Sequence[str],
) -> CompactSpec:
    """The spec of files that were written, with the tokenizer next to them."""
    tokenizer = copy.deepcopy(model.tokenizer)
    tokenizer.model_max_length = model.max_tokens  # a pipeline cuts longer texts in place of failing
    with quiet():
        tokenizer.save_pretrained(folder)
    config: Any = model.network.config
    side: Literal["left", "right"] = "left" if model.padding_side == "left" else "right"
    return CompactSpec(
        form=form,
        model=model.name,
        revision=model.revision,
        stack=model.adapter.kind if model.adapter.paired else None,
        **vars(unit),
        max_tokens=model.max_tokens,
        pad_id=model.pad_id,
        padding_side=side,
        types=getattr(config, "type_vocab_size", 0) > 1,
        site=model.site,
        blocks=blocks,
        final_norm=form != "table" and blocks == model.adapter.blocks(config),
        neurons=tuple(neurons),
        tokenizer_sha256=file_hash(folder, TOKENIZER),
        files={name: file_hash(folder, name) for name in files},
    )


def write_record(folder: Path, spec: CompactSpec, result: dict[str, Any] | None = None) -> None:
    """Write `compact.json`."""
    write_object(Folder(folder), COMPACT, {"format": FORMAT, "spec": to_json(spec), "result": result})
