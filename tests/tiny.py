"""Tiny random models of many families, their fast tokenizers, and a small labelled data set to read with them."""

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers import models as tokenizer_models
from transformers import PreTrainedTokenizerFast

from neurosieve.data.dataset import Dataset, Example, Span
from neurosieve.data.sampling import Sample, sample_rows
from neurosieve.errors import NeurosieveError
from neurosieve.models import CodeModel, load_model
from neurosieve.printing import visible
from neurosieve.typing import SPLITS, Pooling, Site
from tests.shared import HOME, once

WIDTH, BLOCKS, POSITIONS, UNITS = 16, 2, 40, 32
_UNTYPED: Any = transformers  # much of it has no annotations

CODE = (
    "def add(a, b):\n    return a + b\n",
    "for i in range(10):\n\tprint(i)\n",
    "class Foo(Bar):\n    def size(self):\n        return len(self.items)\n",
    'if (x == 1) { return "abc"; }\r\n',
    "while not done():\n    done = step(x):\n",
)


@dataclass(frozen=True)
class Family:
    """One family of the grid: transformers' name, its kind, its tokenizer and how its config spells the sizes.

    `units` is the path of the modules that take a block's feed-forward units, `*` for the number of the block, and
    `heads` of those that take what its attention heads give. The name of an encoder–decoder says behind a colon which
    half is read.
    """

    name: str
    kind: str
    tokenizer: str
    units: str
    config: Mapping[str, Any] = field(default_factory=dict)
    pad: bool = True
    max_tokens: int = POSITIONS

    @property
    def type(self) -> str:
        return self.name.partition(":")[0]

    @property
    def stack(self) -> Any:
        return self.name.partition(":")[2] or None

    @property
    def heads(self) -> str:
        return _HEADS.get(self.name, "encoder.layer.*.attention.output.dense")

    def __str__(self) -> str:
        return self.name


_SIZES = {
    "hidden_size": WIDTH,
    "num_hidden_layers": BLOCKS,
    "num_attention_heads": 2,
    "intermediate_size": UNITS,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.4,
}
_GPT2 = {
    "n_inner": UNITS,
    "n_embd": WIDTH,
    "n_layer": BLOCKS,
    "n_head": 2,
    "n_positions": POSITIONS,
    "initializer_range": 0.4,
}
_DISTIL = {"dim": WIDTH, "n_layers": BLOCKS, "n_heads": 2, "hidden_dim": UNITS, "initializer_range": 0.4}
_DISTIL |= {"max_position_embeddings": POSITIONS}
_OFFSET = _SIZES | {"max_position_embeddings": POSITIONS + 2}  # positions start behind the pad id, which is 1

_LAYER = "encoder.layer.*.output.dense"
_GROUPED = _SIZES | {"num_key_value_heads": 1}
_MODERN = _SIZES | {"global_attn_every_n_layers": 2, "local_attention": 8}
_DEBERTA = _SIZES | {"relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"]}
_ALBERT = "encoder.albert_layer_groups.0.albert_layers.0.ffn_output"  # all blocks share it
_OPT = _SIZES | {"ffn_dim": UNITS, "word_embed_proj_dim": WIDTH}
_T5 = {"d_model": WIDTH, "d_kv": 8, "d_ff": UNITS, "num_layers": BLOCKS, "num_heads": 2, "n_positions": POSITIONS}
_BART: dict[str, Any] = {"d_model": WIDTH, "max_position_embeddings": POSITIONS, "init_std": 0.4}
for _half in ("encoder", "decoder"):
    _BART |= {f"{_half}_layers": BLOCKS, f"{_half}_attention_heads": 2, f"{_half}_ffn_dim": UNITS}

_HEADS = {
    "distilbert": "transformer.layer.*.attention.out_lin",
    "modernbert": "layers.*.attn.Wo",
    "albert": "encoder.albert_layer_groups.0.albert_layers.0.attention.dense",
    "gpt_neox": "layers.*.attention.dense",
    "codegen": "h.*.attn.out_proj",
    "phi": "layers.*.self_attn.dense",
    "opt": "decoder.layers.*.self_attn.out_proj",
}
_HEADS |= dict.fromkeys(("gpt2", "gpt_bigcode"), "h.*.attn.c_proj")
_HEADS |= dict.fromkeys(("llama", "qwen2", "gemma3_text", "starcoder2"), "layers.*.self_attn.o_proj")
for _half in ("encoder", "decoder"):
    _HEADS |= {f"t5:{_half}": f"{_half}.block.*.layer.0.SelfAttention.o"}
    _HEADS |= {f"{name}:{_half}": f"{_half}.layers.*.self_attn.out_proj" for name in ("bart", "plbart")}

