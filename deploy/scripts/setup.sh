#!/usr/bin/env bash
# Installs what is missing to build, run and test Đình on Debian 12. Idempotent: a second run changes nothing and needs
# no network. Run as root or with sudo at hand. Arguments: further packages, for what not everybody does.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf 'setup: %s\n' "$*"; }

missing=()
while read -r package; do
  case "$package" in ''|'#'*) continue ;; esac
  [ "$package" = npm ] && command -v npm >/dev/null 2>&1 && continue  # any Node.js with npm will do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done < <(cat deploy/scripts/packages.txt; printf '%s\n' "$@")

if [ ${#missing[@]} -eq 0 ]; then
  say "all Debian packages are there"
else
  say "installing: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "need root or sudo to install packages"; exit 1; }
    as_root=(sudo)
  fi
  # Tests start a PostgreSQL of their own; the package need not make and run one.
  if [[ " ${missing[*]} " == *" postgresql"* ]] && [ ! -e /etc/postgresql-common/createcluster.d ]; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" |
      "${as_root[@]}" tee /etc/postgresql-common/createcluster.d/no-main-cluster.conf >/dev/null
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi
