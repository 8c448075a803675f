#!/usr/bin/env bash
# What zoo's CUDA side does on a machine with an NVIDIA GPU, in one go of a few minutes. README.md beside this says more.
#
#   run.sh CHECKOUT [STAGE …]
#
# Stages, in this order, all but the last two by default:
#   facts smoke probes tests large sanitize train ops steps compiled | variant autotune
# A stage that fails or runs out of time hinders no other. Numbers are written as they come. Ends with 1 where a stage failed.
#
#   OUT      where results go (./gpu_out)          LIMIT    seconds for everything (400)
#   PYTHON   the interpreter that has torch            WORK     where it builds (/tmp/zoo_gpu)
#   PREBUILT 0: build the native libraries here even where those beside this script fit the checkout
#   BUILD    1: also build them here in the background, to know how long that takes (the default)
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 1 ] || { sed -n '2,14p' "${BASH_SOURCE[0]}"; exit 2; }
checkout=$(cd "$1" && pwd) || exit 2
shift
stages=${*:-facts smoke probes tests large sanitize train ops steps compiled}

began=$(date +%s)
LIMIT=${LIMIT:-400}
export OUT=${OUT:-$PWD/gpu_out} WORK=${WORK:-/tmp/zoo_gpu}
PYTHON=${PYTHON:-$(command -v python3)}
mkdir -p "$OUT" "$WORK" && OUT=$(cd "$OUT" && pwd) && WORK=$(cd "$WORK" && pwd)
log=$OUT/log.txt summary=$OUT/summary.txt
export RESULTS=$OUT/results.jsonl DETAILS=$WORK/details
mkdir -p "$DETAILS"
: >"$log"; : >"$summary"; : >"$RESULTS"; : >"$WORK/failed"

export PATH=$(dirname "$PYTHON"):$PATH
command -v nvcc >/dev/null || export PATH=$PATH:/usr/local/cuda/bin
command -v compute-sanitizer >/dev/null || export PATH=$PATH:/usr/local/cuda/bin:/usr/local/cuda/compute-sanitizer
cores=$(nproc)
export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 COLUMNS=160
export CUBLAS_WORKSPACE_CONFIG=:4096:8   # torch reads it with the first product of a process, whoever asks for determinism later
export ZOO_CACHE=$WORK/cache TORCHINDUCTOR_CACHE_DIR=$WORK/inductor TRITON_CACHE_DIR=$WORK/triton
site=$WORK/site tree=$WORK/zoo
[ "${DEVICE:-cuda}" = cpu ] || needs_kernels=1

now() { date +%s%N; }
since() { local ms=$((($(now) - $1) / 1000000)); printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100)); }
left() { echo $((LIMIT - $(date +%s) + began)); }
say() {
  local line; line=$(printf '%4ds  %s' $(($(date +%s) - began)) "$*")
  echo "$line"; echo "$line" >>"$summary"; echo "$line" >>"$log"
}
note() { printf '{"stage": "%s", "rc": %s, "seconds": %s}\n' "$1" "$2" "$3" >>"$RESULTS"; }

