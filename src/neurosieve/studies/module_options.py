"""Options of `neurosieve modules`."""

from typing import ClassVar, Literal

from pydantic import Field

from neurosieve.studies.option_models import Options


class ModuleOptions(Options):
    """How modules are sought. Field descriptions are the help texts of `neurosieve modules`."""

    command: ClassVar[str] = "modules"
    delta: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="one-vs-rest score that each module may lose on validation against the probe of all labels; by"
        " default half of the study's, as errors of modules add up",
    )
    select: Literal["point", "safe"] | None = Field(
        default=None, description="how that is held: by a one-sided 95 % bound, or by the loss itself; the study's rule"
    )
    draws: int = Field(default=10, ge=1, description="random modules of each label to compare with")
