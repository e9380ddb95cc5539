#!/usr/bin/env bash
# Format, proto lint and clang-tidy. Usage: lint.sh format | format-fix | buf | tidy [all]
set -euo pipefail
cd "$(dirname "$0")/../.."
sources() { git ls-files '*.cc' '*.h'; }

case "${1:-}" in
  format) sources | xargs clang-format-16 --dry-run --Werror ;;
  format-fix) sources | xargs clang-format-16 -i ;;
  buf)
    # Two modules: ours, and the Google and gRPC protos it imports, which are not ours to lint.
    stage=build/buf
    rm -rf $stage && mkdir -p $stage/foreign/google $stage/foreign/grpc
    cp -r proto $stage/proto && mv $stage/proto/buf.yaml $stage/buf.yaml
    cp -r /usr/share/gocode/src/github.com/gogo/googleapis/google/api $stage/foreign/google/api
    cp -r /usr/share/gocode/src/github.com/gogo/googleapis/google/rpc $stage/foreign/google/rpc
    rm -rf $stage/foreign/google/api/expr
    cp -r /usr/share/grpc-proto/grpc/health $stage/foreign/grpc/health
    cp -r /usr/share/grpc-proto/grpc/reflection $stage/foreign/grpc/reflection
    [ -x build/tools/node_modules/.bin/buf ] || npm install --silent --no-fund --no-audit --prefix build/tools @bufbuild/buf@1.75.0
    (cd $stage && ../tools/node_modules/.bin/buf lint)
    tag=$(git describe --tags --abbrev=0 2>/dev/null || true)
    if [ -n "$tag" ]; then
      (cd $stage && ../tools/node_modules/.bin/buf breaking proto --against "../../.git#tag=$tag,subdir=proto")
    else
      echo "buf breaking: no release tag yet, nothing to compare with"
    fi ;;
  tidy)
    [ -f build/tidy/compile_commands.json ] || cmake --preset tidy > /dev/null
    # Only the generated headers are needed, not what is compiled from them.
    ninja -C build/tidy -t targets all | grep -oE '^(gen/[^:]*\.pb\.h)' | sort -u | xargs ninja -C build/tidy dinh_descriptors > /dev/null
    if [ "${2:-}" = all ]; then
      files=$(git ls-files 'libs/*.cc' 'services/*.cc' | grep -v '_test\.cc$')
    else
      # What changed lately: since TIDY_BASE, else within the last ten commits; the forty newest files at most, so that
      # the check stays short. `make tidy` looks at everything.
      base=${TIDY_BASE:-$(git rev-list --max-count=11 --first-parent HEAD | tail -n 1)}
      files=$( { git diff --name-only --diff-filter=AM "$base"; git diff --name-only --diff-filter=AM HEAD; } |
        grep -E '^(libs|services)/.*\.cc$' | grep -v '_test\.cc$' | sort -u | head -40)
    fi
    [ -z "$files" ] && { echo "clang-tidy: no changed files"; exit 0; }
    printf '%s\n' $files | xargs -P "$(nproc)" -n 4 clang-tidy-16 --quiet -p build/tidy \
      --extra-arg=-Wno-unknown-warning-option ;;
  *) echo "usage: lint.sh format | format-fix | buf | tidy [all]"; exit 2 ;;
esac
