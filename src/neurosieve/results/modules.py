"""What a run found of modules, one a label: `modules.json`; and of changes of them: `modules/NAME.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from neurosieve.results.export import Form
from neurosieve.results.measured import Difference, RandomSizes, Score, Spread
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.overlaps import SetOverlap
from neurosieve.typing import Site, Split

FORMAT = 1
ChangeKind = Literal["use", "drop", "replace", "add"]
CompositionKind = Literal["margins", "smallest set", "independent"]


@dataclass(frozen=True, kw_only=True)
class LabelModule:
    """The independent module of one label. All scores are of the label against the rest.

    Attributes:
        label: Its name.
        neurons: That it reads.
        counts: Of them in each layer.
        within: On validation the loss is within delta by the rule; where not even all neurons are, it has all of them.
        converged: Of its probe.
        validation: Score on validation rows.
        test: Score on test rows.
        loss: Of it against the monolith on test rows, paired.
        recall: Share of the label's test rows that it finds.
        precision: Share of its claims on test rows that are right.
        majority: Score of claiming nothing.
        random: Test scores of modules of as many random neurons.
        random_size: Neurons that random orders need by the same rule.
        margin: Neurons of the label's block of the monolith.
    """

    label: str
    neurons: NeuronSet
    counts: tuple[int, ...]
    within: bool
    converged: bool
    validation: float
    test: Score
    loss: Difference
    recall: float
    precision: float
    majority: float
    random: Spread
    random_size: RandomSizes
    margin: int

    @property
    def size(self) -> int:
        """Its neurons."""
        return len(self.neurons)


@dataclass(frozen=True, kw_only=True)
class ModulePair:
    """Two modules of one composition.

    Attributes:
        a: Label of the one.
        b: Label of the other.
        overlap: Neurons that they share.
    """

    a: str
    b: str
    overlap: SetOverlap


@dataclass(frozen=True, kw_only=True)
class ComposedModules:
    """Modules of all labels, of which the highest score decides.

    Attributes:
        kind: `margins` are the blocks of the monolith, `smallest set` those of the probe on the study's smallest set,
            `independent` are one-vs-rest modules with calibrated scores.
        sizes: Neurons of each module, in the order of the labels.
        union: Neurons of all modules together.
        share: Mean size, as a share of the live neurons.
        validation: Accuracy on validation rows.
        test: Accuracy on test rows.
        loss: Against the monolith on test rows, paired.
        other_decisions: Share of test rows that are decided otherwise than by the monolith.
        pairs: What any two share.
    """

    kind: CompositionKind
    sizes: tuple[int, ...]
    union: int
    share: float
    validation: float
    test: Score
    loss: Difference
    other_decisions: float
    pairs: tuple[ModulePair, ...]


@dataclass(frozen=True, kw_only=True)
class SharedByModules:
    """How many of the independent modules a neuron is in.

    Attributes:
        neurons: Live neurons in none of them, in one, two and so on.
        chance: The same if each module was drawn from all live neurons, on average.
        one: Neurons of each layer that are in one module alone.
        some: In several, and not in all.
        all: In all.
    """

    neurons: tuple[int, ...]
    chance: tuple[float, ...]
    one: tuple[int, ...]
    some: tuple[int, ...]
    all: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ModulesResult:
    """Modules of a run.

    Attributes:
        format: Of the file.
        model: Name of the model; empty where activations were made elsewhere.
        revision: Of the model.
        site: Of the neurons.
        task: Kind of task.
        labels: One module each.
        layers: Their number.
        live: Neurons that vary over train rows, in each layer.
        rows: Of each split.
        delta: One-vs-rest score that a module may lose on validation against the monolith, as a share.
        select: The rule by which that is held.
        draws: Random modules of each label.
        seed: Of everything drawn.
        monolith: Test accuracy of the one probe of all labels on all neurons.
        modules: The independent ones.
        compositions: With their scores.
        random: Test accuracy of compositions of random modules of the same sizes.
        random_loss: Mean over these of what they lose against the monolith, paired.
        shared: How many modules a neuron is in.
        notes: What a user has to know.
        seconds: Of fitting all modules and their random ones.
        versions: Of the packages.
    """

    format: int = FORMAT
    model: str
    revision: str | None
    site: Site
    task: str
    labels: tuple[str, ...]
    layers: int
    live: tuple[int, ...]
    rows: Mapping[Split, int]
    delta: float
    select: Literal["point", "safe"]
    draws: int
    seed: int
    monolith: Score
    modules: tuple[LabelModule, ...]
    compositions: tuple[ComposedModules, ...]
    random: Spread
    random_loss: Difference
    shared: SharedByModules
    notes: tuple[str, ...]
    seconds: float
    versions: Mapping[str, str]

    def __getitem__(self, label: str) -> LabelModule:
        """The module of a label.

        Raises:
            KeyError: There is none.
        """
        return {module.label: module for module in self.modules}[label]

    def composition(self, kind: CompositionKind) -> ComposedModules | None:
        """The composition of a kind; a study whose task is at chance has no smallest set."""
        return next((one for one in self.compositions if one.kind == kind), None)

    @property
    def independent(self) -> ComposedModules:
        """The composition of the independent modules."""
        return next(one for one in self.compositions if one.kind == "independent")

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        from neurosieve.report.modules import module_headline  # loaded where it writes

        return module_headline(self)

    def to_frame(self) -> pl.DataFrame:
        """One row a module: label, size, share of live neurons, test score, loss, recall, precision, random, margin."""
        rows = [
            {
                "label": module.label,
                "size": module.size,
                "share": module.size / sum(self.live),
                "within": module.within,
                "test": module.test.value,
                "loss": module.loss.value,
                "recall": module.recall,
                "precision": module.precision,
                "random": module.random.mean,
                "random_size": module.random_size.median,
                "margin": module.margin,
            }
            for module in self.modules
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def plot(self) -> Any:
        """Modules as rows, layers as columns: a `Chart`."""
        from neurosieve.report.modules import module_chart

        return module_chart(self)

    def __repr__(self) -> str:
        return f"ModulesResult({self.headline!r})"

    def __str__(self) -> str:
        from neurosieve.report.modules import modules_text

        return modules_text(self)

    def _repr_html_(self) -> str:
        return f"<p>{self.headline}</p>{self.to_frame()._repr_html_()}"


@dataclass(frozen=True, kw_only=True)
class OwnScore:
    """A label against the rest.

    Attributes:
        test: Score on test rows.
        recall: Share of the label's rows that are found.
        precision: Share of the claims that are right.
    """

    test: Score
    recall: float
    precision: float


@dataclass(frozen=True, kw_only=True)
class ModuleChange:
    """One change of a run's independent modules.

    Attributes:
        kind: `use` one module alone, `drop` one, `replace` one by a run's, `add` one for a label of another run.
        label: Whose module.
        source: The other run's folder; empty where there is none.
        labels: Of the composition after the change.
        size: Neurons of the module that was changed; of one that was dropped before.
        seconds: Of the change: another run's module read or fitted, and calibrated; without what follows here.
        rows: Test rows, those of a new label among them.
        untouched: Scores of all other modules on these rows are equal in every bit before and after.
        before: Score before the change on the rows below.
        after: Score after it on the same rows: of all labels but a dropped or new one; of `use` the label against the
            rest, by the composition and by its module alone.
        loss: Of after against before, paired.
        moved: Of the rows below decided otherwise.
        moved_elsewhere: Of them those that neither came from the label nor went to it.
        own: The changed module alone; None where it was dropped.
        own_before: Of the module that was replaced; None elsewhere.
    """

    kind: ChangeKind
    label: str
    source: str
    labels: tuple[str, ...]
    size: int
    seconds: float
    rows: int
    untouched: bool
    before: Score
    after: Score
    loss: Difference
    moved: int
    moved_elsewhere: int
    own: OwnScore | None
    own_before: OwnScore | None

    @property
    def headline(self) -> str:
        """The change in one sentence."""
        from neurosieve.report.modules import change_headline

        return change_headline(self)

    def __str__(self) -> str:
        return self.headline


@dataclass(frozen=True, kw_only=True)
class ModulePart:
    """A module in a folder of its own.

    Attributes:
        label: Whose module.
        folder: Its name inside the composition's folder.
        form: Of the compact model.
        blocks: Blocks of the network that it needs.
        neurons: That its head reads.
        bytes: Of its weights.
    """

    label: str
    folder: str
    form: Form
    blocks: int
    neurons: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class ModuleFolder:
    """Modules as a folder of compact models that decide together: `result` in its `compact.json`.

    Attributes:
        parts: One a label.
        test: Accuracy on the run's test rows, from the texts on.
        other_decisions: Share of them that are decided otherwise than by the modules on stored activations.
        seconds: Of the export.
    """

    parts: tuple[ModulePart, ...]
    test: Score
    other_decisions: float
    seconds: float
