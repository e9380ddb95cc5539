#!/bin/bash
# The check of the arrows passes on the sources and fails on each arrow that is turned round in a copy of a few files.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
check=$root/deploy/scripts/libs_order.sh
"$check" "$root" || exit 1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# plant <file> <line>: the check must fail and name the file.
plant() {
  rm -rf "${scratch:?}"/*
  mkdir -p "$scratch"/libs/{base,config,telemetry,db,cache,auth,rpc,events,http,app,testing} "$scratch"/services/{payments,procedures,standalone}/domain
  mkdir -p "$scratch/$(dirname "$1")"
  echo "$2" > "$scratch/$1"
  if out=$("$check" "$scratch"); then
    echo "not caught: $2 in $1"; failed=1
  elif ! grep -q "$1" <<< "$out"; then
    echo "caught without its name: $1: $out"; failed=1
  fi
}

plant libs/db/store.h '#include "libs/rpc/context.h"'
plant libs/base/clock.h '#include "libs/config/registry.h"'
plant libs/http/server.cc '#include "libs/testing/temp_dir.h"'
plant libs/auth/keys.cc '#include "services/payments/store.h"'
plant services/payments/handlers/charges.cc '#include "services/procedures/store.h"'
plant services/payments/module.cc '#include "libs/testing/fake_service.h"'
plant services/procedures/domain/form.h '#include "dinh/procedures/v1/resources.pb.h"'
plant services/procedures/domain/form.cc '#include "libs/db/database.h"'
plant services/payments/handlers/views.cc '  return tx.Query("SELECT id FROM charges", {});'
plant services/payments/store.cc '  tx.Exec("UPDATE transfers SET amount_vnd = 0", {});'
plant services/payments/store_books.cc '  "DELETE FROM ledger_accounts WHERE code = $1",'
plant services/procedures/migrations/0003_x.sql 'ALTER TABLE timeline ADD COLUMN x TEXT;'
plant libs/http/body.cc '  Exec("DELETE FROM audit");'

# And what is allowed passes.
rm -rf "${scratch:?}"/*
mkdir -p "$scratch/services/standalone" "$scratch/services/payments" "$scratch/libs/rpc"
echo '#include "services/payments/module.h"' > "$scratch/services/standalone/modules.cc"
echo '  tx.Query("SELECT id FROM charges", {});' > "$scratch/services/payments/store_charges.cc"
echo '#include "libs/auth/principal.h"' > "$scratch/libs/rpc/context.h"
"$check" "$scratch" || { echo "an allowed arrow was refused"; failed=1; }
exit $failed
