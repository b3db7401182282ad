"""Where the parts of a command run: the options, and the engine around the command."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from neurosieve.engine.engine_choice import engine as running

NoStore = Annotated[bool, typer.Option("--no-store", help="write no activations: the model reads them each time")]


def _option(name: str, kind: Any, default: str | None, said: str) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(help=said)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_OPTIONS = (
    _option("engine", str, "local", "where parts are worked on: local, or ray (a cluster)"),
    _option(
        "workers",
        int | None,
        None,
        "processes at a time, with OMP_NUM_THREADS threads each; one, or all of a cluster",
    ),
    _option("ray_address", str | None, None, "of a Ray cluster; else RAY_ADDRESS, else one is begun here"),
)


def takes_engine(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of engines, and run it on the one that is asked for."""
    own = [p.replace(kind=p.KEYWORD_ONLY) for p in inspect.signature(command).parameters.values()]

    def wrapper(*, engine: str, workers: int | None, ray_address: str | None, **values: Any) -> None:
        with running(engine, workers=workers, address=ray_address):
            command(**values)

    parameters = [*own, *_OPTIONS]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    return wrapper
