#!/usr/bin/env bash
# Wheel and sdist: built, checked, each installed into an empty environment and tried there as a new user would.
set -euo pipefail
unset PYTHONPATH # a source folder there would count as installed
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/build"
packaging/build.sh "$work/build/bin/python"
torch=$(grep -o 'torch==[0-9.]*' Makefile | head -1)
for file in dist/*.whl dist/*.tar.gz; do
    echo "== $file"
    "$python" -m venv "$work/try"
    pip=("$work/try/bin/python" -m pip --disable-pip-version-check install --quiet -c constraints.txt)
    "${pip[@]}" "$torch"
    "${pip[@]}" "$file"
    packaging/try.sh "$work/try" "$work/demo"
    rm -rf "$work/try" "$work/demo"
done
echo "ready: $(ls dist | tr '\n' ' ')"
