"""What a run would cost, for terminal and notebook."""

from markupsafe import Markup

from neurosieve.report.tables import Table, make_table
from neurosieve.results.cost import Cost


def cost_table(cost: Cost) -> Table:
    """Rows, neurons, arithmetic, disk, memory and time."""
    total = sum(cost.seconds.values())
    rows = ", ".join(f"{k} {v:,}" for k, v in cost.rows.items())
    stages = ", ".join(f"{k} {v:,.0f} s" for k, v in cost.seconds.items())
    parts = (
        ("rows", f"{rows} ({cost.missed_units:,} units without subwords or text)"),
        ("neurons", f"{cost.layers} layers × {cost.width} = {cost.layers * cost.width:,}"),
        ("tokens to read", f"{cost.tokens:,}, padding included"),
        ("arithmetic", f"{cost.flops / 1e12:.2f} TFLOP through {cost.parameters / 1e6:.1f} M weights"),
        ("disk", f"{cost.store_bytes / 2**20:,.0f} MiB at most"),
        ("memory", f"about {cost.memory_bytes / 2**30:.1f} GiB"),
        ("time here", f"about {total:,.0f} s ({stages})"),
    )
    return make_table("What a run would cost", ("", ""), parts)


def cost_text(cost: Cost) -> str:
    """A line a part, and what should be known of the data."""
    return "\n".join([*(f"{name}: {value}" for name, value in cost_table(cost).rows), *(f"· {n}" for n in cost.notes)])


def cost_html(cost: Cost) -> Markup:
    """The same as a table."""
    notes = Markup("").join(Markup("<p>{}</p>").format(note) for note in cost.notes)
    return cost_table(cost).to_html() + notes
