#!/bin/sh
# Everything that must hold before a change is taken: the README's test command and CI run this.
set -eu
cd "$(dirname "$0")/.."

step() {
    echo "== $*"
    "$@"
}

step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
step cargo test --locked
# On systems without aubio's bindings the program must build all the same.
step cargo check --locked --no-default-features
# Rustdoc finds broken links between items.
RUSTDOCFLAGS="-D warnings" step cargo doc --locked --no-deps --quiet
