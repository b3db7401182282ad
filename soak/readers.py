"""Readers of files against random and mutated bytes: rows, or an error of ours; no crash, no endless wait."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.activations.foreign.test_importing import write

from neurosieve.activations.foreign.importing import import_activations
from neurosieve.activations.store import ActivationStore
from neurosieve.data import read_examples, read_tagging
from neurosieve.errors import NeurosieveError
from neurosieve.storage.yaml_text import parse_yaml
from soak.children import child
from soak.inputs import _conll, _lines, _parquet, _table
from soak.outcome import Amount, Outcome

_WORDS = ["{", "}", "[", "]", '"', "\\u", "\\ud800", ":", ",", "null", "1e999", "-", "code", "spans", "\n", "\r", "\t"]
_WORDS += [
    "\0",
    "\x1b",
    "é",
    "\u2028",
    '""',
    "# text =",
    "1-2",
    "N",
    "&a",
    "*a",
    "!!python/name:os",
    "- ",
    "? ",
    "|",
    ">",
]
TEXT = st.lists(st.sampled_from(_WORDS) | st.text(max_size=4), max_size=40).map(
    lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
)
Read = Callable[[Path, bytes], object]


def _in_place(make: Callable[[Path], Path], name: str, read: Callable[[Path], object]) -> Read:
    """Other bytes in the place of a whole file's."""

    def act(home: Path, data: bytes) -> object:
        place = home if (home / name).exists() else make(home)
        (place / name).write_bytes(data)
        return read(place)

    return act


def _of_yaml(home: Path, data: bytes) -> object:
    del home
    try:
        return parse_yaml(data)
    except ValueError:
        return None


def _foreign(ending: str) -> Read:
    def act(home: Path, data: bytes) -> object:
        if not (home / f"x{ending}").exists():
            write(home, "x", ending)
        (home / f"x{ending}").write_bytes(data)
        shutil.rmtree(home / "store", ignore_errors=True)
        return import_activations(home / f"x{ending}", home / "store")

    return act


def _store(home: Path, data: bytes) -> object:
    if not (home / "store").exists():
        import_activations(write(home, "x", ".npy"), home / "store")
    (home / "store" / "shard-00000.safetensors").write_bytes(data)
    return ActivationStore(home / "store").read("train")


def _columns(place: Path) -> object:
    return read_examples(place, text="code", label="label")


TEXTS: dict[str, Read] = {
    "JSONL": _in_place(_lines, "train.jsonl", read_tagging),
    "CSV": _in_place(_table, "train.csv", _columns),
    "CoNLL": _in_place(_conll, "train.conll", read_tagging),
    "YAML": _of_yaml,
}
BINARIES: dict[str, tuple[Read, Callable[[Path], bytes]]] = {
    "parquet": (
        _in_place(_parquet, "train.parquet", _columns),
        lambda home: (_parquet(home) / "train.parquet").read_bytes(),
    ),
    "HDF5": (_foreign(".hdf5"), lambda home: write(home, "x", ".hdf5").read_bytes()),
    "npy": (_foreign(".npy"), lambda home: write(home, "x", ".npy").read_bytes()),
    "safetensors": (_foreign(".safetensors"), lambda home: write(home, "x", ".safetensors").read_bytes()),
    "safetensors of a store": (_store, lambda home: write(home, "x", ".safetensors").read_bytes()),
}


def readers(home: Path, amount: Amount) -> list[Outcome]:
    """2,000 texts for each format of text, 300 mutations for each binary one; short: 40 and 10."""
    texts, binaries = amount.times(2000, 40), amount.times(300, 10)
    found = [_fuzzed(name, home, lambda h, r=read: _texts(r, h, texts), texts) for name, read in TEXTS.items()]  # type: ignore[misc]
    for name, (read, whole) in BINARIES.items():
        act = lambda h, r=read, w=whole: _mutations(r, w, h, binaries)  # noqa: E731
        found.append(_fuzzed(name, home, act, binaries))
    return found


def _fuzzed(name: str, home: Path, act: Callable[[Path], None], count: int) -> Outcome:
    """In a process of its own, as a library may crash it."""
    place = home / name.replace(" ", "-")
    place.mkdir(parents=True)
    ended = child(lambda: act(place), limit=600)
    outcome = Outcome("readers", f"fuzzed {name}", tried=count)
    if ended.code:
        outcome.lost.append(f"code {ended.code}: {ended.text.strip()[-1500:]}")
    return outcome


def _tried(read: Read, home: Path, data: bytes) -> None:
    try:
        read(home, data)
    except NeurosieveError as e:
        if "\n" in str(e) or "\x1b" in str(e):
            raise AssertionError(f"more than one plain line: {e!r}") from e


def _texts(read: Read, home: Path, count: int) -> None:
    @seed(23)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=TEXT | st.binary(max_size=200))
    def run(data: bytes) -> None:
        _tried(read, home, data)

    run()


def _mutations(read: Read, whole: Callable[[Path], bytes], home: Path, count: int) -> None:
    rng, data = random.Random(24), whole(home)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 1, 4, 30])):
            # Headers and footers decide what a library does: half of the changes are there.
            edge = rng.random() < 0.5
            place = rng.randrange(min(len(data), 400)) if edge else rng.randrange(len(data))
            changed[place if rng.random() < 0.5 else -1 - place] = rng.randrange(256)
        _tried(read, home, bytes(changed[: rng.randrange(len(data))] if rng.random() < 0.1 else changed))
