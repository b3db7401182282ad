"""The whole way in one place: run folders → each two of them → kinds of neurons over several → one page."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from neurosieve.errors import RunFolderError
from neurosieve.progress import track
from neurosieve.results.codec import from_json, to_json
from neurosieve.results.comparison import ComparisonResult
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object, write_object
from neurosieve.studies.compare.compared_run import ComparedRun, compared_runs
from neurosieve.studies.compare.pair_parts import compare_pair
from neurosieve.studies.compare.run_kinds import kinds_of
from neurosieve.studies.compare_options import CompareOptions
from neurosieve.studies.run_folder import versions
from neurosieve.typing import PathLike

COMPARISON = "compare.json"
PAGE = "compare.html"


def compare(
    runs: Sequence[PathLike], out: PathLike | None = None, options: CompareOptions | None = None
) -> ComparisonResult:
    """Compare finished runs by their stored activations alone; no model is loaded.

    Args:
        runs: Two run folders or more.
        out: Folder for `compare.json` and the page; nothing is written without one.
        options: What has to be measured, and how.

    Raises:
        ConfigError: Fewer than two runs, one twice, or a base that is none of them.
        RunFolderError: No run folder, or one without a ranking or without results.
        DataError: A part that was asked for and cannot be measured of two runs (says why).
        ResourceError: `out` cannot be written.
    """
    begin, asked = time.monotonic(), options or CompareOptions()
    result = compare_opened(compared_runs(list(runs), asked), asked)
    result = replace(result, seconds=round(time.monotonic() - begin, 2))
    if out is not None:
        _write(result, Path(out))
    return result


def compare_opened(runs: Sequence[ComparedRun], options: CompareOptions) -> ComparisonResult:
    """Each two of some runs, and kinds of neurons over those of one model. See `compare`."""
    return ComparisonResult(
        format=1,
        runs=tuple(run.side() for run in runs),
        pairs=tuple(compare_pair(a, b, options) for a, b in track(list(combinations(runs, 2)), "pairs of runs")),
        kinds=kinds_of(runs, options),
        options=options.model_dump(mode="json"),
        seconds=0.0,
        versions=versions(),
    )


def _write(result: ComparisonResult, out: Path) -> None:
    files = Folder(out)
    write_object(files, COMPARISON, to_json(result))
    files.write(PAGE, result.to_html().encode())


def load_comparison(out: PathLike) -> ComparisonResult:
    """What was written there before.

    Raises:
        RunFolderError: No comparison there, or a damaged one.
    """
    where, record = f"{out}/{COMPARISON}", read_object(Folder(out), COMPARISON)
    if record is None:
        remedy = f"run `neurosieve compare RUN RUN --out {out}`"
        raise RunFolderError(f"folder {out}", expected=f"a {COMPARISON}", got="none", remedy=remedy)
    return from_json(ComparisonResult, record, where)
