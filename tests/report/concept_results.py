"""Small hand-made records of concepts with every part that the report reads, and their variants."""

import copy
from collections.abc import Callable
from typing import Any

from tests.report.records import HOSTILE, LONG, Record

LAYERS = 3
NAMES = (("lexical", "number"), ("lexical", "keyword"), ("naming", "UPPER_CASE"))


def found_neuron(layer: int, index: int, ap: float, *, claimed: bool, low: bool = False) -> Record:
    return {
        "neuron": [layer, index], "low": low, "train_auroc": 0.97, "train_ap": ap, "auroc": 0.96, "ap": ap,
        "interval": [ap - 0.1, min(1.0, ap + 0.05)], "iou": 0.6, "effect": 2.0, "z": 9.0, "q": 0.001,
        "selectivity": 0.9, "p": 0.001, "unseen_ap": None if low else ap - 0.05, "claimed": claimed,
        "lacking": "" if claimed else f"AP on train {ap:.2f} < 0.8",
        "auroc_interval": [0.93, 0.98], "difference": ap - 0.5,
        "difference_interval": [ap - 0.58, ap - 0.42] if claimed else None,
        "above_half": ap - 0.83 if claimed else None, "note": "above a table of texts only there" if low else "",
    }  # fmt: skip


def concept(view: str, name: str, value: str, neurons: list[Record], rival: float = 0.5) -> Record:
    return {
        "view": view, "property_name": name, "value": value, "train": 80, "test": 50, "base": 0.05,
        "rivals": {"column": 0.2, "length": None, "frequency": 0.1, "lookup": rival, "untrained": 0.1},
        "unseen": [31, 0.04],
        "neurons": neurons, "layers": [0.6, 0.9, 0.7],
    }  # fmt: skip


def concept_view(view: str) -> Record:
    called = [found_neuron(1, i, 0.95 - 0.02 * i, claimed=True, low=i % 2 == 1) for i in range(5)]
    weak = [found_neuron(2, 7, 0.4, claimed=False)]
    return {
        "view": view, "rows": {"train": 1000, "test": 900}, "files": {"train": 9, "test": 7},
        "concepts": [concept(view, "lexical", "number", called), concept(view, "lexical", "keyword", weak, 0.97),
                     concept(view, "naming", "UPPER_CASE", called[:1] if view == "detect" else weak, 0.1)],
        "left_out": {"language": "one value only (python)", "node=class": "28 rows"}, "untrained_reason": "",
    }  # fmt: skip


def sharing(names: list[str]) -> Record:
    pair = {"a": names[0], "b": names[-1], "shared": 4, "jaccard": 0.31, "expected": 0.05, "p": 1e-5, "q": 0.0004}
    spread = {"mean": 1.2, "expected_mean": 1.0, "entropy": 0.5, "expected_entropy": 1.4, "counts": [1, 7, 0],
              "share": [0.125, 0.875, 0.0], "uniform": [0.33, 0.33, 0.34]}  # fmt: skip
    return {
        "overlaps": {"names": names, "sizes": [8, 8], "live": 300, "jaccard": [[1.0, 0.31], [0.31, 1.0]],
                     "expected": [[1.0, 0.05], [0.05, 1.0]], "tested": 1, "above_chance": 1, "pairs": [pair]},
        "polysemy": {"neurons": [288, 8, 4], "chance": [284.4, 15.2, 0.4], "most": [{"neuron": [1, 0], "sets": names}]},
        "spread": [{"name": name, **spread} for name in names],
    }  # fmt: skip


