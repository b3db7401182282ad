"""What a run would cost, before it is spent: rows, bytes, FLOPs, time. Reads config, tokenizer and data only."""

import time

import torch

from neurosieve.activations.windows import batches, plan_reading
from neurosieve.models import ModelInfo, inspect_model, resolve_device
from neurosieve.models.code_model import check_ids, embedding_rows
from neurosieve.results.cost import Cost
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import notes, pooling_of, read_data
from neurosieve.typing import SPLITS


def plan_study(config: StudyConfig) -> Cost:
    """Count what `run_study` would read, compute and write; no weights are loaded and nothing is written.

    Raises:
        NeurosieveError: What `run_study` would raise for the same data, model name and options.
    """
    data = read_data(config)
    info = inspect_model(
        config.model, trust_remote_code=config.trust_remote_code, max_tokens=config.max_tokens, stack=config.stack
    )
    device = resolve_device(config.device)
    plan = plan_reading(
        info.tokenizer,
        info.max_tokens,
        data.dataset,
        data.sample.rows,
        pooling=pooling_of(config, info.adapter.kind),
        drop_shared=config.straddle == "drop",
        max_windows=config.max_windows,
    )
    check_ids(info.name, plan.largest_id, embedding_rows(info.blank))
    rows: dict[str, int] = {s: plan.rows(s) for s in SPLITS}
    filled = [b for s in SPLITS for b in batches(plan.windows[s], config.batch_tokens)]
    tokens = sum(len(b) * len(b[-1].ids) for b in filled)
    layers, width, parameters = _shape(info, config)
    flops = reading_flops(parameters, tokens, sum(len(b) * len(b[-1].ids) ** 2 for b in filled), width, layers - 1)
    values = sum(rows.values()) * layers * width * plan.sides
    speed = _flops_per_second(device)
    return Cost(
        rows=rows,
        layers=layers,
        width=width,
        tokens=tokens,
        parameters=parameters,
        flops=flops,
        store_bytes=4 * values,
        memory_bytes=3 * 4 * values + 4 * parameters,
        seconds=_seconds(
            config, flops, 2.0 * values * len(data.sample.rows.labels) * rows["train"] / sum(rows.values()), speed
        ),
        missed_units=plan.counts.skipped + data.sample.empty,
        notes=tuple(notes(config, data)),
    )


def reading_flops(parameters: float, tokens: float, squares: float, width: int, blocks: int) -> float:
    """FLOPs of one forward pass: two for each weight and token, and attention's products of all pairs of tokens.

    Args:
        parameters: Of the blocks; embeddings do no arithmetic.
        tokens: That are read, padding included.
        squares: The sum of the squared lengths of the texts.
        width: Of the blocks.
        blocks: Number of them.
    """
    return 2.0 * parameters * tokens + 4.0 * squares * width * blocks


def moment_flops(rows: float, neurons: int, layers: int) -> float:
    """FLOPs, in float64, of the sums that correlations and CKA need: products on and right of the diagonal."""
    return float(rows) * neurons**2 * (1 + 1 / layers)


def moment_bytes(neurons: int) -> int:
    """Memory of these sums: two float64 matrices where parts are merged."""
    return 2 * 8 * neurons**2


def _seconds(config: StudyConfig, reading: float, fitting: float, speed: float) -> dict[str, float]:
    """Time of each stage.

    Measured on MiniLM: a path of 13 λ costs about 60 gradients over the train matrix, and so does a search; a control
    path, whose labels no neuron carries, four times as much.

    Args:
        config: The study.
        reading: FLOPs of reading all rows once.
        fitting: FLOPs of one product of the train matrix with weights.
        speed: FLOPs a second.
    """
    read, path = reading / speed, 2 * 60 * fitting / speed
    searches = (len(config.rankings) + config.random_draws) * len(config.select) * len(config.deltas)
    seconds = {
        "extract": read,
        "selection": path * (1 + searches),
        "layers, clusters, pipeline": path * 4,
        "controls": path * (4 * config.control_draws + config.disjoint_splits),
        "stability": 2 * path * len(config.rankings) * config.stability,
        "untrained": config.untrained_seeds * (read + 2 * path),
    }
    return {stage: s for stage, s in seconds.items() if s}


def _shape(info: ModelInfo, config: StudyConfig) -> tuple[int, int, int]:
    """Layers, width, and parameters outside the embeddings."""
    embeddings = sum(m.weight.numel() for m in info.blank.modules() if isinstance(m, torch.nn.Embedding))
    total = sum(p.numel() for p in info.blank.parameters())
    layers, width = info.adapter.size(info.blank, config.site, info.name)
    return layers, width, total - embeddings


def _flops_per_second(device: torch.device) -> float:
    """Speed of a medium matrix product here, halved: models do not reach it."""
    a = torch.ones(1024, 1024, device=device)
    best = float("inf")
    for _ in range(4):
        begin = time.perf_counter()
        float((a @ a)[0, 0])
        best = min(best, time.perf_counter() - begin)
    return 0.5 * 2 * 1024**3 / best
