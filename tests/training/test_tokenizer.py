"""The shared tokenizer: nothing is lost, offsets are exact, labels get their own tokens."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer
from training.tokenizer import CLS_ID, EOS_ID, MASK_ID, SEP_ID, SPECIALS, encode, load_tokenizer, save_tokenizer
from training.tokenizer import token_bytes as bytes_of

_UNTYPED: Any = transformers
CODE = (
    "def näme(self):\n        return self.total\n\n\nif x:\n\tpass  \n",
    "int  main(void) {\r\n    puts(\"日本 😀\");\r\n}",
    "   leading and trailing   ",
    "__init__ = item_count2 ** 1000\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def bare(data_folder: Path) -> Tokenizer:
    return load_tokenizer(data_folder / "tokenizer")


@pytest.mark.parametrize("text", CODE)
def test_offsets_cover_the_text_without_a_gap_and_decoding_returns_it(bare: Tokenizer, text: str) -> None:
    encoding = bare.encode(text)
    assert bare.decode(encoding.ids, skip_special_tokens=False) == text
    assert b"".join(bytes_of(bare)[i] for i in encoding.ids) == text.encode()
    covered = {c for start, end in encoding.offsets for c in range(start, end)}
    assert covered == set(range(len(text)))
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        whole = text[start:end].encode()
        assert bytes_of(bare)[token] in whole  # a token may be a part of one character


def test_a_line_break_and_its_indentation_merge(bare: Tokenizer) -> None:
    tokens = [bytes_of(bare)[i] for i in bare.encode("def size(self):\n        return size + size\n").ids]
    assert b"\n        " in tokens
    assert b"return" in tokens


def test_identifiers_and_punctuation_never_share_a_token(bare: Tokenizer) -> None:
    for piece in bytes_of(bare):
        word = {chr(c).isalnum() or chr(c) == "_" for c in piece.strip() if c < 128}
        assert len(word) < 2, piece


def test_special_tokens_have_the_first_numbers_and_close_documents(bare: Tokenizer) -> None:
    assert [bare.id_to_token(i) for i in range(len(SPECIALS))] == list(SPECIALS)
    stream = encode(bare, ["a = 1\n", "b\n"])
    assert stream.dtype == np.uint16
    assert [int(stream[-1]), int((stream == EOS_ID).sum())] == [EOS_ID, 2]


def test_saved_tokenizers_are_ordinary_fast_ones(bare: Tokenizer, tmp_path: Path) -> None:
    for kind in ("encoder", "decoder"):
        save_tokenizer(bare, tmp_path / kind, kind=kind)
        fast = _UNTYPED.AutoTokenizer.from_pretrained(tmp_path / kind)
        assert fast.is_fast
        found = fast("\n    return x", return_offsets_mapping=True)
        plain = bare.encode("\n    return x")
        if kind == "encoder":
            assert found["input_ids"] == [CLS_ID, *plain.ids, SEP_ID]
            assert found["offset_mapping"][1:-1] == plain.offsets
            assert fast.mask_token_id == MASK_ID
        else:
            assert found["input_ids"] == plain.ids
            assert found["offset_mapping"] == plain.offsets
            assert fast.eos_token_id == EOS_ID
