"""One change of a run's modules: use one, drop one, replace one, add one; timed, and the others held against before."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import torch
from jaxtyping import Float

from neurosieve.errors import ConfigError, unknown_name
from neurosieve.modules.module_search import ModuleRule, fit_module
from neurosieve.modules.one_label import Module, compose, same_bits
from neurosieve.probes import selection_data
from neurosieve.probes.metrics import lost, scored
from neurosieve.results.modules import ChangeKind, ModuleChange
from neurosieve.studies.modules.module_work import LabelledRows, ModuleWork
from neurosieve.studies.modules.opened_modules import own_score
from neurosieve.studies.modules.other_run import OtherRun
from neurosieve.threads import torch_threads


@dataclass(frozen=True)
class AskedChange:
    """What is asked for.

    Attributes:
        kind: Of change.
        label: Whose module.
        source: Another run, for `replace` and `add`.
    """

    kind: ChangeKind
    label: str
    source: Path | None = None

    @property
    def file(self) -> str:
        """What it is kept under."""
        return f"{self.kind}-{quote(self.label, safe='')}"


@dataclass(frozen=True, eq=False)
class Changed:
    """Modules after a change, and what was measured of it."""

    modules: tuple[Module, ...]
    measured: ModuleChange


def change(work: ModuleWork, modules: Sequence[Module], asked: AskedChange, rule: ModuleRule) -> Changed:
    """Change the modules and measure what moved.

    Args:
        work: The run.
        modules: Before.
        asked: The change.
        rule: By which a new module is sought.

    Raises:
        ConfigError: A label that has no module here, or has one already; two modules left to drop from.
        RunFolderError: The other run has no modules, or is one of another model.
        DataError: The other run has no rows of the label.
    """
    _check(modules, asked)
    other = None if asked.source is None else OtherRun.of(work, asked.source, asked.label)
    begin = time.monotonic()
    after = _MAKE[asked.kind](work, modules, asked, other, rule)
    seconds = time.monotonic() - begin
    return Changed(after, _measured(work, modules, after, asked, other, seconds))


def _check(modules: Sequence[Module], asked: AskedChange) -> None:
    labels = [module.label for module in modules]
    if asked.source is None and asked.kind in ("replace", "add"):
        remedy = f"name a run of the same model: --{asked.kind} {asked.label}=RUN"
        raise ConfigError(f"{asked.kind} {asked.label!r}", expected="another run", got="none", remedy=remedy)
    if asked.kind == "add":
        if asked.label in labels:
            raise ConfigError(
                f"module {asked.label!r}",
                expected="a label without one",
                got="one that is there",
                remedy="replace it (--replace), or add another label",
            )
    elif asked.label not in labels:
        raise unknown_name("module", asked.label, labels)
    if asked.kind == "drop" and len(modules) < 3:
        got = " and ".join(labels)
        raise ConfigError("modules", expected="three or more to drop one", got=got, remedy="use one alone (--use)")


def _used(work: ModuleWork, modules: Sequence[Module], asked: AskedChange, *_: object) -> tuple[Module, ...]:
    del work
    return tuple(module for module in modules if module.label == asked.label)


def _dropped(work: ModuleWork, modules: Sequence[Module], asked: AskedChange, *_: object) -> tuple[Module, ...]:
    del work
    return tuple(module for module in modules if module.label != asked.label)


def _replaced(
    work: ModuleWork, modules: Sequence[Module], asked: AskedChange, other: OtherRun | None, *_: object
) -> tuple[Module, ...]:
    """The other run's module through the same neuron ids; only its two numbers of calibration are fitted here."""
    assert other is not None  # noqa: S101 - for the type checker
    new = other.module()
    if asked.label in work.labels:  # rows of a label that was added are the other run's, by which it is calibrated
        rows = work.validation
        new = new.calibrated(new.scores(rows.values, work.grid), rows.label == work.labels.index(asked.label))
    return tuple(new if module.label == asked.label else module for module in modules)


