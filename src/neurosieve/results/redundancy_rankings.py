"""Parts of `summary.json`: how far rankings agree, how stable they are, and the published protocol."""

from dataclasses import dataclass
from typing import Annotated, Literal

from neurosieve.results.marks import Inline, Omitted
from neurosieve.results.measured import Spread
from neurosieve.results.redundancy_sets import Select

Number = int | float


@dataclass(frozen=True, kw_only=True)
class AgreementRow:
    """How far a ranking agrees with the others (Fan et al. 2023).

    Attributes:
        ranking: Its name.
        size: How many first neurons of each are compared.
        average_overlap: Mean share that it has in common with each of the others.
        neuron_vote: Share that it has in common with what the others elect.
        chance: Either share of random orders.
    """

    ranking: str
    size: int
    average_overlap: float
    neuron_vote: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class RankingPair:
    """What two rankings have in common.

    Attributes:
        rankings: Their names.
        size: How many first neurons of each are compared.
        overlap: Share of them in common.
    """

    rankings: tuple[str, str]
    size: int
    overlap: float


@dataclass(frozen=True, kw_only=True)
class CausalRow:
    """How far a ranking's order is that of causal effects.

    Attributes:
        ranking: Its name.
        value: Rank correlation with the effects.
        interval: 95 %, over the neurons; None where a side gives all the same place.
        chance: Mean where places are dealt anew in each layer: what layers alone make of it.
        chance_interval: 95 % of that.
    """

    ranking: str
    value: float
    interval: tuple[float, float] | None
    chance: float
    chance_interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class CausalAgreement:
    """How far rankings agree with the effect of single neurons on the model's own loss.

    Attributes:
        neurons: Live neurons drawn, each held at its train mean alone.
        tokens: Predicted tokens of validation texts that the loss is the mean of.
        rankings: Each of them.
    """

    neurons: int
    tokens: int
    rankings: tuple[CausalRow, ...]


@dataclass(frozen=True, kw_only=True)
class RankingAgreement:
    """How far the rankings agree.

    Attributes:
        neurons: That they order.
        rankings: Each of them at each size.
        pairs: Each two of them at each size.
        causal: Their agreement with effects of edits; None where no ranking reads the running model, and of
            pairs.
    """

    neurons: int
    rankings: tuple[AgreementRow, ...]
    pairs: tuple[RankingPair, ...]
    causal: Annotated[CausalAgreement | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class StabilityRow:
    """How far a ranking agrees with itself.

    Attributes:
        ranking: Its name.
        size: How many first neurons are compared.
        seeds: Mean share in common under other seeds.
        halves: Mean share in common between halves of the train rows.
        halves_low: The least of the draws.
        halves_high: The greatest.
        chance: The share of random orders.
    """

    ranking: str
    size: int
    seeds: float
    halves: float
    halves_low: float
    halves_high: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class HalfSets:
    """The smallest sets that halves of the train rows give.

    Attributes:
        ranking: Its name.
        delta: Loss that is allowed.
        select: How the loss is held against it.
        size: Of the sets.
    """

    ranking: str
    delta: float
    select: Select
    size: Annotated[Spread, Inline()]


@dataclass(frozen=True, kw_only=True)
class RankingStability:
    """How stable each ranking is.

    Attributes:
        draws: Of halves.
        rankings: Each of them at each size.
        sets: Smallest sets on halves; None if none can be sought, and in files of earlier versions.
    """

    draws: int
    rankings: tuple[StabilityRow, ...]
    sets: Annotated[tuple[HalfSets, ...] | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class PublishedOracle:
    """The oracle as the published study chooses it.

    Attributes:
        test: The best score on test rows.
        l1: Its penalty.
        l2: Its other penalty.
        grid: Penalties that were tried.
    """

    test: float
    l1: float
    l2: float
    grid: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class PublishedSet:
    """The smallest set as the published study chooses it, on test rows.

    Attributes:
        size: How many neurons.
        test: Score on test rows.
        reduction: Share of all neurons that can go.
    """

    size: int
    test: float
    reduction: float


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a choice of the published study moves.

    Attributes:
        choice: Which one.
        figure: What it moves.
        sound: By the sound protocol; None if it is not known.
        published: By the study's choice; None likewise.
        moved: `published` − `sound`; None likewise.
        reason: Why it is not known; else None.
        repeats: Scores of all repeats, of the choice of the best.
        n: Test rows, of the choice of keywords.
        held_out: Keyword types that were held out.
        of_them_listed: Those of them that are in Python's list.
    """

    choice: str
    figure: str
    sound: Number | None
    published: Number | None
    moved: Number | None
    reason: Annotated[str | None, Omitted] = None
    repeats: Annotated[tuple[float, ...] | None, Omitted] = None
    n: Annotated[int | None, Omitted] = None
    held_out: Annotated[int | None, Omitted] = None
    of_them_listed: Annotated[int | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class Published:
    """The published study's choices compared with the sound ones (arXiv 2305.00875).

    Attributes:
        protocol: `published`.
        oracle: As the study chooses it.
        minimal_set: As the study chooses it.
        choices: How far each moves the result.
    """

    protocol: Literal["published"]
    oracle: PublishedOracle
    minimal_set: PublishedSet
    choices: tuple[Choice, ...]
