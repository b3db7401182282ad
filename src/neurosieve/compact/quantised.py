"""ONNX with 8-bit weights, one scale a channel; activations get theirs while it runs."""

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

from neurosieve.compact.compact_spec import ONNX, CompactSpec
from neurosieve.compact.cpu_kind import cpu_kind
from neurosieve.compact.onnx_building import with_files


def quantise(folder: Path, spec: CompactSpec) -> CompactSpec:
    """Replace a folder's graph by one with 8-bit weights, by onnxruntime's dynamic quantisation.

    Matrix products have a scale for each of their outputs, embeddings one for the whole table; the head stays as it is.

    Args:
        folder: Of a model with a graph.
        spec: Of the model.

    Returns:
        The spec with the new graph and the kind of this CPU.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    assert spec.onnx is not None  # noqa: S101 - for the type checker
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it recommends a step that the exporter has done
    try:
        with tempfile.TemporaryDirectory(prefix="neurosieve-int8-") as place:
            small = Path(place) / ONNX
            quantize_dynamic(folder / ONNX, small, per_channel=True, weight_type=QuantType.QInt8)
            (folder / ONNX).write_bytes(small.read_bytes())
    finally:
        logger.setLevel(level)
    return with_files(folder, spec, replace(spec.onnx, int8_cpu=cpu_kind()))
