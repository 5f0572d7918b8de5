#!/bin/sh
# Builds the native code of a copy of this checkout with the address and undefined-behaviour
# sanitizers, and runs the tests of kernels and loaders with it.  Usage: sanitize.sh PYTHON [TESTS]
set -eu
python=$(realpath -s "$1")
shift
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z -- commands config gnt htools_ext ssh tests setup.py pyproject.toml README.md |
  tar --null --files-from=- --create | tar --extract --directory="$copy"
cd "$copy"
for name in commands ssh config htools_ext; do ln -sfn "../$name" "gnt/$name"; done
flags='-O1 -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all'
GNT_CFLAGS=$flags LDFLAGS='-fsanitize=address,undefined' "$python" setup.py -q build_ext --inplace \
  >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
[ $# -gt 0 ] || set -- tests/htools/test_bounds.py tests/htools/test_bad_input.py \
  tests/htools/test_extremes.py tests/htools/test_kernels.py tests/htools/test_search.py \
  tests/htools/test_text.py tests/htools/test_report.py tests/htools/test_place.py \
  tests/htools/test_whatif.py tests/config/test_canon.py tests/fuzz/test_fuzz.py
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=$copy PYTHONMALLOC=malloc \
  "$python" -m pytest -q -p no:cacheprovider -x -m "not lab" \
  -k "not fuzz or htools or iallocator or toml" "$@"