def group(view: str) -> Record:
    scored = {"test": 0.9, "n": 100, "interval": [0.85, 0.94]}
    smallest = {
        "size": 8, "validation": 0.9, **scored, "converged": True,
        "test_loss": {"value": 0.01, "interval": [-0.02, 0.04]},
        "random_same_size": {"mean": 0.6, "lo": 0.5, "hi": 0.7, "draws": 10},
        "random_size": {"median": 41.0, "lo": 20, "hi": 60, "ratio": 0.2, "draws": 3}, "neurons": [[1, 0]],
    }  # fmt: skip
    about: Record = {"values": ["number", "keyword"], "rows": {"train": 200, "test": 100}, "live": 300, "majority": 0.5}
    about |= {"lookup": 0.8 if view == "detect" else None, "oracle": {"validation": 0.9, "converged": True, **scored}}
    none: Record = {
        "smallest": None,
        "reason": "the oracle, 0.480 at least, is not above the majority, 0.500",
        "carriers": [],
    }
    own = {"smallest": smallest, "reason": "", "carriers": [{"name": "lexical=number", "neurons": [[1, 0]]}]}
    return {
        "view": view, "delta": 0.01, "select": "point", "mass": 0.5,
        "sets": [{"property": "lexical", **about, **own}, {"property": "naming", **about, **none}],
        "left_out": {"language": "one value only"}, "properties": sharing(["lexical", "role"]),
        "values": sharing(["lexical=number", "role=call"]),
    }  # fmt: skip


def token(text: str = "def f(x):\n    y = 12\n    return y\n", word: str = "12") -> Record:
    start = text.index(word)
    about = {"value": 4.25, "label": "number", "token": word, "example": "a.py", "line": 2}
    return about | {"text": text, "start": start, "end": start + len(word)}


def evidence() -> Record:
    own, others = [0.0, 0.1, 0.4], [0.3, 0.2, 0.0]
    rows = {"with": 50, "without": 850, "lexical=number": 50}
    densities = {"rows": rows, "edges": [-2.0, 0.0, 2.0, 4.0], "with_value": own, "without": others}
    densities["classes"] = {"lexical=number": own}
    about = {"neuron": [1, 0], "name": "lexical=number", "low": False, "description": "1:0 is high on numbers."}
    tokens = {"top": [token() for _ in range(4)], "typical": [token()], "other": []}
    return about | tokens | {"densities": densities, "alike": [{"neuron": [1, 4], "r": -0.61}]}


def latent(layer: int, aligned: int = 9) -> Record:
    share = {"property_name": "lexical", "clusters": 20, "found": 12, "aligned": aligned, "chance": 0.01,
             "chance_words": 0.2, "coverage": 0.4, "identity": 3}  # fmt: skip
    cluster = {"cluster": 4, "rows": 33, "types": 2, "words": [["self", 20], ["cls", 13]],
               "contexts": [["def f(", "self", "):"]]}  # fmt: skip
    return {
        "layer": layer, "k": 50, "moved": 0.1, "rows": {"train": 1000, "test": 900},
        "rule": {"share": 0.9, "rows": 10, "held_out": 5, "types": 2}, "aligned": [],
        "properties": [share, share | {"property_name": "naming", "aligned": 2}],
        "unlabelled": [cluster], "unlabelled_clusters": 31,
        "files": {"conceptnet": "layer-0-clusters-50.json"}, "files_reason": None,
    }  # fmt: skip


def shared(value: float) -> Record:
    return {"value": value, "interval": [value - 0.05, value + 0.05]}


def explained() -> Record:
    snippet = {"id": "17", "label": "1", "value": 3.5, "text": "def f():\n    return 1", "cut": "2 of 9 lines"}
    neurons = [
        {
            "layer": 2, "index": 9, "rank": 1, "verdict": "by loops (R² 0.41, 0.20 above length)",
            "explained_by": ["loops"], "length": shared(0.2), "together": shared(0.5),
            "label": {"r2": None, "gain": None, "values": [], "reason": "labels of pairs"},
            "properties": [{"property": "loops", "r2": shared(0.41), "gain": shared(0.2), "explains": True}],
            "values": [], "highest": [snippet], "lowest": [snippet | {"label": None, "cut": None}],
        },
        {
            "layer": 0, "index": 3, "rank": 2, "verdict": "not explained", "explained_by": [], "length": shared(0.02),
            "together": shared(0.03), "label": {"r2": shared(0.1), "gain": shared(0.05), "values": []},
            "properties": [], "values": [], "highest": [], "lowest": [],
        },
    ]  # fmt: skip
    return {
        "rule": "explained by a property: R² alone >= 0.1, all on test", "texts": {"train": 100, "test": 60},
        "groups": {"train": 90, "test": 60}, "with_errors": 0, "left_out": {}, "rare": {}, "dead": [], "notes": [],
        "neurons": neurons,
    }  # fmt: skip


