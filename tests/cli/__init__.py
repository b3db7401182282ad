"""The command line in this process: what it prints, and the code it ends with."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from neurosieve.cli import main
from tests.studies import EACH, FEW, LOOSE, SMALL, data_folder
from tests.tiny import tiny_model

_KEYS = EACH | LOOSE | SMALL
SET = [part for key, value in _KEYS.items() for part in ("--set", f"{key}={value}")]


class Ended(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ended:
    """Run a command to its end."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    captured = capsys.readouterr()
    return Ended(int(caught.value.code or 0), captured.out, captured.err)


def options(**changes: str | Path | None) -> list[str]:
    """The options of the quick study; None leaves one out."""
    values: dict[str, str | Path | None] = {"model": tiny_model("bert"), "data": data_folder()}
    values |= {"rows": ",".join(map(str, FEW.values())), "device": "cpu"}
    given = [(f"--{k.replace('_', '-')}", str(v)) for k, v in (values | changes).items() if v is not None]
    return [part for pair in given for part in pair] + SET


def one_line_error(ended: Ended, *parts: str, code: int = 1) -> str:
    """A refusal: one line on standard error, nothing on standard output, no traceback."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert ended.err.endswith("\n")
    assert ended.err.count("\n") == 1, ended.err
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err
    for part in parts:
        assert part in ended.err, f"{part!r} not in {ended.err!r}"
    return ended.err
