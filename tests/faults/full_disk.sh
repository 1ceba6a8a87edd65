#!/usr/bin/env bash
# Run a command whose home is a small file system, which its trials fill, and again with room.
# full_disk.sh FOLDER WISHES COMMAND…; FOLDER/small is the home, FOLDER/copy what is left of it.
set -uo pipefail
folder=$1 wishes=$2
shift 2
mount -t tmpfs -o size=30m tmpfs "$folder/small" || exit 77
printf '%s' "$wishes" >"$folder/small/faults.json"
"$@"
rm -f "$folder/small/filler"
echo "--- room again" >&2
"$@"
status=$?
cp -r "$folder/small" "$folder/copy"
exit $status
