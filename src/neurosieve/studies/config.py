"""A study: every choice that changes its result, in one frozen record; from options, YAML and `key=value` pairs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import pydantic
from pydantic import Field

from neurosieve.choices import CopyPrecision, Draw, Pooling, Precision, Site, Split, StoreDtype, Target
from neurosieve.data.corpora.known_corpora import CORPORA
from neurosieve.data.limits import LIMITS, Limits
from neurosieve.defaults import DEFAULT_ROWS, LABEL_SCHEMES, PATH_LENGTH
from neurosieve.errors import ConfigError, StoreError, unknown_name
from neurosieve.rankings.known_rankings import MODEL_RANKINGS, RANKERS
from neurosieve.storage.yaml_text import parse_yaml
from neurosieve.studies.option_models import ConceptOptions, Options

TASKS: dict[str, str] = {
    "token-tagging": "a label for each token (or other character span) of code",
    "defect-detection": "a label for each function: defective or not (columns func and target)",
    "clone-detection": "a label for each pair of functions: clones or not (columns code1, code2 and label)",
    "code-search": "a label for each query with its code: answered or not (columns doc, code and label)",
    "sequence-classification": "a label for each text, in the columns that you name",
}
# Of the text, or of both texts of a pair, and of the label.
COLUMNS: dict[str, tuple[str, ...]] = {
    "defect-detection": ("func", "target"),
    "clone-detection": ("code1", "code2", "label"),
    "code-search": ("doc", "code", "label"),
    "sequence-classification": ("text", "label"),
}
STDLIB = "stdlib"
INSTALLED = "installed"
# What reads labelled data, and has no meaning where a corpus makes it.
_NOT_WITH_CORPUS = ("labels", "text_column", "other_column", "label_column", "validation_from_train", "keep_overlap")


_EARLIER = {"draw": "units", "untrained_precision": "model"}


class RowCounts(Options):
    """Rows a class for each split; of values, rows in all."""

    section: ClassVar[str] = "rows"
    train: int = Field(default=DEFAULT_ROWS["train"], ge=1)
    validation: int = Field(default=DEFAULT_ROWS["validation"], ge=1)
    test: int = Field(default=DEFAULT_ROWS["test"], ge=1)

    def by_split(self) -> dict[Split, int]:
        """As a plain mapping."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class StudyConfig(Options):
    """What is studied and how. Field descriptions are the help texts of the command line.

    Examples:
        >>> config = ns.StudyConfig(model="neurosieve/encoder", data="token-tagging-java", rankings=("lca",))
        >>> config.rankings, config.rows.train
        (('lca',), 2000)

    Raises:
        ConfigError: A key, name or value that is not known, or options that do not go together; nothing is guessed.
    """

    model: str = Field(default="", description="hub name, local folder or .gguf file of a transformers model")
    stack: Literal["encoder", "decoder"] | None = Field(
        default=None, description="half of an encoder-decoder that is read; the encoder by default"
    )
    site: Site = Field(
        default="hidden",
        description="neurons: the blocks' outputs (hidden), their feed-forward units (mlp) or what their attention"
        " heads give (attention)",
    )
    task: str = Field(default="token-tagging", description="kind of task; see `neurosieve tasks`")
    data: str = Field(default="", description="folder of the data; `stdlib` is the running Python's library")
    corpus: str | None = Field(
        default=None, description="a task made from source code, which sets the task; see `neurosieve tasks`"
    )
    activations: str | None = Field(
        default=None, description="file or folder of activations made elsewhere, in place of model and data"
    )
    labels: str | None = Field(
        default=None, description="labels for raw source files: lexical (seven languages) or identifier-role (Python)"
    )
    classes: tuple[str, ...] | None = Field(default=None, description="labels to keep; all by default")
    rows: RowCounts = Field(
        default_factory=RowCounts,
        description="rows a class and split, of values rows in all",
    )
    draw: Draw = Field(
        default="lines",
        description="train rows: from few lines, where the texts are lines, so that little text is read (lines), or"
        " each by itself (units); rows of files and of other splits are always drawn each by itself",
    )
    text_column: str | None = Field(default=None, description="column of the code, or of the first text of a pair")
    other_column: str | None = Field(default=None, description="column of the second text of a pair")
    label_column: str | None = Field(default=None, description="column of the label of an example or pair")
    target: Target = Field(
        default="auto",
        description="labels of examples and pairs: names of classes, or values (numbers to predict); auto: values where"
        " all are numbers and one is not whole",
    )
    validation_from_train: float | None = Field(
        default=None, gt=0, lt=1, description="share of train that becomes validation where there is no such file"
    )
    splits: tuple[float, ...] | None = Field(default=None, description="shares of what is dealt here (0.6,0.15,0.25)")
    keep_overlap: bool = Field(
        default=False, description="keep test examples that are also in train, and pairs whose functions do"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of every draw")
    deltas: tuple[float, ...] = Field(
        default=(0.01,), description="losses allowed against the oracle (0.01 = one point)"
    )
    select: tuple[Literal["point", "safe"], ...] = Field(
        default=("safe",),
        description="rules for the smallest set: one-sided 95 % bound of its loss (safe), or point estimate (point)",
    )
    rankings: tuple[str, ...] = Field(
        default=("lca", "probeless"), description="rankings to search; the first is the headline's"
    )
    protocol: Literal["sound", "published"] = Field(
        default="sound", description="published: the study's choices too, marked as such, to compare with"
    )
    general_rows: Literal["balanced", "all"] = Field(
        default="balanced", description="train rows for CKA and correlations: as many of each class, or all"
    )
    thresholds: tuple[float, ...] = Field(
        default=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        description="distances 1 - |r| at which neurons count as similar",
    )
    layer_deltas: tuple[float, ...] = Field(
        default=(0.01, 0.02, 0.03), description="losses allowed to the LayerSelector"
    )
    pipeline_deltas: tuple[tuple[float, float], ...] | None = Field(
        default=None,
        description="pairs (allowed to LS, allowed to the whole); by default half of delta or all of it to LS",
    )
    pipeline_thresholds: tuple[float | None, ...] = Field(
        default=(None, 0.3), description="clustering thresholds of the pipeline; null leaves clustering out"
    )
    control_draws: int = Field(default=5, ge=0, description="draws of the control task")
    disjoint_splits: int = Field(default=10, ge=0, description="splits of token types into seen and never seen")
    untrained_seeds: int = Field(default=3, ge=0, description="copies of the model with random weights")
    untrained_precision: CopyPrecision = Field(
        default="auto",
        description="of untrained copies; auto: bfloat16 where this machine computes in it, if the first copy scores"
        " validation as in float32 within 0.2 points; model: the model's",
    )
    random_draws: int = Field(default=10, ge=10, description="random orders that a ranking is compared with")
    stability: int = Field(
        default=0, ge=0, description="halvings of the train rows on which the rankings are made again"
    )
    lambdas: int = Field(default=PATH_LENGTH, ge=12, description="values on the oracle's regularisation path")
    bootstrap: int = Field(default=2000, ge=100, description="bootstrap resamples")
    precision: Precision = Field(default="float32", description="of the model's weights and computation")
    device: str = Field(default="auto", description="cpu, cuda, … for model and probes")
    batch_tokens: int = Field(default=4096, ge=1, description="padded tokens in one forward pass")
    max_tokens: int | None = Field(default=None, ge=1, description="windows shorter than the model allows")
    max_windows: int | None = Field(
        default=None, ge=1, description="of whole examples only the first windows of this number; all by default"
    )
    pair_input: Literal["separate", "joint"] = Field(
        default="separate", description="texts of a pair: each an input of its own, or both in one (cut to fit)"
    )
    dtype: StoreDtype = Field(default="auto", description="of the stored activations")
    pooling: Literal["auto"] | Pooling = Field(
        default="auto",
        description="subwords that represent a unit; auto: mean of a token's, an encoder's first or a decoder's last of"
        " a whole example or of either side of a pair",
    )
    straddle: Literal["share", "drop"] = Field(
        default="share", description="units that share a subword: keep or leave out"
    )
    concepts: ConceptOptions = Field(default_factory=ConceptOptions, description="of `neurosieve concepts`")
    limits: Limits = Field(default_factory=lambda: LIMITS, description="on each file of the data")
    trust_remote_code: bool = Field(default=False, description="run code that comes with the model")
    allow_pickle: bool = Field(default=False, description="read pickled weights, which can run code")

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_known_names(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        _known_names(values)
        return _corpus_task(values)

    @pydantic.model_validator(mode="after")
    def _complete(self) -> Self:
        _go_together(self)
        return self

    @pydantic.field_validator("thresholds", "pipeline_thresholds")
    @classmethod
    def _thresholds_are_distances(cls, value: tuple[float | None, ...]) -> tuple[float | None, ...]:
        if not all(t is None or 0 <= t <= 1 for t in value):
            raise ValueError("thresholds are distances 1 - |r|, between 0 and 1")
        return value

    @pydantic.field_validator("deltas", "layer_deltas")
    @classmethod
    def _deltas_are_shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or not all(0 < d < 1 for d in value):
            raise ValueError("deltas are shares between 0 and 1 (0.01 = one point)")
        return value

    @pydantic.field_validator("rankings", "select")
    @classmethod
    def _at_least_one(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one")
        return value

    @property
    def whole(self) -> bool:
        """Each example is one unit."""
        return self.task in COLUMNS

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the text or of both texts of a pair, and of the label."""
        text, *other, label = COLUMNS[self.task]
        second = [self.other_column or name for name in other]
        return self.text_column or text, *second, self.label_column or label

    @property
    def pipeline_pairs(self) -> tuple[tuple[float, float], ...]:
        """(allowed to LS, allowed to the whole)."""
        delta = self.deltas[0]
        return self.pipeline_deltas or ((delta / 2, delta), (delta, delta))

    @property
    def cuts(self) -> tuple[float, ...]:
        """All clustering thresholds that are needed."""
        return tuple(sorted({*self.thresholds, *(t for t in self.pipeline_thresholds if t is not None)}))


def make_config(
    *, study: str | Path | None = None, options: Mapping[str, Any] | None = None, pairs: Iterable[str] = ()
) -> StudyConfig:
    """A study from a YAML file, then options (None: not given), then `key=value` pairs; the later wins.

    Raises:
        ConfigError: A key, name or value that is not known; nothing is guessed.
    """
    values: dict[str, Any] = _read_yaml(study) if study else {}
    given = {k: v for k, v in (options or {}).items() if v is not None}
    if isinstance(values.get("concepts"), dict) and isinstance(given.get("concepts"), Mapping):
        given["concepts"] = values["concepts"] | given["concepts"]  # options name some of its keys
    values |= given
    for pair in pairs:
        _assign(values, pair)
    return StudyConfig.model_validate(values)


def recorded(study: Mapping[str, Any]) -> dict[str, Any]:
    """The options in a run folder's study.yaml; what it does not say is as earlier versions did it."""
    return _EARLIER | {key: value for key, value in study.items() if value is not None}


def concept_changes(values: Mapping[str, Any], pairs: Iterable[str]) -> dict[str, Any]:
    """Options of concepts, and `concepts.key=value` pairs over them.

    Raises:
        ConfigError: A pair for something else, or a key that is not known.
    """
    changed: dict[str, Any] = {"concepts": dict(values)}
    for pair in pairs:
        _assign(changed, pair)
    if len(changed) > 1:
        raise ConfigError(
            f"--set {next(k for k in changed if k != 'concepts')}",
            expected="a key of concepts, such as concepts.min_rows, with a run folder",
            got="another option of the study",
            remedy="choose another --out for another study",
        )
    options: dict[str, Any] = changed["concepts"]
    if not isinstance(options, dict):
        remedy = "for example --set concepts.min_rows=50"
        raise ConfigError("--set concepts", expected="a key of concepts", got=repr(options), remedy=remedy)
    return options


def _corpus_task(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A corpus brings its task, and is made from the standard library where no folder is named."""
    name = values.get("corpus")
    if not isinstance(name, str):
        return values
    task = CORPORA[name].task
    values = {"task": task, **values}
    if values["task"] != task:
        raise ConfigError(
            "option task", expected=f"{task} with --corpus {name}", got=str(values["task"]), remedy="leave --task out"
        )
    if not values.get("data") and not values.get("activations"):
        values["data"] = STDLIB
    return values


def _go_together(config: StudyConfig) -> None:
    """Model and data, or activations made elsewhere; one of the two. Nothing is given that would not be used."""
    for key in (*_NOT_WITH_CORPUS, "splits", "activations"):
        if config.corpus is not None and getattr(config, key):
            raise ConfigError(
                f"option {key}", expected="none with --corpus", got="a value", remedy="leave one of them out"
            )
    _target_fits(config)
    for key in ("model", "data"):
        given = bool(getattr(config, key))
        if given and config.activations is not None:
            raise ConfigError(
                f"option {key}", expected="none with --activations", got="a value", remedy="leave one of them out"
            )
        if not given and config.activations is None:
            raise ConfigError(f"option {key}", expected="a value", got="none", remedy=f"give --{key}")
    if (unread := set(config.rankings) & set(MODEL_RANKINGS)) and config.activations is not None:
        expected, remedy = "rankings that need no model with --activations", "leave it out, or give --model and --data"
        raise ConfigError("option rankings", expected=expected, got=min(unread), remedy=remedy)
    _used(config, "max_windows", config.max_windows is not None, texts=1)
    _used(config, "pair_input", config.pair_input == "joint", texts=2)


def _target_fits(config: StudyConfig) -> None:
    """Values are read from tables of examples and pairs, and the published study knows none."""
    if config.target != "values":
        return
    _used(config, "target", given=True, texts=1)
    for key in ("corpus", "activations", "classes"):
        if getattr(config, key) is not None:
            raise ConfigError(
                f"option {key}", expected="none with --target values", got="a value", remedy="leave one of them out"
            )


def _used(config: StudyConfig, key: str, given: bool, texts: int) -> None:
    """An option for units of whole texts, at least so many."""
    if given and len(COLUMNS.get(config.task, ())) <= texts:
        fit = ", ".join(task for task, columns in COLUMNS.items() if len(columns) > texts)
        raise ConfigError(
            f"option {key}", expected=f"one of the tasks {fit}", got=config.task, remedy="leave it out or check --task"
        )


# Values such as the day 2026-13-45, or 5,000 digits, end in errors of Python's own.
def _read_yaml(path: str | Path) -> dict[str, Any]:
    from neurosieve.storage.folder import split_place  # help texts are shown without what computes

    folder, name = split_place(path)
    try:
        values = parse_yaml(folder.read(name))
    except StoreError as e:
        raise ConfigError(
            f"study file {path}",
            expected="a file that can be read, or a run folder where the command takes one",
            got=e.got,
            remedy="check the path",
        ) from e
    except ValueError as e:
        raise ConfigError(f"study file {path}", expected="readable YAML", got=str(e), remedy="mend the file") from e
    if not isinstance(values, dict):
        raise ConfigError(
            f"study file {path}", expected="key: value lines", got=type(values).__name__, remedy="see the README"
        )
    of_run = values.get("study")  # the record that a run folder keeps
    return recorded(of_run) if isinstance(of_run, dict) and "format" in values else values


def _assign(values: dict[str, Any], pair: str) -> None:
    key, sign, text = pair.partition("=")
    if not sign or not key:
        raise ConfigError(f"--set {pair}", expected="key=value", got=pair, remedy="for example --set rows.train=500")
    *parents, last = key.replace("-", "_").split(".")
    for part, kind in (("rows", RowCounts), ("concepts", ConceptOptions), ("limits", Limits)):
        if parents == [part] and last not in kind.model_fields:
            raise unknown_name("option", f"{part}.{last}", (f"{part}.{name}" for name in kind.model_fields))
    place = values
    for parent in parents:
        inner = place.get(parent)
        place[parent] = dict(inner) if isinstance(inner, dict) else {}
        place = place[parent]
    try:
        place[last] = parse_yaml(text)
    except ValueError as e:
        raise ConfigError(f"--set {pair}", expected="a YAML value", got=text, remedy="quote the value") from e


def _known_names(values: Mapping[str, Any]) -> None:
    for key in values:
        if key not in StudyConfig.model_fields:
            raise unknown_name("option", str(key), StudyConfig.model_fields)
    checks = (("task", "task", TASKS), ("labels", "label scheme", LABEL_SCHEMES), ("corpus", "corpus name", CORPORA))
    for key, kind, known in checks:
        value = values.get(key)
        if isinstance(value, str) and value not in known:
            raise unknown_name(kind, value, known)
    rankings = values.get("rankings")
    for name in rankings if isinstance(rankings, list | tuple) else ():
        if name not in RANKERS:
            raise unknown_name("ranking", str(name), RANKERS)
