"""An exported model up to its head, and the same model with another head for other labels of the same units."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from neurosieve.compact.compact_model import CompactModel, load_compact
from neurosieve.compact.compact_spec import CompactSpec, file_hash, read_spec
from neurosieve.compact.linear_head import HEAD, PROBE, Head
from neurosieve.compact.lookup_table import LookupTable
from neurosieve.compact.standard_head import StandardNetwork, load_standard, save_standard, set_head
from neurosieve.errors import ModelError
from neurosieve.typing import NeuronId, PathLike


def up_to_head(folder: PathLike) -> CompactModel:
    """A model whose scores are what its head reads: values of neurons, or of the last layer's inputs.

    A table holds nothing but the logits of its labels, so these are what a new head can read.

    Raises:
        ModelError: A cascade, which has two heads.
        NeurosieveError: See `load_compact`.
    """
    model = load_compact(folder)
    if model.first is not None:
        raise ModelError(
            f"model in {folder}",
            expected="a model with one head",
            got="a cascade of two",
            remedy="export the run without --cascade, and pass that folder to --from",
        )
    if model.spec.form == "standard" and model.spec.onnx is None:
        return replace(model, network=load_standard(folder, model.spec, inputs=True))
    return replace(model, head=None)


def with_head(
    source: Path, folder: Path, head: Head, labels: Sequence[str], target: tuple[float, float] | None
) -> CompactSpec:
    """Write a model with another head.

    Args:
        source: Folder of the model.
        folder: To write into.
        head: On what `up_to_head` gives.
        labels: Names of its outputs.
        target: Of values; see `CompactSpec`.

    Raises:
        ModelError: Values, by a transformers folder.
    """
    before = read_spec(source)
    spec = replace(before, labels=tuple(labels), target=target)
    for name in (*spec.files, *(p.name for p in source.glob("*token*.json"))):
        shutil.copy(source / name, folder / name)
    if spec.form == "table":
        LookupTable.load(source).behind(head).save(folder)
        probe = Head.of_probe(source)
        Head(probe.weight @ head.weight, probe.bias @ head.weight + head.bias).save(folder, PROBE)
    elif spec.form == "standard" and spec.onnx is None:
        network = load_standard(source, before, inputs=True)
        spec = _standard(network, folder, spec, head)
    else:
        head.save(folder, HEAD)
    return replace(spec, files={name: file_hash(folder, name) for name in spec.files})


def _standard(network: StandardNetwork, folder: Path, spec: CompactSpec, head: Head) -> CompactSpec:
    if spec.target is not None:
        raise ModelError(
            f"form standard of {spec.model}",
            expected="classes",
            got="values",
            remedy="export the run with --form full, and pass that folder to --from",
        )
    last, config = network.last, network.whole.config
    outputs = head.weight.shape[1]
    last.weight, last.bias = (nn.Parameter(torch.empty(*shape)) for shape in ((outputs, last.in_features), (outputs,)))
    last.out_features = outputs
    config.id2label = dict(enumerate(spec.labels))
    config.label2id = {name: i for i, name in enumerate(spec.labels)}
    set_head(network, head)
    save_standard(network, folder)
    head.save(folder, PROBE)
    return replace(spec, neurons=tuple(NeuronId(spec.blocks, i) for i in range(len(head.weight))))
