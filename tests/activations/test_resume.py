"""An extraction that was killed, or met a full disk, goes on to the same store; one of another call does not."""

import errno
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fsspec.implementations.local import LocalFileSystem

from neurosieve.activations import ActivationStore, ExtractionOptions, extract
from neurosieve.errors import NeurosieveError, ResourceError
from neurosieve.models import CodeModel
from neurosieve.typing import SPLITS
from tests.tiny import assert_one_line, tiny_dataset, tiny_loaded, tiny_sample

MANY_SHARDS = ExtractionOptions(dtype="float32", batch_tokens=64, shard_bytes=1)


def run(folder: Path, options: ExtractionOptions = MANY_SHARDS, name: str = "roberta") -> ActivationStore:
    return extract(tiny_loaded(name), tiny_dataset(), tiny_sample(), folder, options)


def digests(store: ActivationStore) -> list[str]:
    return [s[k] for s in store.manifest.shards for k in ("sha256", "rows_sha256")]


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls, right = [0], CodeModel.states

    def counted(self: CodeModel, *inputs: Any) -> tuple[torch.Tensor, ...]:
        calls[0] += 1
        return right(self, *inputs)

    monkeypatch.setattr(CodeModel, "states", counted)
    return calls


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("where", ["write", "save_manifest"])
def test_killed_run_goes_on(after: int, where: str, tmp_path: Path) -> None:
    """Killed before a shard, or between its files and the manifest: the next run ends with the same store."""
    whole = run(tmp_path / "whole")
    count = len(whole.manifest.shards)
    right, passed = getattr(ActivationStore, where), [0]
    passes = after if where == "write" else after + 1  # the first manifest is written before any shard

    def killed(self: ActivationStore, *args: Any) -> Any:
        if passed[0] == passes:
            raise KeyboardInterrupt
        passed[0] += 1
        return right(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ActivationStore, where, killed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "store")
    begun = ActivationStore(tmp_path / "store")
    assert count > 4
    assert (len(begun.manifest.shards), begun.manifest.complete) == (after, False)
    times = [(tmp_path / "store" / s["values"]).stat().st_mtime_ns for s in begun.manifest.shards]
    with pytest.MonkeyPatch.context() as patch:
        calls = count_calls(patch)
        store = run(tmp_path / "store")
    assert calls[0] == count - after  # one batch a shard: finished ones are not read again
    assert times == [(tmp_path / "store" / s["values"]).stat().st_mtime_ns for s in begun.manifest.shards]
    assert digests(store) == digests(whole)
    assert store.manifest == whole.manifest
    store.verify()


def test_finished_store_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path)
    calls = count_calls(monkeypatch)
    assert run(tmp_path).manifest == whole.manifest
    assert calls == [0]


@pytest.mark.parametrize("changed", ["model", "options", "sample"])
def test_another_run_does_not_go_on_here(changed: str, tmp_path: Path) -> None:
    """A store that another model, other options or other rows began is not taken for this call's own."""
    run(tmp_path)
    rows = replace(tiny_sample(), rows=tiny_sample().rows.select(np.arange(0, len(tiny_sample().rows), 2)))
    with pytest.raises(NeurosieveError) as caught:
        extract(
            tiny_loaded("bert" if changed == "model" else "roberta"),
            tiny_dataset(),
            rows if changed == "sample" else tiny_sample(),
            tmp_path,
            replace(MANY_SHARDS, pooling="last") if changed == "options" else MANY_SHARDS,
        )
    assert_one_line(caught.value, str(tmp_path))


def test_leftover_parts_do_no_harm(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    (tmp_path / "store").mkdir()
    for name in ("manifest.json", "shard-00000.safetensors", "rows-00001.parquet"):
        (tmp_path / "store" / f".{name}.part").write_bytes(b"half a fi")
    store = run(tmp_path / "store")
    assert digests(store) == digests(whole)
    assert not list((tmp_path / "store").glob(".*.part"))
    ActivationStore(tmp_path / "store").verify()


@pytest.mark.parametrize("after", [0, 1, 4])
def test_full_disk_is_one_line_and_the_run_goes_on(after: int, tmp_path: Path) -> None:
    right, opened = LocalFileSystem.open, [0]

    def full(self: LocalFileSystem, path: str, mode: str = "rb", **kwargs: Any) -> io.IOBase:
        if "w" in mode:
            if opened[0] == after:
                raise OSError(errno.ENOSPC, "No space left on device")
            opened[0] += 1
        file: io.IOBase = right(self, path, mode, **kwargs)
        return file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalFileSystem, "open", full)
        with pytest.raises(ResourceError) as caught:
            run(tmp_path / "store")
    assert_one_line(caught.value, str(tmp_path / "store"), "No space left on device", "free some space")
    assert digests(run(tmp_path / "store")) == digests(run(tmp_path / "whole"))


def test_out_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError) as caught:
        run(tmp_path / "file")
    assert_one_line(caught.value, str(tmp_path / "file"))


def test_extraction_to_memory(tmp_path: Path) -> None:
    whole = run(tmp_path)
    store = extract(tiny_loaded("roberta"), tiny_dataset(), tiny_sample(), f"memory://{tmp_path.name}/s", MANY_SHARDS)
    assert digests(store) == digests(whole)
    assert torch.equal(store.read("test").values, whole.read("test").values)
    store.verify()


def test_store_begun_in_shards_of_another_cut_goes_on(tmp_path: Path) -> None:
    """Shards say how many rows they hold: what is left is read, however those before were cut."""
    whole = run(tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurosieve.activations.windows._CALL", -1)
        right, passed = ActivationStore.add, [0]

        def killed(self: ActivationStore, *args: Any) -> None:
            if passed[0] == 3:
                raise KeyboardInterrupt
            passed[0] += 1
            right(self, *args)

        patch.setattr(ActivationStore, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "store")
    store = run(tmp_path / "store")
    assert [s["count"] for s in store.manifest.shards] != [s["count"] for s in whole.manifest.shards]
    for split in SPLITS:
        assert store.table(split).equals(whole.table(split))
        torch.testing.assert_close(store.read(split).values, whole.read(split).values, rtol=1e-4, atol=1e-5)
