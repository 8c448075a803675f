#!/usr/bin/env bash
# make_prebuilt.sh CHECKOUT: the native libraries of a checkout, into prebuilt/, so that no device time goes into compiling.
# Needs nvcc 13.0, a C++ compiler, and a Python 3.12 (PYTHON) with torch 2.11, setuptools, pybind11 and ninja; about two minutes
# on two cores. run.sh takes them only where they were built from the very sources that it is given, and builds anew otherwise.
# A file prebuilt/variant/*.patch, where there is one, is applied for a second CUDA library, which the stage `variant` times.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$1" && pwd)
PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PREBUILT=0 "$PYTHON" "$here/lib/prepare.py" "$checkout" "$work/zoo" none
build() {  # FOLDER
  (cd "$1" && ZOO_NATIVE=cuda ZOO_CUDA_ARCHITECTURES=90 "$PYTHON" setup.py -q build_ext --inplace)
}
build "$work/zoo"
mkdir -p "$here/prebuilt/variant"
cp "$work"/zoo/zoo/_native/{cpu.abi3.so,cuda.abi3.so,build.json} "$work"/zoo/zoo/_host*.so "$here/prebuilt/"
"$PYTHON" -c "import sys; sys.path.insert(0, '$here/lib'); from pathlib import Path; import prepare; print(prepare.sources(Path('$checkout')))" >"$here/prebuilt/SOURCES.sha256"
rm -f "$here/prebuilt/variant/cuda.abi3.so"
for patch in "$here"/prebuilt/variant/*.patch; do
  [ -e "$patch" ] || continue
  (cd "$work/zoo" && patch -p1 <"$patch")
  build "$work/zoo"
  cp "$work/zoo/zoo/_native/cuda.abi3.so" "$here/prebuilt/variant/"
done
ls -l "$here/prebuilt" "$here/prebuilt/variant"
