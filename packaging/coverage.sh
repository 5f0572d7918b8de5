#!/bin/sh
# Branch coverage of config/ and gnt/engine/ by the tests that need no lab; fails below all of it.
# Usage: packaging/coverage.sh PYTHON
set -eu
cd "$(dirname "$0")/.."
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
export COVERAGE_FILE="$data/data"
status=0
"$1" -m coverage run --rcfile=packaging/coverage.ini -m pytest -q -n 2 --dist loadfile \
	-p no:cacheprovider -m "not lab and not slow" \
	tests/config tests/engine tests/crash/test_crash.py tests/fuzz \
	tests/simulation/test_found.py tests/simulation/test_cuts.py \
	tests/hostile/test_consent.py tests/hostile/test_config.py >"$data/log" 2>&1 || status=$?
[ "$status" -eq 0 ] || { tail -n 40 "$data/log"; exit "$status"; }
"$1" -m coverage combine --rcfile=packaging/coverage.ini -q
"$1" -m coverage report --rcfile=packaging/coverage.ini
