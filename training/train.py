"""Trains one model: a short loop that can be stopped at any time and goes on from its checkpoint.

    python -m training.train --kind encoder --tokens 40e6 --data FOLDER --out FOLDER --minutes 50 --resume

Exit code 0: the budget is done. 75: stopped before, start again with `--resume`. 1: an error, in one line.
"""

import argparse
import contextlib
import json
import math
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosieve.errors import ConfigError, DataError, ModelError
from training.common import LANGUAGES, check_disk, exit_code, write_whole
from training.networks import Batch, Kind, Score, build, masked_batch, next_token_batch, predict, score
from training.tokenizer import Tokens, load_tokenizer, token_bytes

UNFINISHED = 75
NEED = 500_000_000
HELD_OUT_TOKENS = 16_384
# Knowing only which tokens are frequent is worth their share; a model that learns is soon well above it.
PLATEAU_MARGIN = 0.05
PLATEAU_LEFT = 2_000_000  # tokens after which any good run has left it; shorter trials are not checked
Optimizer = Literal["muon", "adamw"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Settings:
    """Everything that decides the weights; a run goes on only with the settings it began with."""

    kind: Kind
    tokens: int
    rate: float
    optimizer: Optimizer = "muon"
    precision: Precision = "bfloat16"
    batch: int = 4096  # tokens a step
    early_batch: int = 2048  # of the first part, where many rough steps teach more than few exact ones
    early_until: float = 0.1
    length: int = 128
    long_length: int = 512  # of the last part of the budget, so that the model can read longer files
    long_from: float = 0.85
    warm_up: int = 200_000  # tokens
    weight_decay: float = 0.1
    mask_share: float = 0.3
    width: int = 256
    blocks: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """Tokens to learn from, tokens to check with, and which tokens count for top-1."""

    train: Tokens
    held_out: tuple[Tokens, ...]
    counted: Tensor


def load_data(folder: Path) -> Data:
    """Read what training.tokenizer wrote; tokens of blanks alone do not count for top-1.

    Raises:
        DataError: A file is missing or damaged.
    """
    try:
        train = np.load(folder / "train.npy", mmap_mode="r")
        held_out = tuple(np.load(folder / f"heldout-{name}.npy") for name in LANGUAGES)
        pieces = token_bytes(load_tokenizer(folder / "tokenizer"))
    except Exception as error:  # the tokenizer's library raises bare exceptions
        raise DataError(
            f"tokens {folder}", expected="readable tokens", got=type(error).__name__, remedy="run training.tokenizer"
        ) from error
    return Data(train, held_out, torch.tensor([bool(piece.strip()) for piece in pieces]))


@lru_cache(maxsize=2)
def _order(windows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(windows)


def batch_at(settings: Settings, seen: int) -> int:
    """Tokens of the next step."""
    return settings.early_batch if seen < settings.early_until * settings.tokens else settings.batch


def make_batch(settings: Settings, tokens: Tokens, seen: int) -> Batch:
    """The batch after `seen` tokens. It follows from the seed and `seen` alone, so a resumed run draws the same."""
    long = seen >= settings.long_from * settings.tokens
    length = settings.long_length if long else settings.length
    windows = (tokens.size - 1) // length
    numbers = np.arange(seen // length, (seen + batch_at(settings, seen)) // length)
    starts = [_order(windows, settings.seed, int(n) // windows)[int(n) % windows] * length for n in numbers]
    if settings.kind == "encoder":
        draw = np.random.default_rng([settings.seed, seen])
        return masked_batch(np.stack([tokens[s : s + length] for s in starts]), settings.mask_share, draw)
    return next_token_batch(np.stack([tokens[s : s + length + 1] for s in starts]))


def held_out_batches(settings: Settings, held_out: tuple[Tokens, ...], length: int) -> list[Batch]:
    """The same windows at every check, as many of each language; 15 % of the positions are masked."""
    draw = np.random.default_rng(0)
    extra = int(settings.kind == "decoder")
    count = max(1, HELD_OUT_TOKENS // (length * len(held_out)))
    batches = []
    for tokens in held_out:
        starts = draw.integers(0, tokens.size - length - extra, count)
        windows = np.stack([tokens[s : s + length + extra] for s in starts])
        batches.append(masked_batch(windows, 0.15, draw) if settings.kind == "encoder" else next_token_batch(windows))
    return batches


def rate_at(settings: Settings, seen: int) -> float:
    """Learning rate: a straight rise, then half a cosine down to nothing."""
    warm = settings.warm_up
    if seen < warm:
        return settings.rate * min(1.0, (seen + batch_at(settings, seen)) / warm)
    return settings.rate * 0.5 * (1 + math.cos(math.pi * min(1.0, (seen - warm) / max(1, settings.tokens - warm))))


def make_optimizers(model: nn.Module, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon or AdamW for the matrices of the blocks; AdamW for embeddings, norms and biases."""
    named = dict(model.named_parameters())
    inner = {n for n, p in named.items() if p.ndim == 2 and "embed" not in n}
    matrices = [p for n, p in named.items() if n in inner]
    others = [p for n, p in named.items() if n not in inner]
    shared: dict[str, Any] = {"lr": settings.rate, "weight_decay": settings.weight_decay}
    plain = {"params": others, "weight_decay": 0.0}
    if settings.optimizer == "muon":
        # Its steps are scaled to the size of AdamW's, so one rate serves both.
        muon = torch.optim.Muon(matrices, **shared, adjust_lr_fn="match_rms_adamw")
        return [muon, torch.optim.AdamW([plain], lr=settings.rate, betas=(0.9, 0.98))]
    groups: list[dict[str, Any]] = [{"params": matrices}, plain]
    return [torch.optim.AdamW(groups, betas=(0.9, 0.98), **shared)]


class Run:
    """A model in training: its weights, optimizers and how many tokens it has seen."""

    def __init__(self, settings: Settings, data: Data, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.data, self.device, self.seen = settings, data, device, 0
        sizes = {"vocabulary": data.counted.numel(), "width": settings.width, "blocks": settings.blocks}
        self.model = build(settings.kind, **sizes).to(device).train()
        self.optimizers = make_optimizers(self.model, settings)

    @property
    def done(self) -> bool:
        """Whether the budget is used up."""
        return self.seen >= self.settings.tokens

    def _autocast(self) -> torch.autocast:
        low = self.settings.precision == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=low)

    def step(self) -> float:
        """Learn from one batch; returns its loss."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(self.settings, self.seen)
        batch = make_batch(self.settings, self.data.train, self.seen).to(self.device)
        with self._autocast():
            logits = predict(self.model, batch)
        loss = nn.functional.cross_entropy(logits.float(), batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.seen += batch_at(self.settings, self.seen)
        return loss.item()

    def check(self) -> Score:
        """Score the held-out windows, at the length in use."""
        settings = self.settings
        length = settings.long_length if self.seen > settings.long_from * settings.tokens else settings.length
        with self._autocast():
            return score(self.model, held_out_batches(settings, self.data.held_out, length), self.data.counted)

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state = {
            "settings": asdict(self.settings),
            "seen": self.seen,
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "random": torch.get_rng_state(),
        }
        write_whole(path, lambda part: torch.save(state, part))

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            ConfigError: It is of a run with other settings.
        """
        stored, wanted = state["settings"], asdict(self.settings)
        for name in wanted:
            if stored.get(name) != wanted[name]:
                raise ConfigError(
                    f"--{name.replace('_', '-')}",
                    expected=f"{stored.get(name)!r} as in the checkpoint",
                    got=repr(wanted[name]),
                    remedy="resume with the settings the run began with, or choose another --out",
                )
        self.model.load_state_dict(state["model"])
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        torch.set_rng_state(state["random"])
        self.seen = state["seen"]


def read_checkpoint(path: Path, device: torch.device | None = None) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        DataError: It is missing or damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device or "cpu", weights_only=True)
        state["random"] = state["random"].cpu()
    except Exception as error:  # torch raises many kinds for a damaged file
        raise DataError(
            str(path), expected="a checkpoint", got=type(error).__name__, remedy="train without --resume"
        ) from error
    return state


class Curve:
    """The learning curve, one JSON object a line; lines after a checkpoint go when the run resumes from it."""

    def __init__(self, path: Path, seen: int) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if seen and path.exists() else []
        kept = [line for line in lines if json.loads(line)["tokens"] <= seen]
        write_whole(path, lambda part: part.write_text("".join(line + "\n" for line in kept), encoding="utf-8"))

    def add(self, **values: float) -> None:
        """Add a line and show it."""
        line = json.dumps({k: round(v, 5) for k, v in values.items()})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)


def frequent_share(data: Data) -> float:
    """Share of the most frequent counted token: what a model reaches that learned nothing but frequencies."""
    counts = np.bincount(np.concatenate(data.held_out), minlength=data.counted.numel()) * data.counted.numpy()
    return float(counts.max() / counts.sum())


def check_plateau(top1: float, share: float) -> None:
    """Stop a run that is not learning.

    Raises:
        ModelError: Top-1 is not clearly above the most frequent token's share.
    """
    if top1 < share + PLATEAU_MARGIN:
        raise ModelError(
            "training run",
            expected=f"held-out top-1 above {share + PLATEAU_MARGIN:.3f} by now",
            got=f"{top1:.3f}, no better than naming the most frequent token",
            remedy="start again with another --rate or --seed",
        )


@contextlib.contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM instead of dying, so that the step and the checkpoint are finished first."""
    caught: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, _: caught.append(number)) for kind in kinds}
    try:
        yield caught
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def train(run: Run, out: Path, *, minutes: float = math.inf, every: int = 1_000_000) -> bool:
    """Train until the budget, the time or a signal ends it; says whether the budget is done.

    Checks come every `every` tokens, checkpoints every five minutes and at the end.
    """
    share = frequent_share(run.data)
    curve = Curve(out / "curve.jsonl", run.seen)
    start = saved = time.monotonic()
    losses: list[float] = []
    with stop_signals() as caught:
        while not (run.done or caught or time.monotonic() - start > 60 * minutes):
            before = run.seen
            losses.append(run.step())
            if run.done or run.seen // every > before // every:
                found = run.check()
                values = {"held_out_loss": found.loss, "held_out_top1": found.top1}
                spent = (time.monotonic() - start) / 60
                curve.add(tokens=run.seen, loss=sum(losses) / len(losses), **values, minutes=spent)
                losses.clear()
            if before < max(0.1 * run.settings.tokens, PLATEAU_LEFT) <= run.seen:
                check_plateau(run.check().top1, share)
            if time.monotonic() - saved > 300:
                run.save(out / "checkpoint.pt")
                saved = time.monotonic()
        run.save(out / "checkpoint.pt")
    return run.done


def parse() -> argparse.Namespace:
    """The command line: one option for each setting, and where and how long to run."""
    parser = argparse.ArgumentParser(prog="training.train", description="Train one model, or go on training it.")
    parser.add_argument("--data", type=Path, required=True, help="folder that training.tokenizer wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop with a checkpoint after this time")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, where there is one")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    choices = {"kind": get_args(Kind), "optimizer": get_args(Optimizer), "precision": get_args(Precision)}
    for field in fields(Settings):
        name, required = "--" + field.name.replace("_", "-"), field.name in ("kind", "tokens")
        if field.name in choices:
            parser.add_argument(name, choices=choices[field.name], required=required, default=field.default)
        elif field.name == "rate":
            parser.add_argument(name, type=float, default=6e-3)
        else:
            number = float if field.type is float else lambda text: int(float(text))
            parser.add_argument(name, type=number, required=required, default=None if required else field.default)
    return parser.parse_args()


def main() -> int:
    """Start or resume a run."""
    args = parse()
    torch.set_num_threads(args.threads)
    settings = Settings(**{field.name: getattr(args, field.name) for field in fields(Settings)})
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.exists() and not args.resume:
        raise ConfigError(
            str(args.out), expected="a new folder", got="one with a checkpoint", remedy="add --resume or delete it"
        )
    check_disk(args.out, NEED)
    device = torch.device(args.device)
    run = Run(settings, load_data(args.data), device)
    if checkpoint.exists():
        run.load(read_checkpoint(checkpoint, device))
    return 0 if train(run, args.out, minutes=args.minutes) else UNFINISHED


if __name__ == "__main__":
    sys.exit(exit_code(main))
