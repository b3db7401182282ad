"""What a run would cost, as `plan` estimates it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The price of a run.

    Attributes:
        rows: By split.
        layers: Blocks + 1.
        width: Neurons of a layer.
        tokens: That the network reads, padding included.
        parameters: Of the blocks (embeddings do no arithmetic).
        flops: Of the forward passes.
        store_bytes: On disk, at most (float32).
        memory_bytes: About the peak of the selection stage.
        seconds: Estimated time of each stage on this machine.
        missed_units: Units without a subword, or that were empty.
        notes: What a user should know of the data: balance, near-copies, what was left out.
    """

    rows: dict[str, int]
    layers: int
    width: int
    tokens: int
    parameters: int
    flops: float
    store_bytes: int
    memory_bytes: int
    seconds: dict[str, float]
    missed_units: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        from neurosieve.report.cost import cost_text  # what writes sentences is loaded where it writes

        return cost_text(self)

    def _repr_html_(self) -> str:
        from neurosieve.report.cost import cost_html

        return cost_html(self)
