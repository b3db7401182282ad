#!/usr/bin/env bash
# What a new user runs first, with the neurosieve of an environment: `try.sh ENVIRONMENT FOLDER`.
set -euo pipefail
environment=$1
folder=$2
unset PYTHONPATH

mkdir -p "$folder"
cd "$folder"
"$environment/bin/python" - "$environment" <<'CHECK'
import sys
from pathlib import Path

import neurosieve

place = Path(neurosieve.__file__)
assert Path(sys.argv[1]).resolve() in place.resolve().parents, f"{place} is not of the environment"
CHECK
"$environment/bin/neurosieve" --version
"$environment/bin/neurosieve" demo --short --out demo
test -s demo/short/lexical/report.html
test -s demo/short/small/compact.json
printf '%s\n' '{"text": "x = 12", "spans": [[0, 1], [4, 6]]}' >new.jsonl
labels=$("$environment/bin/neurosieve" predict demo/short/small new.jsonl)
grep -q "\"labels\"" <<<"$labels"
