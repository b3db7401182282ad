"""What two compact models cost in use, by turns in one run with threads fixed."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from safetensors import safe_open

from neurosieve.compact.cascade import FIRST
from neurosieve.compact.compact_model import CompactModel, load_compact
from neurosieve.compact.compact_spec import COMPACT
from neurosieve.compact.cpu_kind import cpu_kind
from neurosieve.compact.unit_reader import CodeText
from neurosieve.compact.vocabulary import VOCABULARY
from neurosieve.results.export import Speeds, Usage
from neurosieve.threads import torch_threads
from neurosieve.typing import PathLike

BATCH = 32
SINGLES, BATCHES, ROUNDS = 100, 8, 3
THREADS = 1
_SET_ASIDE = 5  # calls that only warm up
_MEMORY = "from neurosieve.compact.measuring import tell_peak; tell_peak()"


def compare_speeds(
    compact: PathLike, whole: PathLike | None, texts: Sequence[CodeText], *, memory: bool = True
) -> Speeds:
    """Time and memory of two models on the same texts, tokenising included.

    Args:
        compact: Folder of the one.
        whole: Of the other, if there is one.
        texts: Up to 256 of them are read, from the first on.
        memory: Measured too, which takes a process for each of both.
    """
    folders, few = [Path(f) for f in (compact, whole) if f is not None], list(texts[: BATCH * BATCHES])
    with _one_thread():
        models = [load_compact(folder).with_batch(10**9) for folder in folders]
        lengths = [len(models[0].reader.read([text]).ids) for text in few]
        ordered = [few[i] for i in np.argsort(lengths, kind="stable")]
        single = _by_turns(models, [[text] for text in few[:SINGLES]])
        batched = _by_turns(models, [ordered[i : i + BATCH] for i in range(0, len(ordered), BATCH)])
    found = [
        Usage(
            parameters=_parameters(folder, model),
            bytes=sum(file.stat().st_size for file in _files(folder, model)),
            peak_mb=_peak(folder, few[:BATCH]) if memory else None,
            p50_ms=float(1000 * np.quantile(one, 0.5)),
            p95_ms=float(1000 * np.quantile(one, 0.95)),
            tokens_per_second=sum(lengths) / float(many.sum()),
        )
        for folder, model, one, many in zip(folders, models, single, batched, strict=True)
    ]
    return Speeds(compact=found[0], whole=found[1] if whole else None, threads=THREADS, cpu=cpu_kind())


def _by_turns(models: Sequence[CompactModel], calls: Sequence[list[CodeText]]) -> list[np.ndarray]:
    """Seconds of each call of each model: the median of some rounds, the models one after the other in each call."""
    seconds = np.full((ROUNDS, len(models), len(calls)), np.inf)
    for model in models:
        for call in calls[:_SET_ASIDE]:
            model.scores(call)
    for turn in range(ROUNDS):
        for i, call in enumerate(calls):
            for j, model in enumerate(models):
                begin = time.perf_counter()
                model.scores(call)
                seconds[turn, j, i] = time.perf_counter() - begin
    return list(np.median(seconds, axis=0))


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Tokenizers, torch and onnxruntime on one thread each."""
    wanted = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": str(THREADS)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with torch_threads(THREADS) if "torch" in sys.modules else contextlib.nullcontext():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _files(folder: Path, model: CompactModel) -> list[Path]:
    """Those that it is run with, of a cascade those of both models."""
    files = [folder / name for name in model.spec.files if not name.endswith(COMPACT)]
    return files + (_files(folder / FIRST, model.first) if model.first else [])


def _parameters(folder: Path, model: CompactModel) -> int:
    """Numbers in the weights of these files."""
    total = model.spec.onnx.parameters if model.spec.onnx else 0
    for file in _files(folder, model):
        if file.suffix == ".safetensors" and file.name != VOCABULARY:
            with safe_open(file, framework="numpy") as tensors:
                total += sum(int(np.prod(tensors.get_slice(key).get_shape())) for key in tensors.keys())  # noqa: SIM118
    return total


def _peak(folder: Path, texts: Sequence[CodeText]) -> float:
    """MiB of a process of its own that loads the model and reads some texts."""
    given = json.dumps([str(folder), [[text.text, text.spans] for text in texts]])
    command = [sys.executable, "-c", _MEMORY]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)  # noqa: S603
    return float(done.stdout)


def tell_peak() -> None:
    """What that process runs: folder and texts from standard input, MiB to standard output."""
    folder, texts = json.load(sys.stdin)
    given = [
        CodeText(t if isinstance(t, str) else (t[0], t[1]), None if s is None else tuple((a, b) for a, b in s))
        for t, s in texts
    ]
    load_compact(folder).scores(given)
    print(_own_peak())


def _own_peak() -> float:
    """MiB. What `getrusage` says begins with the memory of the process that started this one."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
