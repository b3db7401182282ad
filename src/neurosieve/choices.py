"""What an option may be, where it is one of few; apart from what computes, so that a help text loads no arrays."""

from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Draw = Literal["lines", "units"]  # how train rows are drawn
Pooling = Literal["mean", "first", "last"]
Site = Literal["hidden", "mlp", "attention"]
View = Literal["detect", "predict"]  # the model sees the unit, or has to predict it
StoreDtype = Literal["auto", "float16", "bfloat16", "float32"]
Target = Literal["auto", "classes", "values"]
Precision = Literal["float32", "bfloat16", "float16"]
CopyPrecision = Literal["auto", "model", "float32", "bfloat16", "float16"]  # of untrained copies
EditKind = Literal["ablate", "clamp", "steer", "erase"]
Ablation = Literal["zero", "mean", "resample"]