def concepts() -> Record:
    """Every part has values."""
    return {
        "format": 1, "model": "models/tiny", "revision": None, "site": "mlp", "task": "token-tagging",
        "layers": LAYERS, "neurons": 300, "texts": {"read": 16, "with_errors": 1, "framed": 2},
        "tokens": {"read": 1900, "in_error": 5}, "views": {v: concept_view(v) for v in ("detect", "predict")},
        "groups": group("detect"), "evidence": {"detect": [evidence()]},
        "latent": [latent(0), latent(1, 4)], "examples": explained(), "examples_reason": None,
        "notes": ["16 source files (16 python)", "language by the endings of the files: python"],
        "options": {"language": None, "tokens": [40, 10, 20]}, "seed": 3, "seconds": {"concepts: detect": 1.5},
        "peak_rss_mb": 2048.0, "versions": {"neurosieve": "0.1.0"}, "data_hashes": {"files": "ef" * 32},
    }  # fmt: skip


def nothing(record: Record) -> None:
    """No neuron is called, and no further part has values."""
    for view in record["views"].values():
        for c in view["concepts"]:
            c["neurons"] = [found_neuron(0, 1, 0.06, claimed=False)]
    for part in ("groups", "evidence", "latent", "examples"):
        record |= {part: None, f"{part}_reason": "no property has enough rows"}


def bare(record: Record) -> None:
    """Claims alone, one view, nothing left out."""
    for part in ("groups", "evidence", "latent", "examples"):
        del record[part]
    del record["views"]["predict"]
    record["views"]["detect"] |= {"left_out": {}, "untrained_reason": "left out by untrained_seeds: 0"}


def earlier(record: Record) -> None:
    """Found by a version that had no intervals of AUROC and differences, and fewer rivals."""
    for view in record["views"].values():
        del view["untrained_reason"]
        for c in view["concepts"]:
            c["rivals"] = {"position": 0.2, "length": None, "frequency": 0.1, "lookup": c["rivals"]["lookup"]}
            for n in c["neurons"]:
                for key in ("auroc_interval", "difference", "difference_interval", "above_half", "note"):
                    n.pop(key, None)


def nameless(record: Record) -> None:
    """Groups without a set."""
    none = sharing(["a", "b"])
    none["overlaps"] |= {"pairs": [], "tested": 0, "above_chance": 0}
    none["polysemy"] = {"neurons": [300], "chance": [300.0], "most": []}
    none["spread"] = []
    record["groups"] |= {"properties": none, "values": none, "sets": record["groups"]["sets"][1:], "left_out": {}}


def hostile(record: Record) -> None:
    """Names, labels and code hold markup, scripts and control characters."""
    record |= {"model": HOSTILE, "notes": [HOSTILE, LONG]}
    for view in record["views"].values():
        view["concepts"][0] |= {"value": HOSTILE, "property_name": HOSTILE}
        view["left_out"] = {HOSTILE: HOSTILE}
    card = record["evidence"]["detect"][0]
    card |= {
        "name": HOSTILE,
        "description": HOSTILE,
        "top": [token(f"x\n{HOSTILE}\n{LONG}", HOSTILE) | {"label": HOSTILE}],
    }
    record["latent"][0]["unlabelled"][0] |= {"words": [[HOSTILE, 2]], "contexts": [[HOSTILE, HOSTILE, LONG]]}
    record["examples"]["neurons"][0]["highest"][0] |= {"id": HOSTILE, "label": HOSTILE, "text": HOSTILE + LONG}
    record["groups"] |= {"properties": sharing([HOSTILE, "role"]), "values": sharing([HOSTILE, "role"])}
    record["groups"]["sets"][0]["property"] = HOSTILE
    record["groups"]["left_out"] = {HOSTILE: HOSTILE}


VARIANTS: dict[str, Callable[[Record], None]] = {f.__name__: f for f in (nothing, bare, earlier, nameless, hostile)}


def concepts_of(variant: str) -> Record:
    record = concepts()
    if variant != "full":
        VARIANTS[variant](record)
    return copy.deepcopy(record)


KINDS: tuple[Any, ...] = ("full", *VARIANTS)
