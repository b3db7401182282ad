#!/usr/bin/env bash
# Builds the wheel and tries it with the packages of .venv, in an environment that does not see this source.
set -euo pipefail
unset PYTHONPATH # a source folder there would count as installed
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3=$root/.venv/bin/python
"$python3" -m venv "$work/build"
packaging/build.sh "$work/build/bin/python"

"$python3" -m venv "$work/try"
"$work/try/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps dist/*.whl
# Packages of .venv are seen by their folder; its own links to this source are not, as only folders of sites have those.
"$python3" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' \
    >"$("$work/try/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/others.pth"
packaging/try.sh "$work/try" "$work/demo"