# run NAME BOX COMMAND…: in at most BOX seconds, less where less is left.
run() {
  local name=$1 box=$2 rc started; shift 2
  [ "$(left)" -ge 8 ] || { say "$name: left out, no time"; note "$name" null 0; return 1; }
  [ "$box" -le $(($(left) - 3)) ] || box=$(($(left) - 3))
  started=$(now)
  local own=$DETAILS/${name// /-}.log took
  printf '######## %s (at most %s s): %s\n' "$name" "$box" "$*" >"$own"
  timeout -s INT -k 6 "$box" "$@" >>"$own" 2>&1 </dev/null  # pytest writes its report when it is interrupted
  rc=$?
  took=$(since "$started")
  { echo; cat "$own"; } >>"$log"  # in one piece, though several may run at once
  case $rc in
    0) say "$name: done in $took s" ;;
    3) say "$name: skipped, there is no CUDA device ($took s)" ;;
    124|137) say "$name: ended after $box s, what there is so far is kept" ;;
    *) say "$name: ended with status $rc after $took s"; echo "$name" >>"$WORK/failed" ;;
  esac
  note "$name" "$rc" "$took"
  return $rc
}
wanted() { case " $stages " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
python() { "$PYTHON" "$@"; }
keep() { tar -C "$WORK" -czf "$OUT/details.tar.gz" --exclude '*.tmp' details 2>/dev/null; python "$here/lib/summarise.py" "$OUT" >"$OUT/table.txt" 2>>"$log"; }

# ---- what it stands on -------------------------------------------------------------------------------------------------
say "zoo on a GPU: $PYTHON, $cores cores, stages: $stages"
if ls "$here"/wheels/*.whl >/dev/null 2>&1; then
  run wheels 40 "$PYTHON" "$here/lib/unpack.py" "$site" "$here"/wheels/*.whl
fi
export PYTHONPATH=$site:$tree
run tree 40 "$PYTHON" "$here/lib/prepare.py" "$checkout" "$tree" "$here/prebuilt"
build_here() {  # FOLDER
  cd "$1" && env ZOO_NATIVE=cuda ZOO_CUDA_ARCHITECTURES="${ZOO_CUDA_ARCHITECTURES:-90}" MAX_JOBS="${MAX_JOBS:-$cores}" \
    "$PYTHON" setup.py build_ext --inplace
}
export -f build_here
export PYTHON cores
if [ ! -e "$tree/zoo/_native/prebuilt" ]; then
  run build 180 bash -c "build_here '$tree'"
elif [ "${BUILD:-1}" = 1 ]; then
  # Meanwhile, to know how long it takes here; the timings further down wait for it.
  rm -rf "$WORK/built"
  (
    started=$(now)
    export PYTHONPATH=$site
    "$PYTHON" "$here/lib/prepare.py" "$checkout" "$WORK/built" none >"$WORK/build.log" 2>&1
    nice -n 5 timeout -k 5 "$(($(left) > 150 ? 150 : $(left)))" bash -c "build_here '$WORK/built'" >>"$WORK/build.log" 2>&1
    rc=$?
    took=$(since "$started")
    note "build in the background" $rc "$took"
    say "build in the background: status $rc after $took s"
    cp "$WORK/build.log" "$DETAILS/build.log"
  ) &
  builder=$!
fi

# ---- right or wrong ----------------------------------------------------------------------------------------------------
wanted facts && run facts 40 "$PYTHON" "$here/lib/facts.py"
if wanted smoke; then  # a process for each family: an illegal access in one takes no other along
  children=()
  for family in batch_norm_act bias_act losses whole; do
    ( run "smoke $family" 60 "$PYTHON" "$here/lib/smoke.py" "$family" ) & children+=($!)
  done
  wait "${children[@]}"
fi
wanted probes && run probes 40 "$PYTHON" "$here/lib/probes.py"

pytest_() {  # NAME BOX ARGUMENTS…
  local name=$1 box=$2; shift 2
  # With a GPU, a run in which no kernel was tested is a failure.
  run "$name" "$box" env -C "$tree" PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 ${needs_kernels:+ZOO_TEST_CUDA=1} "$PYTHON" -m pytest -p no:cacheprovider -v \
    --tb=short --basetemp="$WORK/pytest-$name" "$@"
}
if wanted tests || wanted sanitize; then
  children=()
  if wanted tests; then
    workers=$((cores > 6 ? cores - 5 : 1)); [ "$workers" -le 11 ] || workers=11
    ( pytest_ tests 130 tests/cuda --ignore tests/cuda/test_cuda_large.py --junitxml "$OUT/junit.xml" \
        -p xdist.plugin -n "$workers" --dist worksteal --durations=8 ) & children+=($!)
  fi
  if wanted sanitize; then
    if command -v compute-sanitizer >/dev/null; then
      for tool in memcheck racecheck synccheck; do
        ( run "sanitize $tool" 90 env PYTORCH_NO_CUDA_MEMORY_CACHING=1 \
            compute-sanitizer --tool $tool --kernel-name kns=zoo --error-exitcode 9 --print-limit 20 --require-cuda-init no \
            --log-file "$DETAILS/sanitizer-$tool.txt" "$PYTHON" "$here/lib/sanitize.py" $tool ) & children+=($!)
      done
    else
      say "sanitize: compute-sanitizer was not found"
    fi
  fi
  [ ${#children[@]} -eq 0 ] || wait "${children[@]}"
  cat "$DETAILS"/sanitizer-*.txt >"$OUT/sanitizer.txt" 2>/dev/null
fi
wanted large && pytest_ large 45 tests/cuda/test_cuda_large.py --junitxml "$OUT/junit-large.xml"
wanted train && run train 75 "$PYTHON" "$here/lib/train.py"
keep

# ---- how fast ----------------------------------------------------------------------------------------------------------
if [ -n "${builder:-}" ]; then wait "$builder"; unset builder; fi
unset CUBLAS_WORKSPACE_CONFIG
wanted ops && run ops 60 "$PYTHON" "$here/lib/ops_times.py"
if wanted variant && [ -e "$here/prebuilt/variant/cuda.abi3.so" ]; then
  "$PYTHON" "$here/lib/prepare.py" "$checkout" "$WORK/variant" "$here/prebuilt" >>"$log" 2>&1
  cp "$here/prebuilt/variant/cuda.abi3.so" "$WORK/variant/zoo/_native/cuda.abi3.so"
  run "variant smoke" 40 env PYTHONPATH="$site:$WORK/variant" "$PYTHON" "$here/lib/smoke.py" batch_norm_act
  run "variant ops" 40 env PYTHONPATH="$site:$WORK/variant" "$PYTHON" "$here/lib/ops_times.py" --only-zoo --label variant
fi
steps() {  # NAME BOX ROUNDS CONTENDER…; what there is after each workload is kept, so one call takes few contenders
  local name=$1 box=$2 rounds=$3; shift 3
  run "$name" "$box" "$PYTHON" "$tree/benchmarks/steps.py" dcgan64-b128 --device "${DEVICE:-cuda}" --rounds "$rounds" \
    --json "$DETAILS/${name// /-}.json" --only "$@"
  keep
}
wanted steps && steps "steps" 90 9 "zoo, references" "zoo, captured" "zoo, bfloat16" "zoo, captured, bfloat16" official \
  "official, lean" "official, lean, bfloat16"
wanted compiled && steps "steps compiled" 90 7 "zoo, captured" "official, lean, compiled"
wanted autotune && {
  steps "steps autotuned" 140 7 "zoo, captured" "official, lean, compiled, max-autotune"
  steps "steps autotuned bfloat16" 140 7 "zoo, captured, bfloat16" "official, lean, compiled, max-autotune, bfloat16"
}
keep
say "the end; results in $OUT"
printf '\n'; cat "$OUT/table.txt"
[ ! -s "$WORK/failed" ] || { say "not as it should be: $(paste -sd, "$WORK/failed")"; exit 1; }
