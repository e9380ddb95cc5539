#!/usr/bin/env bash
# Runs the benches of a build folder. Use the release preset; close other programs.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release}
case "$build" in *release*) ;; *) echo "bench: warning: $build is not the release build" ;; esac
"$build/bin/dinh_bench"
