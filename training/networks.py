"""The two architectures, how they predict, and how a prediction is scored."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor, nn

from training.tokenizer import CLS_ID, EOS_ID, MASK_ID, PAD_ID, SEP_ID

Kind = Literal["encoder", "decoder"]
POSITIONS = 512
HEAD_WIDTH = 64
_UNTYPED: Any = transformers  # much of it has no annotations


@dataclass(frozen=True)
class Batch:
    """Inputs (rows, length), the flat positions to predict at, and what stands there."""

    inputs: Tensor
    positions: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        return Batch(self.inputs.to(device), self.positions.to(device), self.targets.to(device))


def build(kind: Kind, *, vocabulary: int, width: int, blocks: int) -> Any:
    """A fresh model; its weights follow torch's seed. Biases of linear maps are left out: small models gain nothing."""
    sizes = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": blocks,
        "num_attention_heads": max(1, width // HEAD_WIDTH),
        "max_position_embeddings": POSITIONS,
        "pad_token_id": PAD_ID,
        "tie_word_embeddings": True,
    }
    if kind == "encoder":
        special = {"bos_token_id": None, "eos_token_id": None, "cls_token_id": CLS_ID, "sep_token_id": SEP_ID}
        config = _UNTYPED.ModernBertConfig(**sizes, **special, intermediate_size=width * 3 // 2)
        return _UNTYPED.ModernBertForMaskedLM(config)
    special = {"bos_token_id": None, "eos_token_id": EOS_ID}
    config = _UNTYPED.LlamaConfig(**sizes, **special, intermediate_size=width * 2, use_cache=False)
    return _UNTYPED.LlamaForCausalLM(config)


def masked_batch(windows: NDArray[Any], share: float, draw: np.random.Generator) -> Batch:
    """An encoder's batch: [CLS] and [SEP] at the ends of each window, a share of the rest replaced by [MASK].

    Every chosen token is replaced. Leaving some as they are or swapping them costs predictions and, measured on
    larger models, brings nothing to what the model is used for later.
    """
    inputs = windows.astype(np.int64)
    rows, length = inputs.shape
    inputs[:, 0], inputs[:, -1] = CLS_ID, SEP_ID
    count = max(1, round(share * (length - 2)))
    columns = 1 + draw.random((rows, length - 2)).argpartition(count - 1, axis=1)[:, :count]
    positions = np.sort((np.arange(rows)[:, None] * length + columns).ravel())
    targets = inputs.ravel()[positions]
    inputs.ravel()[positions] = MASK_ID
    return Batch(torch.from_numpy(inputs), torch.from_numpy(positions), torch.from_numpy(targets))


def next_token_batch(windows: NDArray[Any]) -> Batch:
    """A decoder's batch: each position of a window predicts the one after it."""
    whole = torch.from_numpy(windows.astype(np.int64))
    inputs = whole[:, :-1].contiguous()
    return Batch(inputs, torch.arange(inputs.numel()), whole[:, 1:].flatten())


def predict(model: Any, batch: Batch) -> Tensor:
    """Logits at the positions of the batch, (positions, vocabulary)."""
    hidden = model.base_model(input_ids=batch.inputs).last_hidden_state.flatten(0, 1)
    if batch.positions.numel() < hidden.shape[0]:
        hidden = hidden[batch.positions]
    if hasattr(model, "head"):
        hidden = model.head(hidden)
    logits: Tensor = model.get_output_embeddings()(hidden)
    return logits


@dataclass(frozen=True)
class Score:
    """Sums over scored positions; top-1 counts only some of them, the loss counts all but special tokens."""

    counted: int = 0
    correct: int = 0
    tokens: int = 0
    nats: float = 0.0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.counted + other.counted,
            self.correct + other.correct,
            self.tokens + other.tokens,
            self.nats + other.nats,
        )

    @property
    def top1(self) -> float:
        """Share of counted positions whose likeliest token is the right one."""
        return self.correct / max(self.counted, 1)

    @property
    def loss(self) -> float:
        """Mean loss in nats a token."""
        return self.nats / max(self.tokens, 1)


@torch.inference_mode()
def score(model: Any, batches: Iterable[Batch], counted: Tensor) -> Score:
    """Score predictions.

    Args:
        model: The model; it is left in the mode it was in.
        batches: What to predict.
        counted: For each token of the vocabulary, whether top-1 counts it where it is the target.
    """
    total = Score()
    device = next(model.parameters()).device
    counted = counted.to(device)
    for batch in batches:
        batch = batch.to(device)
        logits = predict(model, batch).float()
        special = batch.targets <= EOS_ID
        losses = nn.functional.cross_entropy(logits, batch.targets, reduction="none").masked_fill(special, 0.0)
        asked = counted[batch.targets]
        hits = (logits.argmax(dim=-1) == batch.targets) & asked
        tokens = int((~special).sum())
        total += Score(int(asked.sum()), int(hits.sum()), tokens, float(losses.double().sum()))
    return total
