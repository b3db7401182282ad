"""Runs that were compared, what was found of each two, and kinds of neurons over several: parts of `compare.json`."""

from dataclasses import dataclass
from enum import Enum

from neurosieve.results.comparison_parts import (
    Cell,
    DepthShift,
    Drift,
    KeptConcepts,
    Likeness,
    Matching,
    Relation,
    Roles,
    SharedNeurons,
    Transfer,
)
from neurosieve.results.measured import NotMeasured
from neurosieve.results.neuron_set import NeuronSet


class Finding(Enum):
    """What the controls allow to say of two runs."""

    SHARED = "shared"
    OVERLAP = "overlap alone"
    SERVES = "serves alone"
    APART = "as by chance"
    STAYED = "stayed"
    MOVED = "moved"
    MATCHED = "matched neurons"
    ROTATED = "like layers, other neurons"
    UNLIKE = "unlike"
    OPEN = "cannot tell"


class Kind(Enum):
    """In how many runs' sets a neuron is."""

    ALL = "shared by all"
    SOME = "shared by some"
    ONE = "of one run"
    SILENT = "in no set"


@dataclass(frozen=True, kw_only=True)
class ComparedSide:
    """One of the runs.

    Attributes:
        name: Of its folder; in all other parts it stands for the run.
        folder: Its path.
        model: Name or folder.
        site: Of its neurons.
        task: Kind of task.
        labels: Of the task.
        layers: How many.
        neurons: In all layers.
        live: Those of them that vary.
        ranking: That its set is from.
        size: Of the set: the headline's smallest one; or why there is none.
        study_sha256: Of its study; None where an earlier version wrote it.
    """

    name: str
    folder: str
    model: str
    site: str
    task: str
    labels: tuple[str, ...]
    layers: int
    neurons: int
    live: int
    ranking: str
    size: int | NotMeasured
    study_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class PairComparison:
    """Two runs. What cannot be measured of such a pair has the reason in its place.

    Attributes:
        a: The first run.
        b: The second; of a fine-tuned model and its base the fine-tuned one.
        relation: Whose neurons they are.
        finding: What the controls allow to say.
        shared: Overlap of the smallest sets.
        order: Rank correlation (Spearman) of the two rankings over all neurons alive in both.
        depth: Shift of the layers.
        roles: Neurons that changed role.
        transfers: The first run's set on the second's task, and the other way.
        likeness: Of the layers.
        matching: Neurons of two models that go together.
        drift: What fine-tuning moved.
        concepts: Concept neurons that stayed.
    """

    a: str
    b: str
    relation: Relation
    finding: Finding
    shared: SharedNeurons | NotMeasured
    order: Cell | NotMeasured
    depth: DepthShift | NotMeasured
    roles: Roles | NotMeasured
    transfers: tuple[Transfer, ...] | NotMeasured
    likeness: Likeness | NotMeasured
    matching: Matching | NotMeasured
    drift: Drift | NotMeasured
    concepts: KeptConcepts | NotMeasured

    @property
    def sentence(self) -> str:
        """The finding in one sentence; empty where nothing was measured."""
        from neurosieve.report.comparison_text import finding_text  # loaded where it writes

        return finding_text(self)


@dataclass(frozen=True, kw_only=True)
class KindShare:
    """How many neurons are of a kind.

    Attributes:
        kind: Which.
        count: Of live neurons.
        share: Of those that are in some run's set; of `in no set` of all live neurons.
    """

    kind: Kind
    count: int
    share: Cell


@dataclass(frozen=True, kw_only=True)
class SpecificNeurons:
    """Neurons in one run's set alone that also tell its labels better there than in any other run.

    Attributes:
        run: Its name.
        candidates: In its set alone.
        neurons: Those that do: the difference is above 0, adjusted for their number (Bonferroni). Empty where they
            are no more than chance.
        share: Of the candidates, beside neurons in no set.
    """

    run: str
    candidates: int
    neurons: NeuronSet
    share: Cell


@dataclass(frozen=True, kw_only=True)
class NeuronKinds:
    """Kinds of neurons over several runs of one model.

    Attributes:
        runs: Their names.
        kinds: From shared by all to in no set.
        all_shared: Neurons in every set.
        specific: Of each run; or why that cannot be told.
    """

    runs: tuple[str, ...]
    kinds: tuple[KindShare, ...]
    all_shared: NeuronSet
    specific: tuple[SpecificNeurons, ...] | NotMeasured
