"""What is on standard error before and during long work: all of it for a person, nothing for a pipe."""

import io

import pytest

from neurosieve.progress import print_notes, track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("watched", [True, False])
def test_only_who_watches_is_told(watched: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal() if watched else io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", screen)
    print_notes(["one [x]", "two"])
    assert list(track(range(3), "work")) == [0, 1, 2]
    said = screen.getvalue()
    assert all((part in said) == watched for part in ("· one [x]", "· two", "work"))
    assert bool(said) == watched


def test_what_everybody_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A line stays one line, however long."""
    print_notes(["x y " * 50], always=True)
    assert capsys.readouterr().err.splitlines() == ["· " + "x y " * 50]
