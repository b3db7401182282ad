"""Where the parts of a command run: the options, and the engine around the command."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from neurosieve.engine.choosing import engine

NoStore = Annotated[bool, typer.Option("--no-store", help="write no activations: the model reads them each time")]
_OPTIONS: dict[str, Any] = {
    "engine": Annotated[str, typer.Option(help="where parts are worked on: local, or ray (a cluster)")],
    "workers": Annotated[
        int | None,
        typer.Option(help="processes at a time, with OMP_NUM_THREADS threads each; one, or all of a cluster"),
    ],
    "ray_address": Annotated[
        str | None, typer.Option(help="of a Ray cluster; else RAY_ADDRESS, else one is begun here")
    ],
}


def takes_engine(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of engines, and run it on the one that is asked for."""
    own = list(inspect.signature(command).parameters.values())
    kinds = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default="local" if name == "engine" else None, annotation=kind
        )
        for name, kind in _OPTIONS.items()
    ]

    def wrapper(**values: Any) -> None:
        asked = {name: values.pop(name) for name in _OPTIONS}
        with engine(asked["engine"], workers=asked["workers"], address=asked["ray_address"]):
            command(**values)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + kinds
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    return wrapper
