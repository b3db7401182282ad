"""Measures a trained model on held-out projects, compared with n-gram baselines over the same training tokens.

    python -m training.evaluate --data FOLDER --run FOLDER

Writes `quality.json` into the run's folder. Tokens of blanks alone do not count for top-1;
special tokens count nowhere.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.common import LANGUAGES, exit_code, write_json
from training.networks import Batch, Score, masked_batch, next_token_batch, score
from training.ngrams import LEFT, TWO_SIDED, KneserNey, longest_context
from training.tokenizer import EOS_ID, MASK_ID, Tokens, load_tokenizer, token_bytes
from training.train import Data, Run, Settings, load_data, read_checkpoint

SEED = 2024
LENGTH = 512
WINDOWS = 400  # a language
ROWS = 16
ORDER = 5
TARGETS = {"encoder": {"top1": 0.55}, "decoder": {"top1": 0.38}}


@dataclass(frozen=True)
class Question:
    """Windows of one language with the positions to predict, as a model and as a counter see them."""

    batches: Sequence[Batch]
    windows: NDArray[Any]
    positions: NDArray[np.int64]  # in the flat windows
    hidden: NDArray[np.bool_]

    @property
    def targets(self) -> NDArray[np.int64]:
        """The tokens to predict."""
        return self.windows.ravel()[self.positions].astype(np.int64)


def load_trained(folder: Path, data: Data) -> Run:
    """The run's model as it is shipped: rounded to half precision, computing in single."""
    state = read_checkpoint(folder / "checkpoint.pt")
    run = Run(Settings(**state["settings"]), data, torch.device("cpu"))
    run.load(state)
    run.model.half().float().eval()
    return run


def ask(kind: str, tokens: Tokens, seed: int, windows: int = WINDOWS, length: int = LENGTH) -> Question:
    """Draw windows without overlap; 15 % of their tokens are masked, or each is predicted from those before it."""
    draw = np.random.default_rng(seed)
    extra = int(kind == "decoder")
    available = (tokens.size - extra) // length
    chosen = np.sort(draw.permutation(available)[:windows]) * length
    cut = np.stack([tokens[s : s + length + extra] for s in chosen])
    groups = [cut[i : i + ROWS] for i in range(0, len(cut), ROWS)]
    if kind == "decoder":
        positions = np.arange(cut.size).reshape(cut.shape)[:, ORDER - 1 :].ravel()
        batches = [_late(next_token_batch(group), length) for group in groups]
        return Question(batches, cut, positions, np.zeros(cut.size, dtype=bool))
    batches = [masked_batch(group, 0.15, draw) for group in groups]
    shifts = np.arange(len(batches)) * ROWS * length
    positions = np.concatenate([b.positions.numpy() + s for b, s in zip(batches, shifts, strict=True)])
    # The counter sees what the model sees: no masked token, and no token where the model has its end marks.
    hidden = np.concatenate([(b.inputs == MASK_ID).numpy().ravel() for b in batches]).reshape(cut.shape)
    hidden[:, [0, -1]] = True
    return Question(batches, cut, positions, hidden.ravel())


def _late(batch: Batch, length: int) -> Batch:
    """The batch without the first positions, whose n-gram context would begin before the window."""
    keep = batch.positions % length >= ORDER - 2
    return Batch(batch.inputs, batch.positions[keep], batch.targets[keep])


def counter_top1(question: Question, guesses: NDArray[np.int64], counted: NDArray[np.bool_]) -> Score:
    """The baseline's guesses, counted as the model's are."""
    asked = counted[question.targets]
    return Score(int(asked.sum()), int(((guesses == question.targets) & asked).sum()))


def evaluate_encoder(run: Run) -> dict[str, Any]:
    """Masked top-1 of each language and of all, and of the two-sided n-gram."""
    counted = run.data.counted.numpy()

    def figures(question: Question) -> tuple[Score, Score]:
        flat = np.pad(question.windows.ravel(), 2)  # so that the outermost contexts exist
        hidden = np.pad(question.hidden, 2, constant_values=True)
        guesses = longest_context(run.data.train, flat, question.positions + 2, hidden, TWO_SIDED)
        model = score(run.model, question.batches, run.data.counted)
        return model, counter_top1(question, guesses, counted)

    rows = _by_language(run, figures)
    return {name: {"top1": model.top1, "ngram_top1": base.top1, "tokens": model.counted} for name, model, base in rows}


def _by_language(run: Run, figures: Callable[[Question], tuple[Score, Score]]) -> Iterator[tuple[str, Score, Score]]:
    model, base = Score(), Score()
    for language, tokens in zip(LANGUAGES, run.data.held_out, strict=True):
        found = figures(ask(run.settings.kind, tokens, SEED))
        model, base = model + found[0], base + found[1]
        yield language, *found
    yield "total", model, base


def evaluate_decoder(run: Run, lengths: NDArray[np.int64]) -> dict[str, Any]:
    """Next-token top-1 and bits per byte, and those of a 5-gram, over the same tokens.

    The 5-gram's probabilities are Kneser-Ney's; its top-1 is the most frequent token in the longest known context.
    """
    counted = run.data.counted.numpy()
    smoothed = KneserNey(run.data.train, order=ORDER, vocabulary=counted.size)
    sizes: list[int] = []

    def figures(question: Question) -> tuple[Score, Score]:
        flat, targets = question.windows.ravel(), question.targets
        real = targets > EOS_ID
        sizes.append(int(lengths[targets[real]].sum()))
        guesses = longest_context(run.data.train, flat, question.positions, question.hidden, LEFT)
        nats = -np.log(smoothed.probabilities(flat, question.positions[real])).sum()
        base = counter_top1(question, guesses, counted) + Score(tokens=int(real.sum()), nats=float(nats))
        return score(run.model, question.batches, run.data.counted), base

    rows = list(_by_language(run, figures))
    result = {}
    for (name, model, base), size in zip(rows, [*sizes, sum(sizes)], strict=True):
        bits = {"bits_per_byte": model.nats, "ngram_bits_per_byte": base.nats}
        shares = {"top1": model.top1, "ngram_top1": base.top1, "tokens": model.counted, "bytes": size}
        result[name] = shares | {key: nats / math.log(2) / size for key, nats in bits.items()}
    return result


def main() -> int:
    """Evaluate one run."""
    parser = argparse.ArgumentParser(prog="training.evaluate", description="Measure a trained model on held-out code.")
    parser.add_argument("--data", type=Path, required=True, help="folder that training.tokenizer wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder that training.train wrote")
    args = parser.parse_args()
    run = load_trained(args.run, load_data(args.data))
    if run.settings.kind == "encoder":
        found = evaluate_encoder(run)
    else:
        pieces = token_bytes(load_tokenizer(args.data / "tokenizer"))
        found = evaluate_decoder(run, np.array([len(piece) for piece in pieces]))
    write_json(args.run / "quality.json", {"kind": run.settings.kind, "trained_tokens": run.seen, "scores": found})
    for name, row in found.items():
        print(f"{name:8}" + "  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    target, total = TARGETS[run.settings.kind]["top1"], found["total"]
    better = total.get("bits_per_byte", 0.0) < total.get("ngram_bits_per_byte", 1.0)
    reached = total["top1"] >= target and total["top1"] > total["ngram_top1"] and better
    print(f"targets {'reached' if reached else 'missed'}: top-1 of {target} and better than the n-gram")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
