#!/usr/bin/env bash
# Builds wheel and sdist into dist/ with the Python that is named, and refuses a wheel that is too large.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
limit=$((20 * 1000 * 1000)) # bytes

rm -rf dist build
"$python" -m pip --disable-pip-version-check install --quiet build twine
"$python" -m build --quiet --outdir dist
"$python" -m twine check --strict dist/*

wheel=$(ls dist/*.whl)
size=$(wc -c <"$wheel")
echo "$wheel: $size bytes, at most $limit allowed"
test "$size" -le "$limit"
names=$("$python" -m zipfile --list "$wheel")
for part in py.typed models/shipped/encoder/model.safetensors models/shipped/decoder/model.safetensors; do
    grep -q "neurosieve/$part" <<<"$names" || {
        echo "$wheel: expected neurosieve/$part, got none; check package-data in pyproject.toml" >&2
        exit 1
    }
done
