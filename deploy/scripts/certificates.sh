#!/usr/bin/env bash
# Certificates with which the services of a cluster know each other, where nothing better (cert-manager, SPIRE) issues
# them. The issuer's key must lie apart from the servers.
#
#   certificates.sh ca <folder>                                   issuer.key, issuer.pem (ten years)
#   certificates.sh issue <folder> <service> [days] [host …]      <service>.key, <service>.pem (default: 30 days)
#
# A service's name stands in the URI spiffe://<DINH_MTLS_TRUST_DOMAIN or dinh>/<service>; hosts beside "localhost",
# 127.0.0.1 and the service's name are added. Running processes read renewed files by themselves.
set -euo pipefail
umask 077

usage() { sed -n '2,10p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1 folder=$2
domain=${DINH_MTLS_TRUST_DOMAIN:-dinh}
mkdir -p "$folder"

case "$command" in
  ca)
    [ ! -e "$folder/issuer.key" ] || { echo "certificates: $folder/issuer.key is there already" >&2; exit 1; }
    openssl ecparam -name prime256v1 -genkey -noout -out "$folder/issuer.key"
    openssl req -x509 -new -key "$folder/issuer.key" -days 3650 -subj "/CN=$domain issuer" \
      -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
      -out "$folder/issuer.pem"
    ;;
  issue)
    [ $# -ge 3 ] || usage
    service=$3 days=${4:-30}
    shift $(( $# < 4 ? $# : 4 ))
    names="URI:spiffe://$domain/$service,DNS:$service,DNS:localhost,IP:127.0.0.1"
    for host in "$@"; do names="$names,DNS:$host"; done
    # Written beside and renamed: a process that reads meanwhile sees a whole pair, the key first.
    work=$(mktemp -d "$folder/.issue-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    openssl ecparam -name prime256v1 -genkey -noout -out "$work/key"
    openssl req -new -key "$work/key" -subj "/CN=$service" -out "$work/request"
    printf 'subjectAltName=%s\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n' \
      "$names" > "$work/extensions"
    openssl x509 -req -in "$work/request" -CA "$folder/issuer.pem" -CAkey "$folder/issuer.key" \
      -set_serial "0x$(openssl rand -hex 16)" -days "$days" -sha256 -extfile "$work/extensions" \
      -out "$work/certificate" 2>/dev/null
    mv "$work/key" "$folder/$service.key"
    mv "$work/certificate" "$folder/$service.pem"
    ;;
  *) usage ;;
esac
