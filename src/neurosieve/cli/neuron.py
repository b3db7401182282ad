"""`neurosieve neuron`."""

from pathlib import Path
from typing import Annotated

import typer

from neurosieve.cli import options as o
from neurosieve.cli.output import print_result


def neuron(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run")],
    neuron: Annotated[str, typer.Argument(metavar="NEURON", help="layer:index, as tables name it")],
    as_json: o.Json = False,
) -> None:
    """Show what a run knows of one neuron: ranks, smallest sets, properties of code with their evidence, edits."""
    from neurosieve.cli.show import show_neuron
    from neurosieve.notebook.study import Study

    profile = Study(run).neuron(*_neuron_id(neuron))
    if as_json:
        print_result(profile)
    else:
        show_neuron(profile)


def _neuron_id(text: str) -> tuple[int, int]:
    layer, colon, index = text.partition(":")
    if not (colon and layer.isdecimal() and index.isdecimal()):
        raise typer.BadParameter(f"give layer:index, for example 0:39, not {text!r}", param_hint="NEURON")
    return int(layer), int(index)
