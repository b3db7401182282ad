"""A compact network of torch → ONNX, in place of its weights; what both compute is compared."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from neurosieve.compact.cascade import FIRST_RECORD
from neurosieve.compact.compact_spec import ONNX, CompactSpec, OnnxGraph, file_hash
from neurosieve.compact.cut_network import ChosenNeurons, load_network
from neurosieve.compact.linear_head import HEAD, Head
from neurosieve.compact.onnx_network import INPUTS, OUTPUT, load_onnx, missing
from neurosieve.compact.standard_head import load_standard
from neurosieve.compact.vocabulary import VOCABULARY
from neurosieve.errors import ModelError
from neurosieve.models.loading import quiet

OPSET = 18  # the one that torch writes without conversion
TOLERANCE = 1e-4  # of float32, relative to the largest value
_MOST_BYTES = 2**31 - 1  # of one file of protocol buffers
_SHAPES = ((1, 1), (2, 7), (3, 24))  # inputs on which both are compared


class Traceable(Protocol):
    """What an exporter traces."""

    def traceable(self, ids: Tensor, mask: Tensor, types: Tensor | None) -> Tensor:
        """Values of each token."""


class _Traced(nn.Module):
    """A network as a module with plain inputs and one output."""

    def __init__(self, source: Traceable, network: nn.Module) -> None:
        super().__init__()
        self.source, self.network = source, network

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> Tensor:
        """Values of each token."""
        return self.source.traceable(ids, mask, types)


def write_onnx(folder: Path, spec: CompactSpec) -> CompactSpec:
    """Replace the network's weights in a folder by a graph that gives the same values, with the head next to it.

    Args:
        folder: Of a model of form `standard` or `full`.
        spec: Of the model.

    Returns:
        The spec with the graph.

    Raises:
        ResourceError: A package of the extra `onnx` is missing.
        ModelError: A network that torch cannot export, or whose graph computes something else.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            import_module(package)
        except ImportError as e:
            raise missing(package) from e
    traced, head = _traced(folder, spec)
    size = sum(p.numel() for p in traced.parameters())
    if 4 * size > _MOST_BYTES:
        raise _unfit(spec, f"{4 * size:,} bytes", "2 GiB of weights at most")
    _export(traced, folder / ONNX, spec)
    of_head = head.weight.size + head.bias.size if spec.form == "standard" else 0  # its module holds the head too
    graph = OnnxGraph(opset=OPSET, parameters=size - of_head)
    _check_same(traced, folder, graph, spec)
    for name in {*spec.files, "config.json"} - {HEAD, VOCABULARY, FIRST_RECORD}:
        (folder / name).unlink(missing_ok=True)
    head.save(folder)
    return with_files(folder, spec, graph)


def with_files(folder: Path, spec: CompactSpec, graph: OnnxGraph) -> CompactSpec:
    """A spec with a graph and the head next to it, as the folder has them."""
    names = (ONNX, HEAD, *({VOCABULARY, FIRST_RECORD} & spec.files.keys()))
    return replace(spec, onnx=graph, files={name: file_hash(folder, name) for name in names})


def _traced(folder: Path, spec: CompactSpec) -> tuple[_Traced, Head]:
    """The network of a folder in float32, up to its head, and the head."""
    if spec.form == "standard":
        standard = load_standard(folder, spec, inputs=True)
        weight, bias = (p.detach().float().numpy() for p in (standard.last.weight, standard.last.bias))
        return _Traced(standard, standard.whole.float()), Head(weight.T, bias)
    model = load_network(folder, spec)
    model.network.float()
    return _Traced(ChosenNeurons.of(model, spec.neurons), model.network), Head.load(folder)


def _given(shape: tuple[int, int], traced: _Traced, spec: CompactSpec) -> tuple[Tensor, ...]:
    """Random ids, padded in the last input, and token types where the network has them."""
    base: Any = traced.network
    rows = int(base.get_input_embeddings().weight.shape[0])
    batch, length = shape[0], min(shape[1], spec.max_tokens)
    ids = torch.randint(0, rows, (batch, length), generator=torch.Generator().manual_seed(length))
    ids = torch.where(ids == spec.pad_id, (spec.pad_id + 1) % rows, ids)
    mask = torch.ones_like(ids)
    if batch > 1:
        padding = slice(0, length // 2) if spec.padding_side == "left" else slice(length - length // 2, None)
        ids[-1, padding], mask[-1, padding] = spec.pad_id, 0
    return (ids, mask, torch.zeros_like(ids)) if spec.types else (ids, mask)


def _export(traced: _Traced, file: Path, spec: CompactSpec) -> None:
    given = _given(_SHAPES[1], traced, spec)
    free = torch.export.Dim.DYNAMIC
    try:
        with _silent(), torch.no_grad():
            program = torch.onnx.export(
                traced.eval(),
                given,
                dynamo=True,
                opset_version=OPSET,
                input_names=INPUTS[: len(given)],
                output_names=[OUTPUT],
                dynamic_shapes=tuple({0: free, 1: free} for _ in given),
                verbose=False,
            )
    except Exception as e:  # whatever torch's tracing meets
        raise _unfit(spec, f"{type(e).__name__}: {(str(e).splitlines() or [''])[0][:120]}") from e
    assert program is not None  # noqa: S101 - for the type checker: so it is with dynamo
    program.save(file, external_data=False)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what torch prints of its own work."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), quiet():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _check_same(traced: _Traced, folder: Path, graph: OnnxGraph, spec: CompactSpec) -> None:
    """See that the graph computes what torch does, on inputs of several shapes."""
    network = load_onnx(folder, graph)
    for shape in _SHAPES:
        given = _given(shape, traced, spec)
        with torch.no_grad():
            wanted = traced(*given).numpy()
        ids, mask, *types = (x.numpy() for x in given)
        found = network.batch(ids, mask, types[0] if types else None)
        read = mask[:, : found.shape[1]] > 0
        far = float(np.abs(found - wanted)[read].max() / max(np.abs(wanted[read]).max(), 1e-9))
        if not far <= TOLERANCE:
            raise _unfit(spec, f"values that differ by {far:.1e} of the largest")


def _unfit(spec: CompactSpec, got: str, expected: str = "a network that torch exports as it is") -> ModelError:
    return ModelError(f"ONNX of {spec.model}", expected=expected, got=got, remedy="leave --onnx out")
