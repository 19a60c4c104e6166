#!/bin/sh
# A day of the stream on a clock turned by hand, with songs that break, vanish and appear.
#
#   scripts/soak.sh FOLDER_OF_SONGS [HOURS [FORMATS]]
#
# Fails where a listener was ever without sound or memory grew by more than 16 MiB after an hour.
set -eu
songs=$(realpath "${1:?a folder of songs}")
cd "$(dirname "$0")/.."
exec cargo run --release --example soak -- "$songs" --hours "${2:-24}" \
    --formats "${3:-mp3:128,opus}"
