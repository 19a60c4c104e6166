#!/bin/sh
# Kills each stage again and again at random moments and checks that the next run finishes it as
# if nothing had happened: the same bytes, nothing half done left behind.
#
#   scripts/kill_loop.sh PROGRAM MUSIC [KILLS] [SEED]
#
#   PROGRAM  a `remix` built for release, with its `forever` beside it: target/release/remix
#   MUSIC    a folder of songs; two or three are enough, data/music will do
#   KILLS    kills for each of separate, segment, create-dataset, fit-nearest-neighbours,
#            generate-remix, auto and `forever render` [100]
#   SEED     of the random moments [1]
#
#   STAGES   (environment) the stages to kill, such as "auto render" [all of them]; those before
#            are run once
#
# A kill comes somewhere within the time an undisturbed run takes, so that nearly all of them hit.
# Prints one line a stage: kills that came in time, runs that did not end well, files that were not
# as they must be. Exits 1 if there was any of the latter two. Needs about KILLS times twice the
# time that each stage takes, and disk for two projects; nothing is left behind.
set -eu

[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2; }
program=$(realpath "$1")
music=$(realpath "$2")
kills=${3:-100}
seed=${4:-1}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"
export XDG_CONFIG_HOME="$work/none" XDG_CACHE_HOME="$work/cache"

# Sets `drawn` to a number from 0 to 999.
draw() {
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    drawn=$((seed / 65536 % 1000))
}

now() { date +%s%N; }

# The files of a folder with their contents, in a fixed order.
# A database has its own order of things in it; the next run says whether it is whole.
state() { (cd "$1" && find . -type f ! -name '*.damaged' ! -name 'catalogue.sqlite*' -print0 | sort -z | xargs -0 -r sha256sum); }

stage() { # stage NAME WORD...
    name=$1
    shift
    rm -rf before && cp -a here before
    start=$(now)
    (cd here && "$program" "$@" -q) >/dev/null
    took=$((($(now) - start) / 1000))
    state here >wanted
    hit=0 bad=0 torn=0
    case " ${STAGES:-$name} " in *" $name "*) ;; *) return 0 ;; esac
    for _ in $(seq "$kills"); do
        rm -rf here "$XDG_CACHE_HOME" && cp -a before here
        draw
        wait_us=$((took * drawn / 1000))
        (cd here && exec "$program" "$@" -q) >kill.log 2>&1 &
        child=$!
        sleep "$(printf '%d.%06d' $((wait_us / 1000000)) $((wait_us % 1000000)))"
        kill -KILL "$child" 2>/dev/null || true
        end=0
        wait "$child" 2>/dev/null || end=$?
        # 128 and the signal's number: it was still running.
        [ "$end" -ne 137 ] || hit=$((hit + 1))
        (cd here && "$program" "$@" -q) >run.log 2>&1 || { bad=$((bad + 1)); cat run.log; }
        state here >found
        cmp -s wanted found || { torn=$((torn + 1)); diff wanted found | head -5; }
    done
    echo "$name: $hit of $kills kills in time, $bad bad ends, $torn wrong results"
    [ "$bad" -eq 0 ] && [ "$torn" -eq 0 ] || failed=1
}

failed=0
mkdir here
stage separate separate "$music" stems
stage segment segment stems beats
stage create-dataset create-dataset beats dataset
stage fit-nearest-neighbours fit-nearest-neighbours dataset index.evx
stage generate-remix generate-remix 0.3 400 out.wav --dataset dataset --index index.evx
rm -rf here && mkdir here
stage auto auto "$music" -o out.wav --beats 400
rm -rf here "$XDG_CACHE_HOME" && mkdir -p here/evermix-project
program=$(dirname "$program")/forever
stage render render "$music" -o mix.wav --minutes 2
exit "$failed"
