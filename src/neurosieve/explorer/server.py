"""Opens what is to be shown, builds what lacks, and serves it on a free port."""

import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from neurosieve.errors import ConfigError, ResourceError
from neurosieve.explorer.guard import Guard
from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.web_app import Explorer, make_app
from neurosieve.progress import print_notes
from neurosieve.results.comparison import ComparisonResult
from neurosieve.studies.compare.run import COMPARISON, load_comparison

HOST, PORT = "127.0.0.1", 8765
_TRIED = 50  # ports after one that is in use
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Served:
    """A server that is ready to run.

    Attributes:
        app: With its guard.
        sock: Where it listens.
        address: What to open in a browser.
    """

    app: ASGIApp
    sock: socket.socket
    address: str

    def server(self) -> uvicorn.Server:
        """What answers, not yet running."""
        config = uvicorn.Config(
            self.app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3,
            limit_concurrency=200, proxy_headers=False,
        )  # fmt: skip
        return uvicorn.Server(config)

    def run(self) -> None:
        """Serve until it is interrupted."""
        self.server().run(sockets=[self.sock])


def serve(folders: Sequence[Path], *, host: str = HOST, port: int = PORT) -> Served:
    """Open runs and comparisons, and a port for them.

    Args:
        folders: Of runs, and of comparisons of runs.
        host: Where to listen. Elsewhere than on the loopback a token is asked for.
        port: If it is in use, the next free one is taken, and said.

    Raises:
        RunFolderError: A folder without results, or a damaged one.
        StoreError: Damaged activations.
        ResourceError: No free port; what the explorer builds cannot be written.
        ConfigError: No folder.
    """
    explorer = open_all(folders)
    sock = listening(host, port)
    own = sock.getsockname()[1]
    if port and own != port:
        print_notes([f"port {port} is in use; {own} is the next free one"], always=True)
    loopback = host in _LOOPBACK
    token = None if loopback else secrets.token_urlsafe(24)
    app = Guard(make_app(explorer), _LOOPBACK, token)
    shown = f"[{host}]" if ":" in host else host
    return Served(app, sock, f"http://{shown}:{own}/{'' if token is None else f'?token={token}'}")


def open_all(folders: Sequence[Path]) -> Explorer:
    """Runs and comparisons by the names of their folders. See `serve`."""
    if not folders:
        raise ConfigError("runs", expected="one folder or more", got="none", remedy="name the folder of a run")
    runs, comparisons, names = list[OpenRun](), dict[str, ComparisonResult](), set[str]()
    for folder in folders:
        name = _name(folder, names)
        if (folder / COMPARISON).is_file():
            comparisons[name] = load_comparison(folder)
        else:
            runs.append(OpenRun(folder, name))
    return Explorer(runs, comparisons)


def _name(folder: Path, taken: set[str]) -> str:
    """A folder's name as addresses can have it, each once."""
    plain = _UNFIT.sub("-", folder.resolve().name).strip("-") or "run"
    name = next(n for n in (plain, *(f"{plain}-{i}" for i in range(2, len(taken) + 3))) if n not in taken)
    taken.add(name)
    return name


def listening(host: str, port: int) -> socket.socket:
    """A socket on the port, or on the next free one.

    Raises:
        ResourceError: None of them is free, or the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason = ""
    for number in range(port, min(port + _TRIED, 2**16)) if port else (0,):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, number))
            sock.listen(128)
        except OSError as e:
            sock.close()
            reason = e.strerror or str(e)
        else:
            return sock
    raise ResourceError(
        f"port {port} of {host}",
        expected=f"a free one of {_TRIED} from there on",
        got=reason,
        remedy="choose another --port or --host",
    )
