"""How concepts are looked for: what a study file says below `concepts`."""

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.activations.masking import PARTS
from neurosieve.concepts.rows import TOKENS
from neurosieve.typing import View

STRICT = ConfigDict(extra="forbid", frozen=True)


class ConceptOptions(BaseModel):
    """How concepts are looked for. Field descriptions are the help texts of `neurosieve concepts`."""

    model_config = STRICT
    language: str | None = Field(None, description="of the code; by default from file endings, else guessed")
    properties: tuple[str, ...] | None = Field(None, description="code properties or unions; all of tokens by default")
    tokens: tuple[int, int, int] = Field(
        (TOKENS["train"], TOKENS["validation"], TOKENS["test"]),
        description="about how many tokens of train, validation and test, in whole files",
    )
    views: tuple[View, ...] = Field(
        ("detect", "predict"), description="tokens read where they stand (detect), or where they are guessed (predict)"
    )
    rounds: int = Field(3, ge=1, le=PARTS, description="sevenths of the tokens that an encoder reads masked")
    min_rows: int = Field(30, ge=2, description="rows of a value, in train and in test")
    untrained: bool = Field(True, description="untrained copies, as many as untrained_seeds says, are rivals too")
    evidence: int = Field(20, ge=0, description="neurons of a view that are shown with their tokens")
    groups: tuple[str, ...] | None = Field(
        None, description="properties whose smallest neuron sets are sought; by default all but unions"
    )
    clusters: tuple[int, ...] = Field((50, 200), description="numbers of latent concepts; none leaves them out")
    latent_layers: tuple[int, ...] | None = Field(
        None, description="layers in which latent concepts are sought; the middle and the last by default"
    )

    @pydantic.field_validator("tokens")
    @classmethod
    def _some_tokens(cls, value: tuple[int, int, int]) -> tuple[int, int, int]:
        if min(value) < 1:
            raise ValueError("one token or more of each split")
        return value

    @pydantic.field_validator("views")
    @classmethod
    def _detect_first(cls, value: tuple[View, ...]) -> tuple[View, ...]:
        if "detect" not in value:
            raise ValueError("detect, and predict beside it if you like")
        return value
