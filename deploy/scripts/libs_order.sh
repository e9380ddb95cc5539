#!/bin/bash
# Fails when an arrow between the parts runs the wrong way. Reads #include lines and SQL keywords; usage: from anywhere.
#   libs/      base → config → telemetry → db → cache → auth → rpc → events → http → app → testing: each includes only
#              what stands to its left (or itself); a lib's own tests may also use testing's header-only helpers
#   services/  a service includes libs and its own files; only standalone puts services together
#   domain/    pure: libs/base and its own folder; no protos, no SQL, no gRPC
#   ledger     no statement changes or deletes what is written once (transfers, ledger_accounts, timeline)
#   SQL        only in store*.{cc,h} of a service and in libs/{db,events,auth,app}; migrations are .sql files
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}" || exit 2

ORDER=(base config telemetry db cache auth rpc events http app testing)
failures=0
fail() { echo "$1"; failures=$((failures + 1)); }

rank() {
  local i
  for i in "${!ORDER[@]}"; do
    if [ "${ORDER[$i]}" = "$1" ]; then echo "$i"; return; fi
  done
  echo -1
}

# file:included path, of one folder
includes() { grep -rHoE --include='*.cc' --include='*.h' '^ *# *include "[^"]+"' "$1" 2>/dev/null | sed -E 's/ *# *include "//; s/"$//'; }

declare -A RANK
for lib in "${ORDER[@]}"; do RANK[$lib]=$(rank "$lib"); done
for dir in libs/*/; do
  lib=$(basename "$dir")
  [ -n "${RANK[$lib]:-}" ] || { fail "libs/$lib: has no place in the order ($0)"; continue; }
  while IFS=: read -r file path; do
    case "$path" in
      libs/*)
        other=${path#libs/}; other=${other%%/*}
        [ -n "${RANK[$other]:-}" ] || { fail "$file: $path is no lib"; continue; }
        if [ "${RANK[$other]}" -gt "${RANK[$lib]}" ]; then
          # Tests of a lib may use the temporary folder and the principals of testing.
          [[ $file == *_test.cc || $file == *_fixture.h || $file == *test_* ]] && [ "$other" = testing ] && continue
          fail "$file: libs/$lib must not include $path"
        fi ;;
      services/* | tests/*) fail "$file: libs must not include $path" ;;
    esac
  done < <(includes "$dir")
done

for dir in services/*/; do
  service=$(basename "$dir")
  while IFS=: read -r file path; do
    case "$path" in
      services/*)
        other=${path#services/}; other=${other%%/*}
        [ "$other" = "$service" ] || [ "$service" = standalone ] || fail "$file: services/$service must not include $path" ;;
      tests/*) fail "$file: services must not include $path" ;;
      libs/testing/*)
        [[ $file == *_test.cc || $file == *_fixture.h || $file == *test_* ]] || fail "$file: only tests include $path" ;;
    esac
  done < <(includes "$dir")
done

for dir in services/*/domain/; do
  service=$(basename "$(dirname "$dir")")
  while IFS=: read -r file path; do
    [[ $file == *_test.cc ]] && continue
    case "$path" in
      libs/base/* | "services/$service/domain/"* | absl/*) ;;
      *) fail "$file: domain is pure and must not include $path" ;;
    esac
  done < <(includes "$dir")
done

# A string that begins like a statement.
SQL='"(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE (TABLE|UNIQUE|INDEX)|ALTER TABLE|DROP (TABLE|INDEX)|PRAGMA) '
while IFS=: read -r file line text; do
  case "$file" in
    *_test.cc | *_fixture.h | *test_support.h | *_test_service.h | */testing_vfs.* | libs/db/* | libs/events/* | libs/auth/audit* | libs/testing/*) ;;
    libs/app/audit*) ;;
    services/*/store*.cc | services/*/store*.h) ;;
    *) fail "$file:$line: SQL belongs in store.cc: $(echo "$text" | sed 's/^ *//' | cut -c1-80)" ;;
  esac
done < <(grep -rnE --include='*.cc' --include='*.h' "$SQL" libs services)

# Written once: the engine refuses too (libs/db/append_only.h), but not before the statement runs.
ONCE='(UPDATE|DELETE FROM|REPLACE INTO|TRUNCATE|DROP TABLE|ALTER TABLE) +(transfers|ledger_accounts|timeline)\b'
while IFS=: read -r file line text; do
  [[ $file == *_test.cc ]] && continue
  fail "$file:$line: written once, never changed: $(echo "$text" | sed 's/^ *//' | cut -c1-80)"
done < <(grep -rniE --include='*.cc' --include='*.h' --include='*.sql' "$ONCE" libs services)

if [ "$failures" -gt 0 ]; then
  echo "$failures arrows run the wrong way"
  exit 1
fi
echo "every arrow runs the right way"
