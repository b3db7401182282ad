"""An export as a page shows it, with a way of each kind."""

from typing import Any

from neurosieve.compact.compact_spec import CompactSpec
from neurosieve.results.export import CascadeUse, ExportResult, FrontierPoint, Speeds, Usage
from neurosieve.results.measured import Difference, Score


def spec_of() -> CompactSpec:
    """What a card says of a model of the form full."""
    return CompactSpec(
        form="full",
        model="m",
        revision=None,
        stack=None,
        labels=("a",),
        target=None,
        task="token-tagging",
        whole=False,
        sides=1,
        joint=False,
        pooling="first",
        max_tokens=8,
        max_windows=None,
        pad_id=0,
        padding_side="right",
        types=False,
        site="hidden",
        blocks=2,
        final_norm=False,
        neurons=(),
        tokenizer_sha256="",
        files={},
    )


def point(**changed: Any) -> FrontierPoint:
    """A way by blocks that holds."""
    values: dict[str, Any] = {"form": "full", "source": "layer 2", "blocks": 2, "neurons": 12, "cost": 2000.0}
    values |= {"validation": 0.95, "bound": 0.005, "within": True, "interval": (0.93, 0.97)}
    return FrontierPoint(**values | changed)


def export_of(source: str = "layer 2") -> ExportResult:
    """A cascade that was exported, beside ways without."""
    usage = Usage(parameters=1000, bytes=4000, peak_mb=None, p50_ms=1.0, p95_ms=2.0, tokens_per_second=1e4)
    whole = Usage(parameters=4000, bytes=16000, peak_mb=None, p50_ms=4.0, p95_ms=9.0, tokens_per_second=1e3)
    frontier = (
        point(form="table", source="layer 0", blocks=0, cost=6.0, validation=0.8, bound=0.2, within=False),
        point(first="layer 0", passed=0.12, source=source, exported=True, cost=246.0, interval=None),
        point(kept=0.6, source=source, cost=1200.0, bound=None, within=False),
        point(form="standard", source=source),
        point(source=source),
    )
    return ExportResult(
        form="full",
        source=source,
        delta=0.01,
        rule="safe",
        metric="accuracy",
        frontier=frontier,
        validation=0.95,
        test=Score(value=0.94, n=300, interval=(0.92, 0.96)),
        oracle=Difference(value=0.004, interval=(-0.01, 0.02)),
        whole=Difference(value=0.002, interval=None),
        other_labels=0.01,
        speeds=Speeds(compact=usage, whole=whole, threads=1, cpu="a processor"),
        study={},
        data_hashes={},
        notes=("a note",),
        seconds=1.0,
        cascade=CascadeUse(margin=0.5, units=0.1, tokens=0.12, cost=246.0),
    )
