"""Names of the model hub: what is asked once, what is said where it has no answer, and the copy on the disk."""

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub.constants
import pytest
from huggingface_hub.errors import GatedRepoError, RemoteEntryNotFoundError, RepositoryNotFoundError

from neurosieve.errors import ModelError
from neurosieve.models import hub, load_model
from neurosieve.models.hub import source_of
from tests.tiny import assert_one_line, tiny_model

NAME, REVISION = "some-org/some-model", "0123456789abcdef0123456789abcdef01234567"


def answered(kind: type[Exception]) -> Exception:
    """An error as the client raises it, without a request."""
    return kind.__new__(kind)


def answers(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> list[str]:
    """The hub's answer to each question; returns the list of what it was asked."""
    asked: list[str] = []

    def answer(url: str, **_: Any) -> Any:
        asked.append(url)
        if error is not None:
            raise error
        return SimpleNamespace(commit_hash=REVISION)

    monkeypatch.setattr(hub, "get_hf_file_metadata", answer)
    return asked


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / f"models--{NAME.replace('/', '--')}"


@pytest.mark.parametrize("error", [None, GatedRepoError, RemoteEntryNotFoundError])
def test_what_the_hub_has_is_left_to_transformers(
    error: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, answered(error) if error else None)
    assert source_of(NAME) == (NAME, None if error else REVISION)
    assert asked == [f"https://huggingface.co/{NAME}/resolve/main/config.json"]


def test_misspelt_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, answered(RepositoryNotFoundError))
    with pytest.raises(ModelError) as caught:
        load_model(NAME)
    assert_one_line(caught.value, f"model {NAME}", "nor a model on the hub", "check the name")
    assert len(asked) == 1


def test_folder_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = answers(monkeypatch, OSError())
    assert source_of(str(tmp_path)) == (str(tmp_path), None)
    assert not asked


@pytest.mark.parametrize("name", ["a b", "-model", "mo..del"])
def test_no_name_of_the_hub(name: str) -> None:
    """It is not asked."""
    with pytest.raises(ModelError) as caught:
        source_of(name)
    assert_one_line(caught.value, f"model {name}", "nor a model on the hub")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("error", [OSError("no route"), TimeoutError(), socket.gaierror(-2, "Name unknown")])
def test_no_network(error: Exception, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """One question, one line, and nothing of transformers beside it."""
    asked = answers(monkeypatch, error)
    with pytest.raises(ModelError) as caught:
        load_model(NAME)
    reason = str(error) or type(error).__name__
    assert_one_line(caught.value, f"model {NAME}", "no answer of the hub", reason, "--model at a local folder")
    assert len(asked) == 1
    assert capfd.readouterr() == ("", "")


def test_port_where_nobody_answers(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """The client itself is used, with its own classes of errors."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(hub, "hf_hub_url", lambda name, file: f"http://127.0.0.1:{port}/{name}/{file}")
    with pytest.raises(ModelError) as caught:
        source_of(NAME)
    assert_one_line(caught.value, "no answer of the hub", "refused")
    assert not cache.exists()


def test_copy_on_the_disk_is_read_without_network(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text(REVISION)
    copy = Path(shutil.copytree(tiny_model("bert"), cache / "snapshots" / REVISION))
    asked = answers(monkeypatch, OSError("no route"))
    model = load_model(NAME, device="cpu")
    assert (model.name, model.revision) == (NAME, REVISION)
    assert len(asked) == 1
    assert source_of(NAME) == (str(copy), REVISION)
