"""`neurosieve serve`."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from neurosieve.cli.terminal import console
from neurosieve.errors import ResourceError
from neurosieve.interrupts import imported


def serve(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN [RUN…]", help="folders of runs, and of comparisons of runs")
    ],
    host: Annotated[
        str, typer.Option(help="where to listen; elsewhere than on this machine a token is asked for")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="if it is in use, the next free one is taken")] = 8765,
) -> None:
    """Look neurons, properties, sets and clusters up in a browser, and paste code. Needs the extra `serve`."""
    try:
        from neurosieve.explorer.server import serve as opened
    except ModuleNotFoundError as e:
        if e.name is None or e.name.partition(".")[0] not in ("fastapi", "starlette", "uvicorn"):
            raise
        remedy = 'pip install "neurosieve[serve]"'
        raise ResourceError("serve", expected=f"the package {e.name}", got="none", remedy=remedy) from e
    imported()  # from here on a stop leaves whole files
    served = opened(runs, host=host, port=port)
    console().print(Text(f"{served.address}\nStop with Ctrl-C."), soft_wrap=True)
    with suppress(KeyboardInterrupt):  # this is how it is stopped
        served.run()
