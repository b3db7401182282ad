"""A small hand-made summary with every part that the report reads, and its variants."""

import copy
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
HOSTILE = "<script>alert(1)</script></script><!-- <b>b</b> %{x} {{ 7*7 }} \u202etxet\x00\x1b[31m"
LONG = "x" * 10_000


def scored(value: float, n: int = 40) -> Record:
    return {"test": value, "n": n, "interval": [value - 0.05, min(1.0, value + 0.04)]}


def as_score(value: float, n: int = 40) -> Record:
    part = scored(value, n)
    return {"score": part.pop("test"), **part}


def classes(*recalls: float | None) -> Record:
    return {f"K{i}": {"n": 20, "recall": r, "precision": r, "f1": r} for i, r in enumerate(recalls)}


def spread(mean: float) -> Record:
    return {"mean": mean, "median": mean, "lo": mean - 0.02, "hi": mean + 0.03}


def selectivity(rows: int) -> Record:
    part = {"task": 0.9, "control": 0.7, "control_range": [0.68, 0.73], "selectivity": 0.2, "majority": 0.3}
    return part | {"interval": [0.1, 0.3], "rows": rows}


def curves() -> list[Record]:
    sizes = (1, 10, 100)
    points = [{"ranking": n, "size": m, "validation": 0.5, **scored(0.3 + 0.2 * i)} for n in ("lca", "probeless")
              for i, m in enumerate(sizes)]  # fmt: skip
    return points + [
        {"ranking": "random", "size": m, "draws": 10, **spread(0.2 + 0.2 * i)} for i, m in enumerate(sizes)
    ]


def held() -> Record:
    """A set's losses, not shown to be what was allowed."""
    loss = {"value": 0.012, "interval": [-0.003, 0.03]}
    return {"test_loss": loss, "within": False, "p_outside": 0.4, "unseen_natural": as_score(0.8, 35) | {"loss": loss}}


def found_set(ranking: str, size: int) -> Record:
    return {
        "ranking": ranking, "delta": 0.01, "select": "point", "size": size, "validation": 0.9, "converged": True,
        **scored(0.88), **held(), "size_range": [size, size + 4],
        "random_same_size": spread(0.6) | {"loss": spread(0.3)},
        "random_size": {"median": 30.5, "lo": 20, "hi": 41, "ratio": size / 30.5, "ratio_range": [0.1, 0.5]},
        "neurons": [[i % 3, i] for i in range(size)], "weights": [[0.5, -0.25, 0.0] for _ in range(size)],
    }  # fmt: skip


def agreed() -> Record:
    return {
        "agreement": {
            "neurons": 1000,
            "rankings": [
                {"ranking": n, "size": 10, "average_overlap": 0.4, "neuron_vote": 0.3, "chance": 0.01}
                for n in ("lca", "probeless")
            ],
            "pairs": [{"rankings": ["lca", "probeless"], "size": 10, "overlap": 0.4}],
        },
        "stability": {
            "draws": 2,
            "sets": [
                {"ranking": "lca", "delta": 0.01, "select": "point", "mean": 42.0, "median": 41.0}
                | {"lo": 30.0, "hi": 56.0}
            ],
            "rankings": [
                {
                    "ranking": "lca",
                    "size": 10,
                    "seeds": 1.0,
                    "halves": 0.7,
                    "halves_low": 0.6,
                    "halves_high": 0.8,
                    "chance": 0.01,
                }
            ],
        },
    }


def natural() -> Record:
    seen = as_score(0.95, 25) | {"per_class": classes(0.9, 1.0, 0.95)}
    gain = {"value": 0.2, "interval": [0.1, 0.3]}
    part = as_score(0.8, 35) | {
        "token_lookup": as_score(0.4, 35),
        "seen": seen,
        "untrained": spread(0.6) | {"gain": gain},
    }
    return part | {"per_class": classes(0.7, None, 0.9)}


