"""Options of `neurosieve export`."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from neurosieve.errors import ConfigError
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

    @model_validator(mode="after")
    def _int8_is_onnx(self) -> Self:
        if self.int8 and not self.onnx:
            raise ConfigError("option int8", expected="--onnx beside it", got="none", remedy="add --onnx")
        return self
