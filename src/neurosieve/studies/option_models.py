"""Options of concepts (what a study file says below `concepts`), of interventions and of fine-tuning.

What is built is valid, however it is built: a value that does not fit is a `ConfigError` in one line.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, ClassVar, Literal, Self
from urllib.parse import quote

import pydantic
from pydantic import BaseModel, ConfigDict, Field, field_validator

from neurosieve.choices import Ablation, EditKind, View
from neurosieve.defaults import CONCEPT_TOKENS, MASKED_PARTS, REWRITES
from neurosieve.errors import ConfigError

_QUOTE = "put it in quotes: without them YAML reads yes, no, on, off as truth values, and numbers and dates as such"


class Options(BaseModel):
    """Options of one kind, frozen.

    Attributes:
        command: The one whose help lists them.
        section: The key of a study file that they are below; empty where they are not below one.

    Raises:
        ConfigError: An option that is not known, or a value that does not fit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    command: ClassVar[str] = "run"
    section: ClassVar[str] = ""

    def __init__(self, /, **values: Any) -> None:
        with self._in_one_line():
            super().__init__(**values)

    # Options below others are checked with those, whose error names the whole key.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **how: Any) -> Self:
        """Options from a mapping.

        Raises:
            ConfigError: As for the class itself.
        """
        with cls._in_one_line():
            return super().model_validate(obj, **how)

    @classmethod
    @contextmanager
    def _in_one_line(cls) -> Iterator[None]:
        try:
            yield
        except pydantic.ValidationError as e:
            first = e.errors()[0]
            key = ".".join(str(part) for part in (cls.section, *first["loc"]) if part != "")
            missing = first["type"] == "missing"
            no_text = first["type"] == "string_type" and isinstance(first["input"], int | float | date)
            expected = "a text" if no_text else "a value" if missing else _wanted(first["msg"])
            subject, came = f"options of {cls.command}", "it"
            if key:
                subject, came = f"option {key}", "none" if missing else repr(first["input"])
            remedy = _QUOTE if no_text else f"see `neurosieve {cls.command} --help`"
            raise ConfigError(subject, expected=expected, got=came, remedy=remedy) from e


def _wanted(said: str) -> str:
    """What a message of pydantic says was expected."""
    return said.removeprefix("Value error, ").removeprefix("Input should be ")


