"""A compact network as ONNX: onnxruntime computes it, without torch."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurosieve.compact.compact_spec import ONNX, OnnxGraph, damaged
from neurosieve.compact.cpu_kind import cpu_kind
from neurosieve.errors import NeurosieveWarning, ResourceError
from neurosieve.threads import usable_processors
from neurosieve.typing import PathLike

INPUTS = ("input_ids", "attention_mask", "token_type_ids")  # the last where the network has token types
OUTPUT = "values"
_ERRORS_ALONE = 3  # of onnxruntime's levels


@dataclass(frozen=True)
class OnnxNetwork:
    """Values of each token, by onnxruntime.

    Attributes:
        session: Of onnxruntime.
        outputs: Values of a token.
        types: It gets an input that marks the second text of a pair.
    """

    session: Any
    outputs: int
    types: bool

    def batch(
        self,
        ids: Int[np.ndarray, "batch tokens"],
        mask: Int[np.ndarray, "batch tokens"],
        types: Int[np.ndarray, "batch tokens"] | None,
    ) -> Float[np.ndarray, "batch tokens outputs"]:
        """The values."""
        given = [ids, mask, np.zeros_like(ids) if types is None else types][: 2 + self.types]
        found: np.ndarray = self.session.run([OUTPUT], dict(zip(INPUTS, given, strict=False)))[0]
        return found


def load_onnx(folder: PathLike, graph: OnnxGraph) -> OnnxNetwork:
    """The graph of a folder. It computes with as many threads as `OMP_NUM_THREADS` says, or all that can be used.

    A warning says when 8-bit weights were measured on another kind of CPU, as it may compute with other roundings.

    Args:
        folder: Of the model.
        graph: What its compact.json says.

    Raises:
        ResourceError: onnxruntime is not installed.
        StoreError: A graph that this onnxruntime cannot run.
    """
    runtime = _onnxruntime()
    if graph.int8_cpu not in (None, cpu_kind()):
        text = f"8-bit weights of {folder} were measured on {graph.int8_cpu}, this is {cpu_kind()}: "
        warnings.warn(f"{text}`neurosieve verify {folder}` measures them here", NeurosieveWarning, stacklevel=3)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or usable_processors())
    options.log_severity_level = _ERRORS_ALONE
    try:
        session = runtime.InferenceSession(str(Path(folder) / ONNX), options, providers=["CPUExecutionProvider"])
    except Exception as e:  # onnxruntime's own errors have no base but this
        raise damaged(folder, ONNX, f"{type(e).__name__}: {str(e).splitlines()[0][:120]}") from e
    return OnnxNetwork(session, int(session.get_outputs()[0].shape[-1]), len(session.get_inputs()) == len(INPUTS))


def missing(package: str) -> ResourceError:
    """The error for a package of the extra `onnx` that is not there."""
    remedy = 'pip install "neurosieve[onnx]"'
    return ResourceError("ONNX", expected=f"the package {package}", got="not installed", remedy=remedy)


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as e:
        raise missing("onnxruntime") from e
    return onnxruntime
