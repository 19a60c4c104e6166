#!/bin/sh
# Fuzzes every reader of untrusted bytes in turn; each begins with what earlier runs kept.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]
#
#   SECONDS  for each target [600]
#   TARGET   those to run [all that `cargo +nightly fuzz list` names]
#   KEEP=1   (environment) afterwards keep in fuzz/corpus.tar.xz a few inputs that reach all that was
#            reached
#
# Needs a nightly toolchain and cargo-fuzz, and half an hour to build for the first time. What is
# found on the way is in fuzz/found, inputs that fail are in fuzz/artifacts; to see one again:
#
#   cargo +nightly fuzz run TARGET fuzz/artifacts/TARGET/crash-...
#
# Prints a line a target and exits 1 where there was a finding.
set -eu
cd "$(dirname "$0")/.."

cargo +nightly --version >/dev/null 2>&1 || {
    echo "no nightly toolchain: rustup toolchain install nightly" >&2
    exit 2
}
cargo +nightly fuzz --version >/dev/null 2>&1 || {
    echo "no cargo-fuzz: cargo install cargo-fuzz --locked" >&2
    exit 2
}
seconds=${1:-600}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- $(cargo +nightly fuzz list)

# What earlier runs kept is one file, for it is thousands of small ones.
kept=fuzz/corpus.tar.xz
[ -d fuzz/corpus ] || [ ! -f "$kept" ] || tar -xJf "$kept" -C fuzz

# fuzz TARGET FOLDER... -- FLAG...
fuzz() { cargo +nightly fuzz run "$@"; }

# The folders a target reads beside the one it writes.
sources() {
    for folder in "fuzz/corpus/$1" "fuzz/seeds/$1"; do
        [ ! -d "$folder" ] || echo "$folder"
    done
    [ "$1" != decode ] || echo data/fixtures
}

# Whole songs are long, all else is short: most of what can be wrong is wrong in small files.
longest() {
    case $1 in
    decode | icy | origin | records) echo 20000 ;;
    *) echo 6000 ;;
    esac
}

failed=0
for target in "$@"; do
    found=fuzz/found/$target
    mkdir -p "$found" "fuzz/corpus/$target"
    # Seeds that are no text are made by the target itself.
    EVERMIX_FUZZ_SEEDS=$PWD/$found fuzz "$target" >/dev/null 2>"$found.log" || {
        cat "$found.log" >&2
        exit 1
    }
    from=$(sources "$target")
    # shellcheck disable=SC2086
    if fuzz "$target" "$found" $from -- -max_total_time="$seconds" -max_len="$(longest "$target")" \
        -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 >"$found.log" 2>&1; then
        found_none="no finding"
    else
        found_none="A FINDING: $found.log"
        failed=1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$found.log" | tail -1)
    echo "$target: $seconds s, ${runs:-?} runs, ${covered:-?} edges, $found_none"
    [ "${KEEP:-}" = 1 ] || continue
    rm -rf "fuzz/kept/$target" && mkdir -p "fuzz/kept/$target"
    # shellcheck disable=SC2086
    fuzz "$target" "fuzz/kept/$target" "$found" $from -- -set_cover_merge=1 \
        -max_len="$(longest "$target")" >"$found.log" 2>&1
    rm -r "fuzz/corpus/$target" && mv "fuzz/kept/$target" "fuzz/corpus/$target"
done
# The same inputs give the same file.
[ "${KEEP:-}" != 1 ] || tar -cJf "$kept" -C fuzz --sort=name --mtime=@0 --owner=0 --group=0 \
    --numeric-owner corpus
exit "$failed"
