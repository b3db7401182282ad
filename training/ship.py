"""Writes a trained model as an ordinary half-precision folder with its tokenizer and its model card.

python -m training.ship --data FOLDER --run FOLDER --manifest training/manifest.json --out FOLDER
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from neurosieve.errors import DataError
from training.common import check_disk, exit_code, read_json, write_whole
from training.evaluate import load_trained
from training.tokenizer import load_tokenizer, save_tokenizer
from training.train import Run, load_data

NEED = 100_000_000
LARGEST = 12_000_000
CURVE_ROWS = 12
_UNTYPED: Any = transformers  # much of it has no annotations
TITLES = {
    "top1": "top-1",
    "ngram_top1": "n-gram top-1",
    "bits_per_byte": "bits per byte",
    "ngram_bits_per_byte": "5-gram bits per byte",
    "tokens": "tokens scored",
}


def save_model(run: Run, data: Path, out: Path) -> int:
    """Write weights, configuration and tokenizer; returns the bytes of the weights.

    Raises:
        DataError: The weights are larger than a package should carry, or do not load as they were.
    """
    out.mkdir(parents=True, exist_ok=True)
    run.model.half().save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)  # it is written for its owner alone, yet a package carries it
    # Stored in half precision for size, but computed in single: with `float16` here, it would be loaded as such.
    config = json.loads((out / "config.json").read_text(encoding="utf-8")) | {"dtype": "float32"}
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    write_whole(out / "config.json", lambda part: part.write_text(text, encoding="utf-8"))
    save_tokenizer(load_tokenizer(data / "tokenizer"), out, kind=run.settings.kind)
    loaded: Any = type(run.model).from_pretrained(out)
    same = all(torch.equal(a, b.float()) for a, b in zip(loaded.parameters(), run.model.parameters(), strict=True))
    size = (out / "model.safetensors").stat().st_size
    if not same or size > LARGEST:
        raise DataError(
            str(out), expected=f"whole weights of at most {LARGEST:,} bytes", got=f"{size:,}", remedy="train it smaller"
        )
    return size


def card(
    run: Run, quality: Mapping[str, Any], curve: Sequence[Mapping[str, float]], manifest: Mapping[str, Any], size: int
) -> str:
    """The model card, in Markdown."""
    settings = run.settings
    count = sum(p.numel() for p in run.model.parameters())
    aim = "masked tokens" if settings.kind == "encoder" else "the next token"
    parts = [
        "---\nlicense: apache-2.0\nlibrary_name: transformers\n---\n",
        f"# neurosieve {settings.kind}\n",
        f"A small {settings.kind} of source code ({run.model.config.model_type}), trained to predict {aim} in Python, "
        "Java and C. It is made to try methods of interpretability on, not to write or complete code.\n",
        "## Size\n",
        f"{settings.blocks} blocks of width {settings.width}, {count:,} weights, {size / 1e6:.1f} MB in half "
        f"precision. Byte-level BPE of {run.model.config.vocab_size:,} tokens. "
        f"Longest input: {settings.long_length} tokens.\n",
        "## Quality\n",
        _explanation(settings.kind),
        _quality(quality["scores"]),
        "## Training\n",
        f"{run.seen / 1e6:.1f} M tokens of {run.data.train.size / 1e6:.1f} M different ones, "
        f"{settings.batch:,} a step, fewer early, in windows of {settings.length} and at the end "
        f"{settings.long_length} tokens; "
        f"{settings.optimizer}, learning rate {settings.rate:g}, seed {settings.seed}. Held-out figures of a small "
        "sample on the way:\n",
        _curve(curve),
        "## Corpus\n",
        _corpus(manifest),
        "## Licence\n",
        _licences(manifest),
    ]
    return "\n".join(parts)


def _explanation(kind: str) -> str:
    shared = "Measured on held-out projects; tokens of blanks alone do not count for top-1."
    if kind == "encoder":
        return f"{shared} 15 % of the tokens are masked. The n-gram looks at up to two tokens on either side.\n"
    return f"{shared} The 5-gram is interpolated Kneser-Ney over the same training tokens.\n"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _quality(scores: Mapping[str, Mapping[str, float]]) -> str:
    names = [name for name in TITLES if name in scores["total"]]
    rows = [[key, *(_number(row[name]) for name in names)] for key, row in scores.items()]
    return _table(["held-out code", *(TITLES[name] for name in names)], rows)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _curve(curve: Sequence[Mapping[str, float]]) -> str:
    step = max(1, len(curve) // CURVE_ROWS)
    shown = [*curve[step - 1 : -1 : step], curve[-1]]
    rows = [[f"{c['tokens'] / 1e6:.1f}", f"{c['held_out_loss']:.3f}", f"{c['held_out_top1']:.3f}"] for c in shown]
    return _table(["M tokens", "held-out loss", "held-out top-1"], rows)


def _corpus(manifest: Mapping[str, Any]) -> str:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for p in manifest["projects"]:
        total = sums[p["language"], p["split"]]
        for i, value in enumerate((1, p["files"], p["bytes"])):
            total[i] += value
    rows = [
        [f"{lang}, {split}", f"{n}", f"{files:,}", f"{size / 1e6:.1f}"]
        for (lang, split), (n, files, size) in sums.items()
    ]
    return _table(["part", "projects", "files", "MB"], rows) + f"\nSHA-256 over all files: `{manifest['sha256']}`\n"


def _licences(manifest: Mapping[str, Any]) -> str:
    groups: dict[str, list[str]] = defaultdict(list)
    for p in manifest["projects"]:
        if p["split"] == "train":
            groups[p["licence"]].append(f"{p['project']} {p['version']}")
    lines = [f"- {licence}: {', '.join(sorted(names))}" for licence, names in sorted(groups.items())]
    note = (
        "The weights are given under Apache-2.0. The code they were trained on stays under its own licences, some of "
        "which are copyleft; no code is part of this folder, and what a model writes may still resemble it.\n"
    )
    return note + "\n" + "\n".join(lines) + "\n"


def read_curve(path: Path) -> list[dict[str, float]]:
    """The lines of a learning curve.

    Raises:
        DataError: There is none, or it is damaged.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        lines = []
    if not lines:
        raise DataError(str(path), expected="a learning curve", got="none", remedy="run training.train")
    return lines


def main() -> int:
    """Ship one run."""
    parser = argparse.ArgumentParser(prog="training.ship", description="Write a trained model as a folder to ship.")
    parser.add_argument("--data", type=Path, required=True, help="folder that training.tokenizer wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder that training.train wrote")
    parser.add_argument("--manifest", type=Path, required=True, help="the corpus' short manifest")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    args = parser.parse_args()
    quality = read_json(args.run / "quality.json", "run training.evaluate")
    manifest = read_json(args.manifest, "run training.corpus")
    run = load_trained(args.run, load_data(args.data))
    if quality["trained_tokens"] != run.seen or quality["kind"] != run.settings.kind:
        raise DataError(
            "quality.json", expected="the checkpoint's figures", got="older ones", remedy="run training.evaluate again"
        )
    check_disk(args.out, NEED)
    size = save_model(run, args.data, args.out)
    text = card(run, quality, read_curve(args.run / "curve.jsonl"), manifest, size)
    write_whole(args.out / "MODEL_CARD.md", lambda part: part.write_text(text, encoding="utf-8"))
    print(f"{args.out}: {size / 1e6:.1f} MB of weights")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
