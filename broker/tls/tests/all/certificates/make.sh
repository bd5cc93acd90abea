#!/bin/sh
# Makes the certificates of the tests anew. Their keys are public, so nobody should ever trust the authority `ca.pem`.
set -eu
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
# signed NAME SUBJECT-ALTERNATIVE-NAMES NOT-BEFORE NOT-AFTER
signed() {
    openssl req -new -key server.key -subj "/CN=$1" -out request
    printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$2" > extensions
    : > index
    openssl ca -batch -notext -create_serial -config config -name ca -in request -out "$1.pem" -extfile extensions \
        -startdate "$3" -enddate "$4"
}
printf '[ca]\ndatabase=index\nserial=serial\ncertificate=ca.pem\nprivate_key=ca.key\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n' > config
key ca.key
key server.key
openssl req -x509 -key ca.key -days 36500 -subj "/CN=labs tests" -out ca.pem
NAMES=DNS:localhost,IP:127.0.0.1
signed server "$NAMES" 20260101000000Z 21250101000000Z
signed expired "$NAMES" 20200101000000Z 20210101000000Z
signed future "$NAMES" 21200101000000Z 21250101000000Z
signed elsewhere DNS:broker.example 20260101000000Z 21250101000000Z
openssl req -x509 -key server.key -days 36500 -subj "/CN=self" -addext "subjectAltName=$NAMES" -addext basicConstraints=critical,CA:FALSE \
    -out self.pem
rm -f request extensions serial* index* config ca.key [0-9A-F]*.pem
