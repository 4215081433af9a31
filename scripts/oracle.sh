#!/usr/bin/env bash
# Holds the library against the real torch and safetensors: makes every case of the corpus anew with them, checks that
# the committed fixtures are what they make, and converts all of it.
#
# Prepares what it needs in .oracle/. Where there is no Python or torch cannot be installed it says so and skips; in CI
# (CI=true) that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

work=.oracle
python=$work/venv/bin/python

skip() {
  if [ "${CI:-}" = true ]; then
    echo "oracle: $1" >&2
    exit 1
  fi
  echo "oracle: skipped, $1"
  exit 0
}

command -v python3 >/dev/null || skip "python3 is not installed"
mkdir -p "$work"
if ! "$python" -c 'import torch, safetensors, numpy, transformers' 2>/dev/null; then
  python3 -m venv "$work/venv" || skip "python3 cannot make a virtual environment"
  "$python" -m pip install --quiet --retries 0 -r test/oracle/requirements.txt 2>"$work/pip.log" ||
    skip "torch could not be installed (see $work/pip.log)"
fi
# Others need the Python alone.
if [ "${1:-}" = --prepare ]; then exit 0; fi
command -v zip >/dev/null || skip "the program zip is not installed"

rm -rf "$work/cases" "$work/fixtures" "$work/real"
"$python" test/oracle/generate.py --out "$work/cases" >"$work/generate.log"
tail -n 1 "$work/generate.log"

# The committed fixtures must be what the tools make today.
"$python" test/oracle/generate.py --fixtures --out "$work/fixtures" >/dev/null
diff -r "$work/fixtures" test/fixtures/oracle
echo "oracle: the committed fixtures are what torch and safetensors make"

"$python" test/oracle/convert_real.py ../shared/real "$work/real"
npx vitest run --config vitest.oracle.config.ts "$@"

# Tied tensors: what a conversion keeps is what the models look up.
"$python" test/oracle/load_tied.py dist/cli.js 2>/dev/null | sed 's/^/oracle: /'
