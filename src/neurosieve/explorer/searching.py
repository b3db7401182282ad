"""Search: neurons and layers by number, property values and labels by name, tokens and code by their characters."""

import re
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.views import View
from neurosieve.report.code import marked, near
from neurosieve.report.numbers import count
from neurosieve.report.tables import Table, make_table
from neurosieve.typing import NeuronId

NEURONS, WORDS, PLACES, LONGEST = 50, 30, 20, 200
_NEURON = re.compile(r"[lL]?\s*(\d{1,6})\s*[/:.,]\s*(\d{1,9})")
_LAYER = re.compile(r"[lL](?:ayer)?\s*(\d{1,6})")


class Link(NamedTuple):
    """A page that fits."""

    address: str
    text: str


def search_page(run: OpenRun, query: str) -> View:
    """What fits a query; nothing for an empty one."""
    asked = query.strip()[:LONGEST]
    links, tables, codes = list[Link](), dict[str, Table](), list[object]()
    if asked:
        links = [*_numbered(run, asked), *_named(run, asked)]
        if run.built:
            tables = _of_tokens(run, asked)
            codes = _places(run, asked)
    results = {"query": asked, "links": [link._asdict() for link in links]}
    nothing = bool(asked) and not (links or tables or codes)
    shown = {"query": asked, "links": links, "codes": codes, "nothing": nothing}
    return View(title=f"Search: {asked}" if asked else "Search", template="search.html.j2", tables=tables,
                results=results, shown=shown)  # fmt: skip


def _numbered(run: OpenRun, asked: str) -> list[Link]:
    """The neuron `4:123`, `4/123` or `L4/123`, or the layer `L4`."""
    if match := _NEURON.fullmatch(asked):
        neuron = NeuronId(int(match[1]), int(match[2]))
        there = neuron in run.grid
        return [Link(f"{run.address}/neurons/{neuron.layer}/{neuron.index}", f"neuron {neuron}")] if there else []
    if (match := _LAYER.fullmatch(asked)) and int(match[1]) < run.grid.layers:
        return [Link(f"{run.address}/layers/{int(match[1])}", f"layer {int(match[1])}")]
    return []


def _named(run: OpenRun, asked: str) -> list[Link]:
    """Property values with the query in their name."""
    names = sorted(name for name in run.values if asked.casefold() in name.casefold())
    return [Link(f"{run.address}/properties/{quote(name, safe='=')}", name) for name in names[:WORDS]]


def _of_tokens(run: OpenRun, asked: str) -> dict[str, Table]:
    """Tokens that hold the query, and neurons whose strongest or weakest token is one of those."""
    built = run.columns()
    words = built.rows.words
    same = [i for i, word in enumerate(words) if word == asked]
    some = same or [i for i, word in enumerate(words) if asked in word]
    if not some:
        return {}
    is_one = built.rows.rows_of_words(some)
    neurons = []
    for layer in range(run.grid.layers):
        for name in ("strongest", "weakest"):
            for index in np.flatnonzero(is_one[built.columns.values_at(layer, name)])[:NEURONS].tolist():
                word = built.rows.token(int(built.columns.values_at(layer, name)[index]))
                neurons.append((f"{layer}:{index}", name, word))
    rows = [(words[i], count(int(built.rows.rows_of_words([i]).sum()))) for i in some[:WORDS]]
    heads = ("neuron", "its token is its", "token")
    tables = {
        "tokens": make_table("Tokens", ("token", "held-out rows"), rows),
        "neurons": make_table("Neurons with such a token at an end", heads, neurons[:NEURONS]),
    }
    return {name: table for name, table in tables.items() if table.rows}


def _places(run: OpenRun, asked: str) -> list[object]:
    """Code that holds the query, in its lines."""
    rows, found = run.columns().rows, list[object]()
    for example, start in rows.places_of(asked, PLACES):
        text = rows.text_of(example)
        line = text.count("\n", 0, start) + 1
        code = marked(*near(text, start, start + len(asked)))
        found.append({"head": f"{rows.names.texts[example]}, line {line}", "code": code})
    return found