def full() -> Record:
    """Every part has values."""
    return {
        "format": 1, "headline": "98.0 % of 300 neurons can go: 6 stay.", "model": "models/tiny", "revision": None,
        "trust": [{"key": "majority", "question": "Above majority?", "answer": a, "figures": "oracle 90.0 %"}
                  for a in ("yes", "no", "not measured")],
        "task": "token-tagging", "metric": "accuracy", "protocol": "sound", "layers": 3, "neurons": 300, "dead": 2,
        "labels": ["K0", "K1", "K2"], "rows": {"train": 120, "validation": 40, "test": 40},
        "units": {"kept": 200, "truncated": 0, "skipped": 3, "empty": 1, "shared_subwords": 0}, "long_examples": 2,
        "oracle": {**scored(0.9), "validation": 0.91, "per_class": classes(0.8, 0.95, None)},
        "baselines": {"majority": 0.33, "token_lookup": as_score(0.6), "layer0": as_score(0.7),
                      "random_neurons": {"size": 6, **spread(0.5)},
                      "untrained_model": {"test": spread(0.62), "unseen_natural": spread(0.6), "seeds": [0, 1, 2],
                                          "layers": [spread(0.5), spread(0.6), spread(0.55)]}},
        "unseen": {"natural": natural(), "disjoint": {**spread(0.5), "splits": 10, "n": spread(35.0),
                                                    "majority": spread(0.3)}},
        "mistakes": [{"text": "foo", "label": "K0", "predicted": "K1", "unseen": True}],
        "control": selectivity(25) | {"draws": 5, "majority": 0.3, "all": selectivity(40), "seen": selectivity(25),
                                      "minimal_set": selectivity(25),
                                      "by_type": {"task": 0.8, "control": 0.7, "selectivity": 0.1,
                                                  "interval": [0.02, 0.2], "types": 31}},
        "layerwise": {k: [{"layer": i, "validation": 0.8, **scored(0.7 + 0.1 * i)} for i in range(3)]
                      for k in ("independent", "incremental")},
        "layer_selector": {"0.01": 2, "0.02": 1, "0.03": 1},
        "cka": [[1.0, 0.8, 0.6], [0.8, 1.0, 0.9], [0.6, 0.9, 1.0]], "general_rows": 120,
        "clusters": [{"threshold": t, "kept": k, "dead": 2, "validation": 0.9, **scored(v)}
                     for t, k, v in ((0.3, 250, 0.9), (0.6, 90, 0.88), (0.9, 4, 0.4))],
        "curves": curves(), "minimal_sets": [found_set("lca", 6), found_set("probeless", 9)],
        **agreed(),
        "pareto": [{"source": s, "size": m, "depth": d, "validation": 0.9, **scored(v)}
                   for s, m, d, v in (("lca", 1, 0, 0.4), ("layers 0–1", 200, 1, 0.9))],
        "pipeline": {"layer_delta": 0.01, "delta": 0.01, "layers_kept": 1, "clustering_threshold": 0.3, "size": 8,
                     **scored(0.87), **held()},
        "seeds": {"study": 0, "random_draws": 10, "bootstrap": 2000}, "notes": ["lines of tagged tokens"],
        "seconds": {"extract": 1.4}, "peak_rss_mb": 1024.0, "versions": {"neurosieve": "0.1.0"},
        "data_hashes": {"train.in": "ab" * 32},
    }  # fmt: skip


def nothing(record: Record) -> None:
    """At chance: what depends on a sound oracle is null with a reason."""
    for key in ("minimal_sets", "layer_selector", "pipeline", "pareto"):
        record |= {key: None, f"{key}_reason": "the oracle is at chance"}


def untrained(record: Record) -> None:
    """No untrained copies were asked for."""
    record["baselines"] |= {"untrained_model": None, "untrained_reason": "left out"}
    record["unseen"]["natural"]["untrained"] = None


def all_seen(record: Record) -> None:
    """Too few unseen rows, no control task, no held-out types."""
    record["unseen"]["natural"] = {"score": None, "n": 3, "reason": "3 unseen rows; at least 30 are needed"}
    record["unseen"]["disjoint"] = {"mean": None, "lo": None, "hi": None, "splits": 0, "reason": "no split"}
    record["control"] = {"task": None, "control": None, "selectivity": None, "reason": "no draw was asked for"}


def no_cka(record: Record) -> None:
    record |= {"cka": None, "cka_reason": "3 rows; at least 4 are needed"}


def one_layer(record: Record) -> None:
    """Embeddings alone, and a pipeline that finds nothing."""
    record |= {"layers": 1, "cka": [[1.0]], "layer_selector": {"0.01": 0}}
    record["layerwise"] = {k: v[:1] for k, v in record["layerwise"].items()}
    record["baselines"]["untrained_model"]["layers"] = [spread(0.5)]
    for s in record["minimal_sets"]:
        s["neurons"] = [[0, i] for i in range(s["size"])]
    record["pipeline"] = {"size": None, "reason": "no way stays within its delta", "tried": []}


def imported(record: Record) -> None:
    """Activations made elsewhere: there is no model, so no untrained copies."""
    record["model"] = ""
    untrained(record)


def published(record: Record) -> None:
    """The study's choices beside the sound ones."""
    choices = [{"choice": "best of 15", "figure": "oracle accuracy", "sound": 0.9, "published": 0.912, "moved": 0.012},
               {"choice": "keyword list", "figure": "rows", "sound": None, "reason": "no such class"}]  # fmt: skip
    record |= {"protocol": "published", "published": {"choices": choices}}


def hostile(record: Record) -> None:
    """Texts of the data and names that a user chose hold markup, scripts, control characters."""
    record |= {"model": HOSTILE, "headline": HOSTILE, "labels": [HOSTILE, "K1", "K2"], "notes": [HOSTILE, LONG]}
    record["mistakes"] = [{"text": t, "label": HOSTILE, "predicted": "K1", "unseen": False} for t in (HOSTILE, LONG)]
    for part in (record["oracle"], record["unseen"]["natural"], record["unseen"]["natural"]["seen"]):
        part["per_class"] = {HOSTILE: part["per_class"].pop("K0")} | part["per_class"]
    record["data_hashes"] = {HOSTILE: "cd" * 32}
    for s in record["pareto"]:
        s["source"] = HOSTILE


VARIANTS: dict[str, Callable[[Record], None]] = {
    f.__name__: f for f in (nothing, untrained, all_seen, no_cka, one_layer, imported, published, hostile)
}


def record_of(variant: str) -> Record:
    record = full()
    if variant != "full":
        VARIANTS[variant](record)
    return copy.deepcopy(record)


NAMES = ("full", *VARIANTS)
