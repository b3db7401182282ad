"""A local path is taken as it is written; of URLs only plain ones are taken."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neurosieve.errors import ResourceError
from neurosieve.storage.folder import Folder
from tests.tiny import assert_one_line

NAMES = (
    "a::b",
    "zip::b",
    "acts[layer=5]",
    "a*",
    "a?",
    "a b",
    "a#b",
    "a%20b",
    "~",
    "~root",
    "a\nb",
    "c:d",
    "{a,b}",
    "é",
)
LIKE_URLS = ("memory:b", "file:", "data:b")


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("name", [*NAMES, *LIKE_URLS])
@pytest.mark.parametrize("inside", ["", "runs/"])
def test_a_local_path_is_a_local_path(
    inside: str, name: str, kind: type[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = kind(inside + name if kind is Path or name != "zip::b" else f"./{name}")
    for written, data in ((f"{name}.json".replace("\n", ""), b"1"), ("x[0].json", b"2"), ("x0.json", b"3")):
        folder = Folder(given)
        folder.write(written, data)
        assert (Path(given) / written).read_bytes() == folder.read(written) == data
        assert folder.exists(written)
        assert folder.local(written) == str(tmp_path / given / written)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs" if inside and kind is Path else Path(given).parts[0]]
    assert not [p for p in Path(given).iterdir() if p.suffix == ".part"]


REFUSED: tuple[str | Path, ...] = (
    "zip::a.zip",
    "simplecache::memory://a",
    "file:///tmp/a::b",
    "memory://a[0]",
    "memory://a*/b",
    "nosuch://a",
)
REFUSED += (Path("file:///tmp/a"), Path("memory://a"), Path("simplecache::s3://bucket/a"))


@pytest.mark.parametrize("url", REFUSED)
def test_chains_and_lost_urls_are_refused(url: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResourceError) as caught:
        Folder(url)
    assert_one_line(caught.value, str(url))
    assert not list(tmp_path.iterdir())


def test_plain_urls_stay(tmp_path: Path) -> None:
    for url in ("memory://plain/folder", f"file://{tmp_path}/[0]"):
        Folder(url).write("a.json", b"1")
        assert Folder(url).read("a.json") == b"1"
    assert (tmp_path / "[0]" / "a.json").read_bytes() == b"1"


def test_one_of_many_creates_a_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: Folder(tmp_path).create("a", b"%d" % i), range(8)))
    assert sum(won) == 1
    assert (tmp_path / "a").read_bytes() == b"%d" % won.index(True)
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208


@pytest.mark.parametrize("make", ["write", "create"])
def test_a_folder_inside_a_file_is_one_line(make: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError) as caught:
        getattr(Folder(tmp_path / "file" / "run"), make)("a.json", b"1")
    assert_one_line(caught.value, "--out")
