#!/usr/bin/env bash
# Installs the lowest versions that pyproject.toml allows of what it names, and runs some tests of each room.
# torch is not lowered: earlier builds for Linux bring some gigabytes for GPUs. TORCH='torch==2.6.0' does so all the same.
set -euo pipefail
unset PYTHONPATH # a source folder there would count as installed
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
torch=${TORCH:-$(grep -o 'torch==[0-9.]*' Makefile | head -1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/tools"
"$work/tools/bin/python" -m pip --disable-pip-version-check install --quiet uv
"$python" -m venv "$work/try"
echo "$torch" >"$work/torch.txt"
"$work/tools/bin/uv" pip compile --quiet --python "$work/try/bin/python" --resolution lowest-direct --no-emit-package torch \
    --override "$work/torch.txt" --output-file "$work/lowest.txt" pyproject.toml
grep -E '^(numpy|scipy|scikit-learn|transformers|polars|pyarrow|pydantic|typer)==' "$work/lowest.txt"
pip=("$work/try/bin/python" -m pip --disable-pip-version-check install --quiet)
"${pip[@]}" "$torch"
"${pip[@]}" -r "$work/lowest.txt"
"${pip[@]}" --no-deps -e .
"${pip[@]}" pytest hypothesis beartype psutil
# Packages that these bring are the newest, and warn of what the lowest ones call: that is no error here. Left out are a
# comparison that calls scikit-learn as 1.8 has it, and a count of files of the packages that are installed.
"$work/try/bin/python" -m pytest -q -p no:cacheprovider -W default -k "not agrees_with_scikit_learn and not demo_has_files" \
    tests/cli/test_ends.py tests/data/readers tests/probes/test_solver.py tests/models/test_families.py \
    tests/storage/test_folder.py tests/studies/redundancy/test_run.py