# A family that is listed here meets every test of the grid.
FAMILIES = (
    Family("bert", "encoder", "wordpiece", _LAYER, _SIZES),
    Family("roberta", "encoder", "bytes", _LAYER, _OFFSET),
    Family("distilbert", "encoder", "wordpiece", "transformer.layer.*.ffn.lin2", _DISTIL),
    Family("deberta-v2", "encoder", "metaspace", _LAYER, _DEBERTA),
    Family("modernbert", "encoder", "bytes", "layers.*.mlp.Wo", _MODERN),
    Family("electra", "encoder", "wordpiece", _LAYER, _SIZES | {"embedding_size": WIDTH}),
    Family("albert", "encoder", "metaspace", _ALBERT, _SIZES | {"embedding_size": WIDTH}),
    Family("data2vec-text", "encoder", "bytes", _LAYER, _OFFSET),
    Family("gpt2", "decoder", "bare", "h.*.mlp.c_proj", _GPT2, pad=False),
    Family("gpt_neox", "decoder", "bare", "layers.*.mlp.dense_4h_to_h", _SIZES),
    Family("codegen", "decoder", "bare", "h.*.mlp.fc_out", _GPT2 | {"n_head": 4, "rotary_dim": 2}),
    Family("gpt_bigcode", "decoder", "bare", "h.*.mlp.c_proj", _GPT2),
    Family("llama", "decoder", "metaspace", "layers.*.mlp.down_proj", _GROUPED),
    Family("qwen2", "decoder", "bare", "layers.*.mlp.down_proj", _GROUPED),
    Family("gemma3_text", "decoder", "metaspace", "layers.*.mlp.down_proj", _GROUPED | {"head_dim": 8}),
    Family("phi", "decoder", "bare", "layers.*.mlp.fc2", _SIZES),
    Family(
        "opt", "decoder", "bytes", "decoder.layers.*.fc2", _SIZES | {"ffn_dim": UNITS, "word_embed_proj_dim": WIDTH}
    ),
    Family("starcoder2", "decoder", "bare", "layers.*.mlp.c_proj", _GROUPED, pad=False),
    Family("t5:encoder", "encoder", "bytes", "encoder.block.*.layer.1.DenseReluDense.wo", _T5),
    Family("t5:decoder", "decoder", "bytes", "decoder.block.*.layer.2.DenseReluDense.wo", _T5, max_tokens=39),
    Family("bart:encoder", "encoder", "bytes", "encoder.layers.*.fc2", _BART),
    Family("bart:decoder", "decoder", "bytes", "decoder.layers.*.fc2", _BART, max_tokens=39),
    Family("plbart:encoder", "encoder", "bytes", "encoder.layers.*.fc2", _BART),
    Family("plbart:decoder", "decoder", "bytes", "decoder.layers.*.fc2", _BART, max_tokens=39),
)
NAMES = tuple(f.name for f in FAMILIES)
DECODERS = tuple(f.name for f in FAMILIES if f.kind == "decoder" and not f.stack)
ENCODERS = tuple(f.name for f in FAMILIES if f.kind == "encoder")
# Each tokenizer, both kinds, both halves: for tests that need not try every family.
TYPICAL = ("bert", "roberta", "gpt2", "llama", "t5:encoder", "bart:decoder")
TOKENIZERS = ("bytes", "bare", "wordpiece", "metaspace")


def family(name: str) -> Family:
    """The listed family of that name."""
    return next(f for f in FAMILIES if f.name == name)


def _byte_level() -> Tokenizer:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(tokenizer_models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        CODE * 3,
        trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, special_tokens=special, show_progress=False),
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    return tokenizer


