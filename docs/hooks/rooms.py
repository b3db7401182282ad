"""The rooms of the package, their order, and a drawing of who imports whom, made when the site is built."""

import ast
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2] / "src" / "neurosieve"
MARK = "<!-- rooms -->"
# A room imports its own modules and rooms of earlier lines. A room inside another is a line of its own.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("choices", "interrupts", "printing", "renamed", "threads", "callable_package"),
    ("parts",),
    ("errors", "typing", "progress", "defaults"),
    ("storage", "syntax", "results"),
    ("data",),
    ("data.readers",),
    ("data.corpora",),
    ("models",),
    ("activations",),
    ("activations.foreign",),
    ("statistics",),
    ("probes",),
    ("rankings",),
    ("redundancy",),
    ("comparison",),
    ("concepts.properties",),
    ("concepts",),
    ("concepts.neurons",),
    ("concepts.sparse",),
    ("concepts.evidence", "concepts.sets", "concepts.latent", "concepts.texts"),
    ("interventions",),
    ("interventions.effects", "finetuning", "compact", "modules"),
    ("report",),
    ("engine",),
    ("studies",),
    ("studies.redundancy",),
    ("studies.concepts",),
    ("studies.interventions", "studies.finetune", "studies.export", "studies.compare", "studies.columns"),
    ("studies.modules",),
    ("notebook", "testing"),
    ("explorer",),
    ("",),  # the package itself
    ("cli", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(ROOMS) for name in names}

# Inside a function alone: results that show themselves load what writes and draws where they do.
LATE = {
    (f"results.{name}", "report")
    for name in (
        "redundancy",
        "concepts",
        "interventions",
        "neuron_profile",
        "code_reading",
        "cost",
        "export",
        "modules",
        "comparison",
        "comparison_pairs",
    )
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What mkdocs calls for every page: the mark is replaced by the drawing."""
    return markdown.replace(MARK, drawing()) if MARK in markdown else markdown


def module_of(path: Path) -> str:
    """The dotted name below the package: `data.readers.files`; an `__init__` has its package's."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def room_of(module: str) -> str:
    """The innermost room that holds a module."""
    parts = module.split(".")
    return next((r for n in range(len(parts), 0, -1) if (r := ".".join(parts[:n])) in RANK), "")


@cache
def imported_modules(path: Path) -> tuple[tuple[int, str], ...]:
    """Line and dotted name of each import of the package's own modules, but for those of `LATE` inside functions."""
    return tuple(_imported(ast.parse(path.read_text(encoding="utf-8"), str(path)), path))


def _imported(tree: ast.Module, path: Path) -> Iterator[tuple[int, str]]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno}: relative import")
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if is_module(name) else str(node.module) for name in full]
        for name in names:
            if name == "neurosieve" or name.startswith("neurosieve."):
                module = name.removeprefix("neurosieve").removeprefix(".")
                if id(node) not in inner or (module_of(path), room_of(module)) not in LATE:
                    yield getattr(node, "lineno", 0), module


def is_module(name: str) -> bool:
    """Is there a module or package of this dotted name?"""
    path = SOURCE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports() -> dict[str, set[str]]:
    """The rooms that each room imports, itself and the package's own names left out."""
    found: dict[str, set[str]] = {room: set() for room in RANK if room not in ("", "__main__")}
    for path in SOURCE.rglob("*.py"):
        if (own := room_of(module_of(path))) in found and path.name != "__init__.py":
            found[own] |= {room for _, name in imported_modules(path) if (room := room_of(name)) in found} - {own}
    return found


def direct(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Only the edges that no longer way replaces."""

    @cache
    def below(room: str) -> set[str]:
        return graph[room].union(*map(below, graph[room]))

    return {room: {r for r in near if not any(r in below(o) for o in near - {r})} for room, near in graph.items()}


def drawing() -> str:
    """An SVG: a row a rank, a line from each room to those that it builds on."""
    graph = direct(imports())
    rows = [names for rank in ROOMS if (names := [name for name in rank if name in graph])]
    place = {
        name: (int(720 * (i + 0.5) / len(names)), 24 + 52 * y)
        for y, names in enumerate(rows)
        for i, name in enumerate(names)
    }
    lines = "".join(
        f'<path d="M{place[a][0]} {place[a][1] - 12} L{place[b][0]} {place[b][1] + 12}"/>'
        for a, near in graph.items()
        for b in sorted(near)
    )
    boxes = "".join(
        f'<rect x="{x - 80}" y="{y - 12}" width="160" height="24" rx="4" fill="none" stroke="currentColor"/>'
        f'<text x="{x}" y="{y + 4}">{escape(name)}</text>'
        for name, (x, y) in place.items()
    )
    height = 52 * len(rows)
    return (
        f'<svg viewBox="0 0 720 {height}" role="img" aria-label="Rooms and what they import" font-size="12" '
        f'text-anchor="middle" fill="currentColor"><g stroke="currentColor" opacity="0.4">{lines}</g>{boxes}</svg>'
    )
