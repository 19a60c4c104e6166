#!/bin/sh
# Feeds the real Icecast with a stream, listens there as a player does, and looks at the title it shows.
#
#     scripts/stream/icecast_source.sh MUSIC [path of forever]
#
# Needs icecast2, ffmpeg and curl. Prints what was seen; ends with 0 if all of it is right.
set -eu
music=$1
forever=${2:-target/release/forever}
folder=$(mktemp -d)
trap 'kill $ours $theirs 2>/dev/null || true; rm -rf "$folder"' EXIT
chmod 777 "$folder"
cat >"$folder/icecast.xml" <<XML
<icecast>
  <authentication><source-password>s</source-password><admin-user>a</admin-user><admin-password>a</admin-password></authentication>
  <listen-socket><port>18123</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <hostname>localhost</hostname>
  <paths><logdir>$folder</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
  <security><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>
XML
icecast2 -c "$folder/icecast.xml" >"$folder/icecast.out" 2>&1 &
theirs=$!
"$forever" stream "$music" --project "$folder/project" --bind 127.0.0.1:18124 --format mp3 --format opus \
    --icecast http://source:s@127.0.0.1:18123/live.mp3 --icecast http://source:s@127.0.0.1:18123/live.opus \
    >"$folder/forever.out" 2>"$folder/forever.err" &
ours=$!
for _ in $(seq 120); do
    grep -q "feeding 127.0.0.1:18123/live.opus" "$folder/forever.err" && break
    sleep 1
done
sleep 5
wrong=0
for mount in live.mp3 live.opus; do
    complaints=$(ffmpeg -v warning -i "http://127.0.0.1:18123/$mount" -t 15 -f null - 2>&1) || wrong=1
    if [ -n "$complaints" ]; then
        echo "$mount: ffmpeg complains: $complaints"
        wrong=1
    else
        echo "$mount: 15 s heard through Icecast without a complaint"
    fi
done
shown=$(curl -s http://127.0.0.1:18123/status-json.xsl)
now=$(curl -s http://127.0.0.1:18124/history.json | python3 -c 'import json, sys; s = json.load(sys.stdin)[0]; print(s["artist"] + " - " + s["title"] if s["artist"] else s["title"])')
case $shown in
*"$now"*) echo "title at Icecast: $now" ;;
*)
    echo "title at Icecast is not $now: $shown"
    wrong=1
    ;;
esac
exit $wrong
