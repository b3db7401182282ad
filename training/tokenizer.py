"""Trains the tokenizer that both models share, and turns the corpus into tokens.

    python -m training.tokenizer --corpus FOLDER --out FOLDER

Writes `tokenizer/`, `train.npy` and one `heldout-LANGUAGE.npy` a language. Documents end with `<eos>`.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from training.common import LANGUAGES, check_disk, exit_code, write_whole
from training.corpus import read_corpus

VOCABULARY = 8192
PAD, CLS, SEP, MASK, EOS = SPECIALS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "<eos>")
PAD_ID, CLS_ID, SEP_ID, MASK_ID, EOS_ID = range(5)
# A line break keeps its indentation, so that depth is one token and a word at the start of a line looks like the
# same word after a bracket. Identifiers never share a token with punctuation: labels are given to either of them.
PIECES = r" ?[\p{L}_][\p{L}\p{N}_]*| ?\p{N}+| ?[^\s\p{L}\p{N}_]+|\s*[\r\n]+[ \t]*|\s+(?!\S)|\s+"
Tokens = NDArray[np.uint16]
_UNTYPED: Any = transformers  # much of it has no annotations


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Tokenizer:
    """A byte-level BPE whose token offsets cover the text exactly, leading blanks included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=32,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, kind: str) -> None:
    """Write an ordinary fast tokenizer; an encoder's puts [CLS] and [SEP] around its text."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    if kind == "encoder":
        frame = processors.TemplateProcessing(
            single=f"{CLS} $A {SEP}",
            pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
            special_tokens=[(CLS, CLS_ID), (SEP, SEP_ID)],
        )
        copy.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), frame])
    names = {"pad_token": PAD, "eos_token": EOS}
    if kind == "encoder":
        names = {"pad_token": PAD, "cls_token": CLS, "sep_token": SEP, "mask_token": MASK}
    fast = _UNTYPED.PreTrainedTokenizerFast(
        tokenizer_object=copy, clean_up_tokenization_spaces=False, model_max_length=512, **names
    )
    fast.save_pretrained(folder)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The bare tokenizer of a folder."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def token_bytes(tokenizer: Tokenizer) -> list[bytes]:
    """The bytes each token stands for; none for the special ones."""
    # Byte-level BPE writes each byte as one printable character.
    decode = {char: byte for byte, char in _byte_characters().items()}
    tokens = sorted(tokenizer.get_vocab(), key=lambda t: tokenizer.token_to_id(t) or 0)
    return [b"" if t in SPECIALS else bytes(decode[c] for c in t) for t in tokens]


def _byte_characters() -> dict[int, str]:
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def encode(tokenizer: Tokenizer, texts: Iterable[str]) -> Tokens:
    """All texts as one stream of tokens, each text closed by `<eos>`."""
    parts: list[Tokens] = []
    for group in _groups(texts, 256):
        for encoding in tokenizer.encode_batch_fast(group, add_special_tokens=False):
            parts.append(np.array([*encoding.ids, EOS_ID], dtype=np.uint16))
    return np.concatenate(parts)


def _groups(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(texts)
    while group := list(islice(rest, size)):
        yield group


def main() -> int:
    """Train the tokenizer and write the tokens."""
    parser = argparse.ArgumentParser(prog="training.tokenizer", description="Train the tokenizer; write the tokens.")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the tokenizer and the tokens")
    args = parser.parse_args()
    check_disk(args.out, 500_000_000)
    tokenizer = train_tokenizer(text for name in LANGUAGES for text in read_corpus(args.corpus, "train", name))
    save_tokenizer(tokenizer, args.out / "tokenizer", kind="decoder")
    streams = [encode(tokenizer, read_corpus(args.corpus, "train", name)) for name in LANGUAGES]
    _save(np.concatenate(streams), args.out / "train.npy")
    for name, stream in zip(LANGUAGES, streams, strict=True):
        held_out = encode(tokenizer, read_corpus(args.corpus, "heldout", name))
        _save(held_out, args.out / f"heldout-{name}.npy")
        print(f"{name:8}{stream.size / 1e6:6.2f} M training tokens, {held_out.size / 1e6:5.2f} M held out")
    return 0


def _save(tokens: Tokens, path: Path) -> None:
    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.save(file, tokens)

    write_whole(path, write)


if __name__ == "__main__":
    sys.exit(exit_code(main))