def _bare() -> Tokenizer:
    """GPT-2's kind: no token is added before or behind."""
    tokenizer = Tokenizer(tokenizer_models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet, special = pre_tokenizers.ByteLevel.alphabet(), ["<|endoftext|>", "<|pad|>"]
    tokenizer.train_from_iterator(
        CODE * 3,
        trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, special_tokens=special, show_progress=False),
    )
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def _word_piece() -> Tokenizer:
    """BERT's kind. Its own trainer gives another vocabulary each time, so the pieces are those of a trained BPE."""
    special, letters = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], [chr(c) for c in range(33, 127)]
    trained = Tokenizer(tokenizer_models.BPE())
    trained.normalizer = normalizers.BertNormalizer(lowercase=True)
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trained.train_from_iterator(CODE * 3, trainers.BpeTrainer(vocab_size=60, show_progress=False))
    pieces = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    both = [form for piece in [*letters, *(p for p in pieces if len(p) > 1)] for form in (piece, f"##{piece}")]
    vocabulary = {token: i for i, token in enumerate([*special, *both][:320])}
    tokenizer = Tokenizer(tokenizer_models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = trained.normalizer, trained.pre_tokenizer
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def _metaspace() -> Tokenizer:
    """SentencePiece's kind: white space is a letter, unknown characters fall back to bytes, one token goes before."""
    special = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))]
    tokenizer = Tokenizer(tokenizer_models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    trainer = trainers.BpeTrainer(vocab_size=360, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([line.strip() for line in CODE * 3], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


@functools.cache
def tiny_tokenizer(kind: str, *, pad: bool = True) -> PreTrainedTokenizerFast:
    """A fast tokenizer of one of the kinds in `TOKENIZERS`, trained on a few lines of code; `bare` adds no tokens."""
    names: dict[str, str]
    if kind == "bytes":
        tokenizer, names = _byte_level(), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
        names |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>", "pad_token": "<pad>"}
    elif kind == "bare":
        tokenizer, names = _bare(), {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|pad|>"}
    elif kind == "wordpiece":
        tokenizer, names = _word_piece(), {"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
        names |= {"mask_token": "[MASK]", "pad_token": "[PAD]"}
    else:
        tokenizer, names = _metaspace(), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
        names |= {"pad_token": "</s>"}
    if not pad:
        del names["pad_token"]
    wrapped: PreTrainedTokenizerFast = _UNTYPED.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    return wrapped


def build_model(name: str, folder: Path) -> Path:
    """Write a random model of a family, as its language model class saves it, with its tokenizer."""
    row = family(name)
    tokenizer = tiny_tokenizer(row.tokenizer, pad=row.pad)
    keys = ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")
    ids = {key: getattr(tokenizer, key, None) or 0 for key in keys}
    config = _UNTYPED.CONFIG_MAPPING[row.type](vocab_size=len(tokenizer), **ids, **row.config)
    with quiet_transformers():
        torch.manual_seed(20)
        head = "Seq2SeqLM" if row.stack else "MaskedLM" if row.kind == "encoder" else "CausalLM"
        auto = getattr(_UNTYPED, f"AutoModelFor{head}")
        network = auto.from_config(config)
        for parameter in network.parameters():  # biases and norms are not left at 0 and 1
            parameter.data += 0.1 * torch.randn_like(parameter)
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """No bars and no chatter while a model is written."""
    verbosity = _UNTYPED.logging.get_verbosity()
    _UNTYPED.logging.set_verbosity_error()
    _UNTYPED.logging.disable_progress_bar()
    try:
        yield
    finally:
        _UNTYPED.logging.set_verbosity(verbosity)
        _UNTYPED.logging.enable_progress_bar()


@once
def tiny_model(name: str) -> Path:
    """The folder of a family's random model; not to be changed."""
    return build_model(name, HOME / "models" / name)


@functools.cache
def tiny_loaded(name: str) -> CodeModel:
    """The same model, loaded once a test process, on the CPU in float32."""
    return load_model(tiny_model(name), device="cpu", stack=family(name).stack)


@functools.cache
def tiny_at(name: str, site: Site) -> CodeModel:
    """The same model read at a site."""
    return load_model(tiny_model(name), device="cpu", stack=family(name).stack, site=site)


def tiny_mlp(name: str) -> CodeModel:
    """The same model read at its feed-forward units."""
    return tiny_at(name, "mlp")


def code_example(text: str, number: int, split: str, *, step: int = 1) -> Example:
    """Every `step`-th word and sign of `text` as a labelled unit."""
    units = [Span(m.start(), m.end(), _label(m.group())) for m in re.finditer(r"\w+|[^\w\s]", text)]
    assert split in SPLITS
    return Example(f"{split}:{number}", text, tuple(units[::step]), split, f"group-{number}")


def _label(unit: str) -> str:
    return "word" if unit[0].isalnum() or unit[0] == "_" else "sign"


_TEXTS = (
    "x = 1",
    "def add(a, b):\n    return a + b\n",
    "\tfor i in range(10):\r\n\t\tprint(i)\n",
    "s = 'naïve café' + \"\U0001f600\"  # e\u0301 漢字\n",
    "while not done():\n    done = step(x):\n" * 4,
)


@functools.cache
def tiny_dataset() -> Dataset:
    """Short, odd and long examples in each split; each split has texts of its own."""
    examples = [
        code_example(f"{text}{split[0]}{'.y' * number}", number, split, step=1 if len(text) < 50 else 5)
        for split in SPLITS
        for number, text in enumerate(_TEXTS)
    ]
    return Dataset(tuple(examples), "tiny")


@functools.cache
def tiny_sample() -> Sample:
    """All units of `tiny_dataset`."""
    return sample_rows(tiny_dataset(), per_class=dict.fromkeys(SPLITS, 10_000))


def pool(rows: list[torch.Tensor], pooling: Pooling) -> torch.Tensor:
    """The slow way: add one row after the other."""
    if pooling != "mean":
        return rows[0] if pooling == "first" else rows[-1]
    total = torch.zeros_like(rows[0])
    for row in rows:
        total = total + row
    return total / len(rows)


def assert_one_line(error: NeurosieveError, *parts: str) -> None:
    """A message of one line that names the object and a remedy, with `parts` in it."""
    message = str(error)
    assert "\n" not in message
    assert message == visible(f"{error.subject}: expected {error.expected}, got {error.got}; {error.remedy}")
    assert all((error.subject, error.expected, error.got, error.remedy))
    for part in parts:
        assert part in message, f"{part!r} not in {message!r}"
