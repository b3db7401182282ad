"""Tables of the concepts that were found: pure functions from the content of `concepts.json`."""

from neurosieve.report.numbers import count, neuron, per_cent
from neurosieve.report.tables import Record, Table


def concept_headline(record: Record) -> str:
    """How many neurons are called concept neurons, and the strongest; or that there is none."""
    found = [
        (c, n) for view in record["views"].values() for c in view["concepts"] for n in c["neurons"] if n["claimed"]
    ]
    looked = len({(c["property_name"], c["value"]) for view in record["views"].values() for c in view["concepts"]})
    if not found:
        return f"No neuron of {count(record['neurons'])} clears the bounds for one of {looked} property values"
    concept, best = max(found, key=lambda pair: pair[1]["ap"] - max(pair[0]["rivals"].values()))
    ids = {tuple(n["neuron"]) for _, n in found}
    values = {(c["property_name"], c["value"]) for c, _ in found}
    rival = max(concept["rivals"].values())
    return (
        f"{len(ids)} of {count(record['neurons'])} neurons are called neurons of {len(values)} of {looked} property"
        f" values, the clearest {neuron(best['neuron'])} of {concept['property_name']}={concept['value']}:"
        f" average precision {per_cent(best['ap'], best['interval'])} on held-out files, {per_cent(rival)} without"
        " a model"
    )


def claim_table(record: Record) -> Table:
    """The neurons that are called concept neurons."""
    rows = []
    for name, view in record["views"].items():
        for c in view["concepts"]:
            for n in c["neurons"]:
                if n["claimed"]:
                    rival = max(c["rivals"], key=c["rivals"].__getitem__)
                    rows.append(
                        (
                            name,
                            f"{c['property_name']}={c['value']}",
                            neuron(n["neuron"]),
                            "low" if n["low"] else "high",
                            per_cent(n["ap"], n["interval"]),
                            f"{n['auroc']:.3f}",
                            f"{rival} {per_cent(c['rivals'][rival])}",
                            f"{per_cent(c['base'])} of {count(view['rows']['test'])}",
                        )
                    )
    columns = ("view", "value", "neuron", "where it is", "AP", "AUROC", "best rival's AP", "base rate")
    return Table("Concept neurons on held-out files", columns, tuple(rows))
