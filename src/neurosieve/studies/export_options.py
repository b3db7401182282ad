"""Options of `neurosieve export`."""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from neurosieve.studies.option_models import Options


class ExportOptions(Options):
    """What is exported. Field descriptions are the help texts of `neurosieve export`."""

    command: ClassVar[str] = "export"
    delta: float | None = Field(
        default=None, gt=0, lt=1, description="loss allowed on validation against the oracle; by default the study's"
    )
    form: Literal["auto", "table", "standard", "full"] = Field(
        default="auto",
        description="of the model: a table without a network, a transformers folder, or first blocks, neurons and head"
        " in full; auto: the cheapest",
    )
    vocabulary: Literal["all", "seen"] = Field(
        default="all",
        description="seen: only tokens of the train texts keep rows of the embeddings or the table; all others are read"
        " as the unknown token",
    )
    onnx: bool = Field(
        default=False, description="write the network as ONNX, which runs without torch; needs the extra `onnx`"
    )
    int8: bool = Field(
        default=False, description="ONNX with 8-bit weights, if the loss on validation stays within delta with them"
    )
    smaller: bool = Field(
        default=False,
        description="take feed-forward units and heads that are not needed out of the blocks, as far as delta allows",
    )
    cascade: bool = Field(
        default=False,
        description="also try a cheap model first, and a dearer one for the units alone that it is unsure of",
    )
    brief: bool = Field(
        default=False, description="time the eight shortest test texts alone, and leave memory out: quick and rough"
    )

    @field_validator("int8")
    @classmethod
    def _is_onnx(cls, value: bool, info: Any) -> bool:
        if value and not info.data.get("onnx"):
            raise ValueError("--onnx beside it")
        return value

    @field_validator("cascade")
    @classmethod
    def _alone(cls, value: bool, info: Any) -> bool:
        """Two choices against one delta, or a form that goes on to nothing."""
        if value and info.data.get("smaller"):
            raise ValueError("one of --cascade and --smaller")
        if value and info.data.get("form") == "table":
            raise ValueError("none beside --form table: a cascade goes on to blocks")
        return value
