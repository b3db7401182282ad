"""A tiny corpus in three languages, its tokenizer and tokens, and settings that train in a second."""

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from training.common import LANGUAGES
from training.corpus import Document
from training.networks import Kind
from training.sources import Project

from training import corpus, tokenizer, train

NAMES = ("total", "size", "item_count", "näme", "left", "right")


def make_text(language: str, seed: int) -> str:
    """Code-like text, the same for a seed."""
    draw = random.Random(seed)
    lines = []
    for _ in range(60):
        a, b, n = draw.choice(NAMES), draw.choice(NAMES), draw.randrange(100)
        lines += {
            "python": [f"def {a}(self):", f"    if {b} > {n}:", f"        return {a} + {b}", ""],
            "java": [f"public int {a}(int {b}) {{", f"    return {a} * {n};", "}", ""],
            "c": [f"static int {a}(int {b})", "{", f"\tint {a} = {b} - {n};", "}", ""],
        }[language]
    return "\n".join(lines) + "\n"


def make_documents() -> list[Document]:
    made = []
    for split, count in (("train", 6), ("heldout", 2)):
        for number, language in enumerate(LANGUAGES):
            project = Project(f"{language}-{split}", "1.0", "MIT", held_out=split == "heldout")
            for i in range(count):
                text = make_text(language, 100 * number + i + (50 if project.held_out else 0))
                made.append(Document(project, language, f"file{i}", text, f"{language}{split}{i}"))
    return made


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    corpus.write_corpus(make_documents(), folder)
    return folder


@pytest.fixture(scope="session")
def data_folder(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["training.tokenizer", "--corpus", str(corpus_folder), "--out", str(folder)])
        patch.setattr(tokenizer.train_tokenizer, "__defaults__", (400,))
        assert tokenizer.main() == 0
    return folder


@pytest.fixture(scope="session")
def data(data_folder: Path) -> train.Data:
    return train.load_data(data_folder)


def settings(kind: Kind, **changes: object) -> train.Settings:
    tiny = train.Settings(
        kind=kind, tokens=20 * 256, rate=0.01, precision="float32", batch=256,
        early_batch=128, length=32, long_length=64, warm_up=768,
        width=16, blocks=2,
    )  # fmt: skip
    return replace(tiny, **changes)  # type: ignore[arg-type]
