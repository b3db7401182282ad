"""Two of a run's probes one behind the other: which pairs stay within delta, and how many units they pass on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from neurosieve.compact.cascade import asked_again, margins
from neurosieve.errors import ConfigError
from neurosieve.probes import ClusterBootstrap
from neurosieve.probes.intervals import score_interval
from neurosieve.results.export import CascadeUse, FrontierPoint
from neurosieve.studies.export.first_holding import Asked, Built
from neurosieve.studies.export.run_probes import RunProbes, Way, cheapest_first, loss_within
from neurosieve.studies.export.unit_texts import UnitTexts
from neurosieve.typing import Scores

# Shares of units that are passed on; the first that holds is taken.
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_SHOWN = 12  # cascades that join the frontier


def with_cascades(run: RunProbes, found: Sequence[Way], asked: Asked) -> list[Way]:
    """The ways, and the cheapest cascades of two of them that stay within delta; cheapest first.

    Args:
        run: The study.
        found: Its ways.
        asked: Form of the second model, loss and rule.

    Raises:
        ConfigError: Labels are values, of which no model is sure or unsure.
    """
    if run.selection.scaler.target is not None:
        raise ConfigError(
            "option cascade", expected="labels that are classes", got="values", remedy="leave --cascade out"
        )
    rows = _Rows.of(run)
    firsts = {way.point.source: way for way in found if way.point.form in ("table", "full")}
    firsts |= {way.point.source: way for way in found if way.point.form == "table"}
    seconds = [way for way in found if way.point.blocks and asked.fits(way)]
    dearest = min((way.point.mean_blocks for way in seconds if way.point.within), default=np.inf)
    pairs = ((a, b) for b in seconds for a in firsts.values() if a.point.blocks < b.point.blocks)
    held = [way for a, b in pairs if (way := rows.cascade(a, b, asked, min(dearest, b.point.mean_blocks)))]
    cheap = sorted(held, key=lambda way: cheapest_first(way.point))[:_SHOWN]
    return sorted([*found, *cheap], key=lambda way: cheapest_first(way.point))


@dataclass(frozen=True)
class _Rows:
    """Validation rows as the run's probes see them.

    Attributes:
        logits: Of each probe by its name.
        label: Class numbers, shape [rows].
        window: Number of the window that a row is read in, shape [rows].
        reference: Scores of the probe on all neurons.
        bootstrap: Over files.
    """

    logits: dict[str, Float[np.ndarray, "rows classes"]]
    label: Int[np.ndarray, " rows"]
    window: Int[np.ndarray, " rows"]
    reference: Scores
    bootstrap: ClusterBootstrap

    @staticmethod
    def of(run: RunProbes) -> "_Rows":
        opened, scaler = run.store.read("validation"), run.selection.scaler
        x = scaler.apply(opened.values)
        return _Rows(
            logits={source: probe.outputs(x).T.cpu().numpy() for source, probe in run.sources},
            label=opened.label,
            window=_windows(run, len(opened.label)),
            reference=run.selection.oracle.probe.row_scores(x, opened.label),
            bootstrap=ClusterBootstrap(opened.group, draws=run.config.bootstrap, seed=run.config.seed),
        )

    def cascade(self, first: Way, second: Way, asked: Asked, dearest: float = np.inf) -> Way | None:
        """The one that passes fewest units on and holds; None where it is no cheaper than so many blocks."""
        sure = margins(self.logits[first.point.source])
        right = [self.logits[way.point.source].argmax(1) == self.label for way in (first, second)]
        for margin, passed in self._margins(sure):
            point = _point(first, second, passed)
            if point.mean_blocks >= dearest:
                return None
            scores = np.where(sure < margin, right[1], right[0])
            bound = loss_within(self.reference, scores, self.bootstrap, asked.rule)
            if bound is not None and bound <= asked.delta + 1e-12:
                interval = score_interval(scores, self.bootstrap)
                value = float(scores.mean())
                point = replace(point, validation=value, bound=bound, within=True, interval=interval)
                return replace(second, point=point, first=first, margin=margin)
        return None

    def _margins(self, sure: Float[np.ndarray, " rows"]) -> Iterator[tuple[float, float]]:
        """Thresholds, the smallest first, each with the share of windows that it passes on."""
        for margin in np.unique(np.quantile(sure, _SHARES)):
            yield float(margin), len(np.unique(self.window[sure < margin])) / len(np.unique(self.window))


def _windows(run: RunProbes, rows: int) -> Int[np.ndarray, " rows"]:
    """A whole text is passed on alone; of others all windows that hold a unit."""
    if run.config.whole:
        return np.arange(rows)
    units = run.store.units("validation")
    example, window = (units.column(name).to_numpy(zero_copy_only=False) for name in ("example", "window"))
    _, number = np.unique(example.astype(str), return_inverse=True)
    return np.asarray(number * (int(window.max()) + 1) + window)


def _point(first: Way, second: Way, passed: float) -> FrontierPoint:
    return replace(
        second.point,
        cost=first.point.cost + passed * second.point.cost,
        first=first.point.source,
        first_blocks=first.point.blocks,
        passed=passed,
    )


def with_note(built: Built, run: RunProbes, found: Sequence[Way], asked: Asked) -> Built:
    """The same, with a note where it is no cascade: what the best one would pass on.

    Args:
        built: What was chosen.
        run: The study.
        found: Its ways.
        asked: Form, loss and rule.
    """
    point = built.way.point
    if point.first:
        return built
    rows, note = _Rows.of(run), f"no cascade is cheaper than {point.name} as {point.form}: before it"
    before = {way.point.source: way for way in found if not way.point.first and way.point.blocks < point.blocks}
    tried = [way for first in before.values() if (way := rows.cascade(first, built.way, asked))]
    if not tried:
        return replace(
            built, notes=(*built.notes, f"{note} each passes on more than {100 * _SHARES[-1]:.0f} % of units")
        )
    way = min(tried, key=lambda way: way.point.passed)
    units = float((margins(rows.logits[way.point.first]) < way.margin).mean())
    told = f"{100 * units:.0f} % of units, margin {way.margin:.2g}, in {100 * way.point.passed:.0f} % of windows"
    return replace(built, notes=(*built.notes, f"{note} {way.point.first} passes on {told}"))


def cascade_use(built: Built, units: UnitTexts) -> CascadeUse | None:
    """How often a cascade that was built asks its dear model; None of another model."""
    model, way = built.model, built.way
    if model.first is None or way.first is None:
        return None
    unsure = model.unsure(model.first.scores(units.texts))
    again = len(model.reader.read(asked_again(units.texts, unsure)).ids) if unsure.any() else 0
    tokens = again / max(1, len(model.reader.read(units.texts).ids))
    first = way.first.point.cost
    whole = (way.point.cost - first) / way.point.passed
    return CascadeUse(margin=way.margin, units=float(unsure.mean()), tokens=tokens, cost=first + tokens * whole)
