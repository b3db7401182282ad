"""Options of `neurosieve compare`."""

from typing import ClassVar, Literal

from pydantic import Field

from neurosieve.studies.option_models import Options

Part = Literal["sets", "order", "depth", "roles", "transfer", "likeness", "matching", "drift", "concepts", "kinds"]


class CompareOptions(Options):
    """How runs are compared. Field descriptions are the help texts of `neurosieve compare`."""

    command: ClassVar[str] = "compare"
    parts: tuple[Part, ...] | None = Field(
        default=None,
        description="what has to be measured, of sets, order, depth, roles, transfer, likeness, matching, drift,"
        " concepts, kinds; by default all that the runs allow",
    )
    base: str | None = Field(
        default=None, description="the run whose model was fine-tuned to those of the other runs, if not by this tool"
    )
    same_model: bool = Field(
        default=False, description="activations that were made elsewhere are of one model, neuron by neuron"
    )
    rows: int = Field(default=2000, ge=100, description="train rows of each run that probes are fitted on again")
    draws: int = Field(default=10, ge=10, description="random sets of each kind")
    seed: int = Field(default=0, ge=0, description="of all draws")
