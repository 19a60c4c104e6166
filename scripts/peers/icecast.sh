#!/bin/bash
# Our server and the real Icecast (Debian: apt-get install icecast2 ffmpeg), one after the other,
# each before the same crowd of listeners, at 128 kbit/s. Prints a table.
#
#   scripts/peers/icecast.sh FOLDER_OF_SONGS [LISTENERS [SECONDS [SLOW]]]
#
# Ours mixes, analyses and encodes what it sends, and the threads of it that serve are told apart.
# Icecast is handed finished MP3, as is a relay of ours, which is the row to compare it with.
# ONLY=ours, relay or icecast runs one of them; BIN is a folder of programs that are built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
songs=$(realpath "${1:?a folder of songs}")
listeners=${2:-1000} seconds=${3:-300} slow=${4:-200} port=${PORT:-18250}
bin=${BIN:-${CARGO_TARGET_DIR:-target}/release}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
hz=$(getconf CLK_TCK)

[ -n "${BIN:-}" ] || cargo build --release --bin forever --example listeners 2>&1 | tail -1
ulimit -n "$(ulimit -Hn)"

# Clock ticks of a process, or of its threads of one name.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
ticks_of() {
    { grep -l "^$2" "/proc/$1/task/"*/comm || true; } | while read -r comm; do
        sed 's/.*) //' "${comm%comm}stat" | awk '{ print $12 + $13 }'
    done | awk '{ sum += $1 } END { print sum + 0 }'
}
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# NAME PID URL: runs the crowd; writes a line of the table.
crowd() {
    local name=$1 pid=$2 url=$3 before serving most=0 now idle
    idle=$(rss "$pid")
    before=$(ticks "$pid") serving=$(ticks_of "$pid" tokio-rt)
    "$bin/examples/listeners" "$url" --listeners "$listeners" --slow "$slow" \
        --seconds "$seconds" > "$work/$name.json" &
    local client=$!
    pids+=("$client")
    while kill -0 "$client" 2>/dev/null; do
        now=$(rss "$pid")
        [ "$now" -gt "$most" ] && most=$now
        sleep 1
    done
    wait "$client" || true
    local all=$(($(ticks "$pid") - before)) serve=$(($(ticks_of "$pid" tokio-rt) - serving))
    [ "$name" = icecast ] && serve=$all
    echo "== $name, load $(cut -d' ' -f1-2 /proc/loadavg)"
    cat "$work/$name.json"
    python3 - "$work/$name.json" "$name" "$all" "$serve" "$hz" "$idle" "$most" >> "$work/table" <<'PY'
import json, sys
told = json.load(open(sys.argv[1]))
name, (all_, serve, hz, idle, most) = sys.argv[2], map(int, sys.argv[3:])
keys = ["failed", "same_bytes", "slow_closed", "delay_ms_p50", "delay_ms_p99", "after_first_ms_p99"]
row = [name, all_ / hz, serve / hz, idle // 1024, most // 1024] + [told[k] for k in keys]
print(*(f"{x:.2f}" if isinstance(x, float) else x for x in row), sep="\t")
PY
}

# Starts our station and waits until it has sound; sets `origin`.
originate() {
    EVERMIX_TOKEN=peer "$bin/forever" stream "$songs" --listeners 3000 --per-address 3000 \
        --format mp3:128 --bind "127.0.0.1:$port" --project "$work/project" \
        > "$work/ours.log" 2>&1 &
    origin=$!
    pids+=("$origin")
    sounding "$port"
    sleep 20
}

# PORT: waits until a server has sound.
sounding() {
    rm -f "$work/head.mp3"
    until curl -fs -o "$work/head.mp3" --max-time 3 "http://127.0.0.1:$1/all.mp3" ||
        [ -s "$work/head.mp3" ]; do sleep 1; done
}

ours() {
    local before
    originate
    before=$(ticks "$origin")
    sleep 30
    echo "ours without listeners: $(awk "BEGIN { print ($(ticks "$origin") - $before) / $hz / 30 }")" \
        "CPU seconds a second, $(($(rss "$origin") / 1024)) MiB"
    crowd ours "$origin" "http://127.0.0.1:$port/all.mp3"
    curl -s "http://127.0.0.1:$port/metrics" | grep -E '^[^#].*(underrun|dropped|drift)' || true
    kill "$origin"
    wait "$origin" || true
}

relay() {
    local pid
    originate
    EVERMIX_TOKEN=peer "$bin/forever" stream --relay-of "http://127.0.0.1:$port/" \
        --listeners 3000 --per-address 3000 --bind "127.0.0.1:$((port + 2))" \
        > "$work/relay.log" 2>&1 &
    pid=$!
    pids+=("$pid")
    sounding $((port + 2))
    sleep 10
    crowd relay "$pid" "http://127.0.0.1:$((port + 2))/all.mp3"
    kill "$pid" "$origin"
    wait "$pid" "$origin" || true
}

icecast() {
    local song n=0 pid need=$((seconds + 60))
    for song in "$songs"/*; do
        n=$((n + 1))
        ffmpeg -nostdin -v error -t $((need / 20 + 1)) -i "$song" -vn -ac 2 -ar 44100 -b:a 128k \
            -write_xing 0 -id3v2_version 0 -map_metadata -1 "$work/$n.mp3" 2>/dev/null || continue
        cat "$work/$n.mp3" >> "$work/all.mp3"
        rm "$work/$n.mp3"
        # A listener's bytes are found again by what they are: nothing may come twice.
        [ "$(stat -c %s "$work/all.mp3")" -gt $((need * 16000)) ] && break
    done
    chmod 755 "$work"
    mkdir -m 777 "$work/log"
    cat > "$work/icecast.xml" <<XML
<icecast>
  <limits><clients>3000</clients><sources>2</sources><queue-size>524288</queue-size>
    <client-timeout>30</client-timeout><header-timeout>15</header-timeout>
    <source-timeout>10</source-timeout><burst-size>65535</burst-size></limits>
  <authentication><source-password>hackme</source-password>
    <admin-user>admin</admin-user><admin-password>hackme</admin-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>$((port + 1))</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <paths><basedir>/usr/share/icecast2</basedir><logdir>$work/log</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
  </paths>
  <logging><errorlog>error.log</errorlog><accesslog>access.log</accesslog><loglevel>2</loglevel>
  </logging>
  <security><chroot>0</chroot>
    <changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>
XML
    icecast2 -c "$work/icecast.xml" > "$work/icecast.log" 2>&1 &
    pid=$!
    pids+=("$pid")
    sleep 2
    ffmpeg -nostdin -v error -re -f mp3 -i "$work/all.mp3" -c copy -write_xing 0 -id3v2_version 0 \
        -content_type audio/mpeg -f mp3 "icecast://source:hackme@127.0.0.1:$((port + 1))/all.mp3" &
    pids+=($!)
    sleep 10
    crowd icecast "$pid" "http://127.0.0.1:$((port + 1))/all.mp3"
    kill "$pid"
    wait "$pid" || true
}

printf 'server\tCPU s\tserving s\tRSS before\tRSS most\tdropped\tsame\tslow closed\tp50 ms\tp99 ms\tp99 after first\n' > "$work/table"
[ "${ONLY:-ours}" = ours ] && ours
[ "${ONLY:-relay}" = relay ] && relay
[ "${ONLY:-icecast}" = icecast ] && icecast
column -t -s "$(printf '\t')" "$work/table"
