"""Compact models of one label each in one folder, which decide together: the label of the highest log-odds wins.

Each module keeps its own folder, depth and tokenizer, so that one can be taken out or put in without a byte of the
others changing; the models may differ, as each reads the texts by itself.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from neurosieve.compact.building import write_record
from neurosieve.compact.compact_spec import COMPACT, TOKENIZER, CompactSpec, file_hash, read_spec
from neurosieve.errors import ModelError
from neurosieve.storage.whole_folder import whole_folder
from neurosieve.typing import PathLike

_ALIKE = ("whole", "sides", "joint")


def rest_of(label: str) -> str:
    """What a module calls all that is not its label."""
    return f"not {label}"


def folder_of(label: str) -> str:
    """Where a composition keeps the module of a label."""
    return f"module-{quote(label, safe='')}"


def compose_modules(parts: Sequence[PathLike], out: PathLike) -> CompactSpec:
    """Write exported modules into one folder, which `load_compact` reads as one model.

    Args:
        parts: Folders of modules, of any runs and models, one a label.
        out: New or empty.

    Raises:
        ModelError: A folder that holds no module, two of one label, fewer than two, or units of another kind.
        RunFolderError: No export in a folder, or one that was changed; something in `out`.
    """
    specs = [read_spec(part) for part in parts]
    _check(parts, specs)
    with whole_folder(out) as folder:
        for part, spec in zip(parts, specs, strict=True):
            shutil.copytree(part, folder / folder_of(spec.labels[1]))
        composed = composed_spec(folder, [spec.labels[1] for spec in specs])
        write_record(folder, composed)
    return composed


def composed_spec(folder: Path, labels: Sequence[str]) -> CompactSpec:
    """The spec of modules that were written into a folder; the first one's tokenizer is put next to them."""
    names = [folder_of(label) for label in labels]
    specs = [read_spec(folder / name) for name in names]
    for file in sorted((folder / names[0]).glob("*token*.json")):
        shutil.copy(file, folder / file.name)
    neurons = dict.fromkeys(neuron for spec in specs for neuron in spec.neurons)
    one_model = len({(spec.model, spec.revision) for spec in specs}) == 1
    return replace(
        specs[0],
        form="modules",
        model=specs[0].model if one_model else "several",
        revision=specs[0].revision if one_model else None,
        labels=tuple(labels),
        blocks=max(spec.blocks for spec in specs),
        neurons=tuple(neurons) if one_model else (),
        tokenizer_sha256=file_hash(folder, TOKENIZER),
        files={f"{name}/{COMPACT}": file_hash(folder, f"{name}/{COMPACT}") for name in names},
        modules=tuple(names),
    )


def _check(parts: Sequence[PathLike], specs: Sequence[CompactSpec]) -> None:
    for part, spec in zip(parts, specs, strict=True):
        if len(spec.labels) != 2 or spec.labels[0] != rest_of(spec.labels[1]):
            got = f"a model of {', '.join(spec.labels)}"
            remedy = "give folders that `neurosieve modules RUN --out` wrote"
            raise ModelError(f"model in {part}", expected="a module of one label", got=got, remedy=remedy)
    labels = [spec.labels[1] for spec in specs]
    if len(set(labels)) < max(2, len(labels)):
        got = ", ".join(labels) or "none"
        raise ModelError("modules", expected="two or more, each of another label", got=got, remedy="give others")
    for part, spec in zip(parts, specs, strict=True):
        if unlike := [key for key in _ALIKE if getattr(spec, key) != getattr(specs[0], key)]:
            raise ModelError(
                f"module in {part}",
                expected=f"units of the kind of {specs[0].labels[1]}'s",
                got=f"another kind ({unlike[0]}: {getattr(spec, unlike[0])})",
                remedy="compose modules of one kind of task",
            )
