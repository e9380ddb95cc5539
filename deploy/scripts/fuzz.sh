#!/usr/bin/env bash
# Fuzzes the targets of tests/fuzz in turn, with libFuzzer under the address and undefined behaviour sanitizers.
#   fuzz.sh [TARGET…]       all when none is named; FUZZ_SECONDS=60 is the time of each, JOBS the compilers at once
# What is learnt stays in build/fuzz/corpus and serves the next run. A finding is kept in build/fuzz/crashes, and the
# script ends with 1 when there was one.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-60}
deploy/scripts/setup.sh clang-16 libclang-rt-16-dev llvm-16

build=build/fuzz
[ -f $build/build.ninja ] || cmake --preset fuzz > /dev/null
ninja -C $build -j "${JOBS:-$(nproc)}" fuzzers
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for program in tests/fuzz/*_fuzz.cc; do targets+=("$(basename "$program" _fuzz.cc)"); done
fi

# Debian's abseil and protobuf are built without sanitizers, so marks on containers that they share would be wrong.
export ASAN_OPTIONS=detect_container_overflow=0 UBSAN_OPTIONS=print_stacktrace=1
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-16
mkdir -p $build/crashes $build/logs
last() { grep -oE "$1" "$2" | tail -1 | grep -oE '[0-9]+$' || echo -; }
found=()
printf '%-20s %12s %9s %7s %9s %7s  %s\n' target executions per_s edges features corpus outcome
for target in "${targets[@]}"; do
  program=$build/bin/fuzz_$target
  [ -x "$program" ] || { echo "fuzz: there is no target $target"; exit 2; }
  corpus=$build/corpus/$target
  log=$build/logs/$target.log
  mkdir -p "$corpus"
  options=(-max_total_time="$seconds" -max_len=2048 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
  [ -f "tests/fuzz/dict/$target.dict" ] && options+=(-dict="tests/fuzz/dict/$target.dict")
  outcome=ok
  "$program" "${options[@]}" -artifact_prefix="$build/crashes/$target-" "$corpus" "tests/fuzz/corpus/$target" \
    > "$log" 2>&1 || { outcome=FOUND; found+=("$target"); }
  printf '%-20s %12s %9s %7s %9s %7s  %s\n' "$target" "$(last 'number_of_executed_units: *[0-9]+' "$log")" \
    "$(last 'average_exec_per_sec: *[0-9]+' "$log")" "$(last 'cov: [0-9]+' "$log")" "$(last 'ft: [0-9]+' "$log")" \
    "$(last 'corp: [0-9]+' "$log")" $outcome
done

[ ${#found[@]} -eq 0 ] && exit 0
for target in "${found[@]}"; do
  reproducer=$(grep -oE "$build/crashes/$target-[a-z]+-[0-9a-f]+" "$build/logs/$target.log" | tail -1 || true)
  echo
  echo "$target: $(grep -m1 -E 'does not hold|runtime error|ERROR: ' "$build/logs/$target.log" || echo "see $build/logs/$target.log")"
  echo "  again:    $build/bin/fuzz_$target $reproducer"
  echo "  smaller:  $build/bin/fuzz_$target -minimize_crash=1 -max_total_time=60 $reproducer"
  echo "  to keep:  cp $reproducer tests/fuzz/corpus/$target/found_<what>   (then it is a part of make test)"
done
exit 1
