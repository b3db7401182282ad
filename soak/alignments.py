"""Random texts and spans, aligned with the tokens of eight tokenizers, against a count character by character."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers
from tests.activations.test_align import ODD, PIECES
from tests.tiny import CODE, tiny_tokenizer
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers import models as kinds

from neurosieve.activations.align import Encoding, encode, unit_tokens
from soak.outcome import Amount, Outcome

_UNTYPED: Any = transformers
_SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"]
_TEXTS = 64  # that are tokenised together


def _wrapped(tokenizer: Tokenizer, **names: str) -> Any:
    return _UNTYPED.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def _byte_level(*, prefix: bool) -> Any:
    tokenizer = Tokenizer(kinds.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=alphabet, special_tokens=_SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(CODE * 3, trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return _wrapped(tokenizer, unk_token="<unk>", pad_token="<pad>")


def _word_piece(*, lower: bool) -> Any:
    tokenizer = Tokenizer(kinds.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower, strip_accents=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    tokenizer.train_from_iterator(
        CODE * 3, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return _wrapped(tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")


def _unigram() -> Any:
    tokenizer = Tokenizer(kinds.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=_SPECIAL, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CODE * 3, trainer)
    return _wrapped(tokenizer, unk_token="<unk>", pad_token="<pad>")


def _pieces(*, fallback: bool, pad: bool) -> Any:
    """SentencePiece's BPE; what it lacks is `<unk>`, or the bytes of it."""
    tokenizer = Tokenizer(kinds.BPE(unk_token="<unk>", byte_fallback=fallback, fuse_unk=not fallback))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))] if fallback else _SPECIAL
    trainer = trainers.BpeTrainer(vocab_size=len(special) + 150, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CODE * 3, trainer)
    return _wrapped(tokenizer, unk_token="<unk>", eos_token="</s>", **({"pad_token": "<pad>"} if pad else {}))


TOKENIZERS: dict[str, Callable[[], Any]] = {
    "byte-level": lambda: _byte_level(prefix=False),
    "byte-level with prefix space": lambda: _byte_level(prefix=True),
    "WordPiece": lambda: _word_piece(lower=False),
    "WordPiece, lower case without accents": lambda: _word_piece(lower=True),
    "SentencePiece unigram": _unigram,
    "SentencePiece BPE": lambda: _pieces(fallback=False, pad=True),
    "byte fallback": lambda: _pieces(fallback=True, pad=True),
    "byte fallback without a pad token": lambda: _pieces(fallback=True, pad=False),
    "byte-level of RoBERTa": lambda: tiny_tokenizer("bytes"),
    "byte-level of GPT-2, no pad token": lambda: tiny_tokenizer("bare", pad=False),
}


def alignments(home: Path, amount: Amount) -> list[Outcome]:
    """Some 12,000 spans a tokenizer; short: 256."""
    del home
    rng = random.Random(22)
    return [_aligned(name, make(), rng, amount.times(12_000, 256)) for name, make in TOKENIZERS.items()]


def _text(rng: random.Random) -> str:
    def part() -> str:
        pick = rng.random()
        if pick < 0.4:
            return rng.choice(ODD)
        if pick < 0.6:
            return rng.choice(PIECES)
        if pick < 0.9:
            return rng.choice(rng.choice(CODE).split(" ") or [" "])
        return chr(rng.choice([rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)]))

    return "".join(part() for _ in range(rng.randrange(30)))


def _aligned(name: str, tokenizer: Any, rng: random.Random, spans: int) -> Outcome:
    outcome = Outcome("alignments", f"spans aligned, {name}")
    while outcome.tried < spans:
        texts = [_text(rng) for _ in range(_TEXTS)]
        for text, encoding in zip(texts, encode(tokenizer, texts), strict=True):
            for _ in range(8):
                start = rng.randint(0, len(text))
                end = rng.randint(start, min(len(text), start + 12))
                outcome.add(f"{text!r}[{start}:{end}]", _fault(tokenizer, text, encoding, start, end))
    return outcome


def _fault(tokenizer: Any, text: str, encoding: Encoding, start: int, end: int) -> str | None:
    wanted = [
        i
        for i, (first, behind) in enumerate(zip(encoding.start.tolist(), encoding.end.tolist(), strict=True))
        if set(range(first, behind)) & set(range(start, end))
    ]
    found = unit_tokens(encoding, start, end).tolist()
    if found != wanted:
        return f"tokens {found}, not {wanted}"
    if not (encoding.start >= 0).all() or not (encoding.end <= len(text)).all():
        return "offsets outside of the text"
    kept = [c for c in text[start:end] if not c.isspace() and not _is_dropped(tokenizer, c)]
    return "a character without a token" if kept and not found else None


def _is_dropped(tokenizer: Any, character: str) -> bool:
    """Does the tokenizer itself leave nothing of it, or make one letter of it and the one before?"""
    normalizer = tokenizer.backend_tokenizer.normalizer
    if normalizer is None:
        return False
    return len(normalizer.normalize_str(f"a{character}a").replace("▁", "").strip()) < len("a.a")