def _added(
    work: ModuleWork, modules: Sequence[Module], asked: AskedChange, other: OtherRun | None, rule: ModuleRule
) -> tuple[Module, ...]:
    """A module that tells the other run's rows of the label from rows of this run.

    It is fitted to as many rows of each label as of the new one, as the study's own classes are, and chosen on all.
    """
    assert other is not None  # noqa: S101 - for the type checker
    train = other.against(work.store.read("train"), "train", rule.seed)
    validation = other.against(work.store.read("validation"), "validation")
    with torch_threads(1):  # few rows: threads would wait for each other
        data = selection_data(train, validation)
        fitted = fit_module(data, asked.label, work.resamples(validation.group), replace(rule, draws=0))
    return (*modules, fitted.module)


_MAKE: dict[ChangeKind, Callable[..., tuple[Module, ...]]] = {
    "use": _used,
    "drop": _dropped,
    "replace": _replaced,
    "add": _added,
}


@dataclass(frozen=True, eq=False)
class _Decided:
    """Scores of modules on rows, and what they decide."""

    labels: tuple[str, ...]
    scores: Float[np.ndarray, "rows modules"]

    @staticmethod
    def of(modules: Sequence[Module], rows: LabelledRows, work: ModuleWork) -> "_Decided":
        return _Decided(tuple(m.label for m in modules), compose(modules, rows.values, work.grid))

    def column(self, label: str) -> Float[np.ndarray, " rows"]:
        """The scores of one module."""
        return np.ascontiguousarray(self.scores[:, self.labels.index(label)])

    def names(self) -> np.ndarray:
        """The label of each row."""
        return np.asarray(np.array(self.labels, dtype=object)[self.scores.argmax(1)])


def _measured(
    work: ModuleWork,
    before: Sequence[Module],
    after: Sequence[Module],
    asked: AskedChange,
    other: OtherRun | None,
    seconds: float,
) -> ModuleChange:
    rows, truth = _test_rows(work, asked, other)
    was, now = _Decided.of(before, rows, work), _Decided.of(after, rows, work)
    kept = truth != asked.label if asked.kind in ("drop", "add") else np.ones(len(truth), dtype=bool)
    own = truth == asked.label
    old, new = was.names(), now.names()
    if asked.kind == "use":
        alone = now.column(asked.label) > 0
        right, still, moved = (old == asked.label) == own, alone == own, (old == asked.label) != alone
    else:
        right, still, moved = old == truth, new == truth, old != new
    elsewhere = moved & (old != asked.label) & (new != asked.label) & (asked.kind != "use")
    bootstrap = rows.bootstrap if kept.all() else work.resamples(rows.group[kept])
    changed = next(module for module in (*after, *before) if module.label == asked.label)
    return ModuleChange(
        kind=asked.kind,
        label=asked.label,
        source="" if asked.source is None else str(asked.source),
        labels=now.labels,
        size=len(changed.neurons),
        seconds=round(seconds, 3),
        rows=len(truth),
        untouched=all(same_bits(was.column(k), now.column(k)) for k in _others(was, now, asked)),
        before=scored(right[kept], bootstrap),
        after=scored(still[kept], bootstrap),
        loss=lost(right[kept], still[kept], bootstrap),
        moved=int(moved[kept].sum()),
        moved_elsewhere=int(elsewhere[kept].sum()),
        own=None if asked.kind == "drop" else own_score(now.column(asked.label) > 0, own, rows),
        own_before=own_score(was.column(asked.label) > 0, own, rows) if asked.kind == "replace" else None,
    )


def _others(was: _Decided, now: _Decided, asked: AskedChange) -> list[str]:
    """Modules that are there before and after, but the changed one."""
    return [label for label in was.labels if label in now.labels and (label != asked.label or asked.kind == "use")]


def _test_rows(work: ModuleWork, asked: AskedChange, other: OtherRun | None) -> tuple[LabelledRows, np.ndarray]:
    """The run's test rows with their labels' names; of a new label also the other run's."""
    test = work.test
    truth = np.array(work.labels, dtype=object)[test.label]
    if asked.kind != "add" or other is None:
        return test, truth
    more = other.rows("test")
    group = np.concatenate([test.group, more.group])
    rows = replace(
        test, values=torch.cat([test.values, more.values]), group=group, bootstrap=work.resamples(group),
        label=np.concatenate([test.label, np.full(len(more.label), -1)]),
        monolith=np.concatenate([test.monolith, np.full(len(more.label), -1)]),
    )  # fmt: skip
    return rows, np.concatenate([truth, np.full(len(more.label), asked.label, dtype=object)])
