#!/usr/bin/env bash
# Runs the benches of a build folder. Use the release preset; close other programs.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release}
case "$build" in *release*) ;; *) echo "bench: warning: $build is not the release build" ;; esac
"$build/bin/dinh_bench${2:-}"

# How long a changed handler takes to reach the program, compiled for real.
ninja -C "$build" dinh > /dev/null
touch services/procedures/handlers/desk.cc
begin=$(date +%s%N)
CCACHE_DISABLE=1 ninja -C "$build" dinh > /dev/null
echo "handler_rebuild_s: $(( ($(date +%s%N) - begin) / 100000000 ))" | sed -E 's/([0-9])$/.\1/; s/: \./: 0./'
