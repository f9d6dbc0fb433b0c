#!/bin/sh
# Writes a data folder of this build's form, for the test that later builds open it: make.sh SOTTO OUT.tar.gz
# A file that was added with a release is never made again.
set -eu
sotto=$1 out=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$sotto" demo --play --model scripted --listen 127.0.0.1:0 --data "$folder/kept" >/dev/null
# What is derived, and what is of one machine, is left out.
cd "$folder/kept"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=2026-11-28 -cf - audit keys root.key state | gzip -9n >"$folder/tar.gz"
mv "$folder/tar.gz" "$out"
