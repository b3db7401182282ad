"""What an edit of neurons does to the predictions of a piece of code that someone gave, beside random edits."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from neurosieve.typing import NeuronId

LiveEdit = Literal["mean", "zero", "raise"]


@dataclass(frozen=True, kw_only=True)
class LivePrediction:
    """One word or sign, hidden from the model and predicted.

    Attributes:
        start: First character.
        end: Character after the last.
        token: Its characters.
        before: The likeliest first subword.
        after: The same with the edit.
        true_before: Probability of the true first subword.
        true_after: The same with the edit.
        true_random: Mean of the same with random edits; None where there are none.
    """

    start: int
    end: int
    token: str
    before: str
    after: str
    true_before: float
    true_after: float
    true_random: float | None


@dataclass(frozen=True, kw_only=True)
class LiveEffect:
    """An edit on one piece of code.

    Attributes:
        neurons: That were edited.
        edit: `mean`: held at their train mean; `zero`; or `raise`: three standard deviations above the mean.
        predictions: Of each word or sign, in order.
        random_sets: Random sets of neurons, as many in each layer and of like variance.
        random_reason: Why there are none; empty where there are.
    """

    neurons: tuple[NeuronId, ...]
    edit: LiveEdit
    predictions: tuple[LivePrediction, ...]
    random_sets: int
    random_reason: str

    def to_frame(self) -> pl.DataFrame:
        """One row a word or sign."""
        return pl.DataFrame([vars(p) for p in self.predictions], infer_schema_length=None)