def changed_options(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Options that differ, each as "name old → new"; one that was not known then is none that was changed."""
    return [f"{key} {was[key]!r} → {now[key]!r}" for key in now if key in was and was[key] != now[key]]


class ConceptOptions(Options):
    """How concepts are looked for. Field descriptions are the help texts of `neurosieve concepts`."""

    command: ClassVar[str] = "concepts"
    section: ClassVar[str] = "concepts"
    language: str | None = Field(default=None, description="of the code; by default from file endings, else guessed")
    properties: tuple[str, ...] | None = Field(
        default=None, description="code properties or unions; all of tokens by default"
    )
    concept_net: str | None = Field(
        default=None, description="published clusters as the property concept-net: a CodeConceptNet file, or a folder"
    )
    tokens: tuple[int, int, int] = Field(
        default=(CONCEPT_TOKENS["train"], CONCEPT_TOKENS["validation"], CONCEPT_TOKENS["test"]),
        description="about how many tokens of train, validation and test, in whole files",
    )
    views: tuple[View, ...] = Field(
        default=("detect", "predict"),
        description="tokens read at their own place (detect), or where they are predicted (predict)",
    )
    rounds: int = Field(
        default=3, ge=1, le=MASKED_PARTS, description="sevenths of the tokens that an encoder reads masked"
    )
    min_rows: int = Field(default=30, ge=2, description="rows of a value, in train and in test")
    untrained: bool = Field(
        default=True, description="untrained copies, as many as untrained_seeds says, are rivals too"
    )
    rewrites: tuple[str, ...] = Field(
        default=(),
        description=f"ways to write test files otherwise, to measure what survives: {', '.join(REWRITES)}",
    )
    text_properties: tuple[str, ...] | None = Field(
        default=None, description="properties of whole texts whose sets are sought; all in a study of whole texts"
    )
    texts: tuple[int, int, int] = Field(
        default=(2_000, 500, 1_000), description="most whole texts of train, validation and test"
    )
    sizes: tuple[int, ...] | None = Field(
        default=None, description="neurons of the sets that tell a value together; 1,2,4,8,16,32 by default"
    )
    evidence: int = Field(default=20, ge=0, description="neurons of a view that are shown with their tokens")
    groups: tuple[str, ...] | None = Field(
        default=None, description="properties whose smallest neuron sets are sought; by default all but unions"
    )
    clusters: tuple[int, ...] = Field(default=(50, 200), description="numbers of latent concepts; none leaves them out")
    latent_layers: tuple[int, ...] | None = Field(
        default=None, description="layers in which latent concepts are sought; the middle and the last by default"
    )

    @field_validator("tokens", "texts")
    @classmethod
    def _some(cls, value: tuple[int, int, int]) -> tuple[int, int, int]:
        if min(value) < 1:
            raise ValueError("one or more of each split")
        return value

    @field_validator("rewrites")
    @classmethod
    def _known_rewrites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in REWRITES:
                raise ValueError(f"some of {', '.join(REWRITES)}, not {name!r}")
        return value

    @field_validator("views")
    @classmethod
    def _detect_first(cls, value: tuple[View, ...]) -> tuple[View, ...]:
        if "detect" not in value:
            raise ValueError("detect, and predict too if you like")
        return value


# Options of some kinds of edit.
_ONLY: dict[str, tuple[EditKind, ...]] = {
    "how": ("ablate",),
    "quantile": ("clamp",),
    "alpha": ("steer",),
    "layer": ("steer", "erase"),
    "share": ("ablate", "clamp"),
    "range": ("ablate",),
    "claimed": ("ablate", "clamp"),
}


class InterventionOptions(Options):
    """What is changed and how it is measured. Field descriptions are the help texts of `neurosieve intervene`."""

    command: ClassVar[str] = "intervene"
    concept: str = Field(description="property=value, for example lexical=number")
    edit: EditKind = Field(description="ablate or clamp neurons, steer a layer to the value or erase it from a layer")
    how: Ablation = Field(default="mean", description="of ablation: zero, mean, or values of train rows (resample)")
    quantile: float = Field(default=0.01, ge=0, le=1, description="of train at which neurons are clamped")
    alpha: float = Field(default=2.0, description="of steering: times the way from other rows to those with the value")
    layer: int | None = Field(default=None, ge=0, description="to steer or erase; chosen on validation by default")
    share: float = Field(default=0.05, gt=0, lt=1, description="most neurons that are edited, as a share of all")
    range: bool = Field(
        default=False, description="change a neuron only inside the range of activation that tells the value on train"
    )
    claimed: bool = Field(
        default=False, description="edit the set claimed for the value in the view predict, not the best single neurons"
    )
    sets: int = Field(default=100, ge=20, description="random edits of the same kind to compare with")
    at: Literal["all", "predicted"] | None = Field(
        default=None, description="edit at all tokens, or where tokens are predicted (the default of steer and erase)"
    )
    predictions: bool = Field(
        default=True, description="measure the model's own predictions, for which it needs a head"
    )
    tokens: int = Field(default=12_000, ge=100, description="about how many tokens are read for each measure")

    @field_validator(*_ONLY)
    @classmethod
    def _used(cls, value: Any, info: Any) -> Any:
        """Refuse what the edit would not look at."""
        key, edit = str(info.field_name), info.data.get("edit")
        if edit and edit not in _ONLY[key] and value != cls.model_fields[key].default:
            raise ValueError(f"none with {edit}: it belongs to {' and '.join(_ONLY[key])}")
        return value

    @property
    def only_predicted(self) -> bool:
        """Other tokens are left alone."""
        return (self.at or ("predicted" if self.edit in ("steer", "erase") else "all")) == "predicted"

    @property
    def file(self) -> str:
        """The place of the outcome in the run folder's `interventions`."""
        how = f"-{self.how}" if self.edit == "ablate" and self.how != "mean" else ""
        more = ("-range" if self.range else "") + ("-claimed" if self.claimed else "")
        return f"{quote(self.concept, safe='=')}-{self.edit}{how}{more}.json"


class FinetuneOptions(Options):
    """How the weights are changed. Field descriptions are the help texts of `neurosieve finetune`."""

    command: ClassVar[str] = "finetune"
    epochs: int = Field(default=5, ge=1, description="passes over train, at most")
    rate: float = Field(default=5e-5, ge=0, description="largest learning rate; it falls linearly to zero")
    batch: int = Field(default=16, ge=1, description="inputs a step")
    patience: int = Field(default=2, ge=1, description="epochs without a better validation accuracy before it stops")
