#!/bin/sh
# Makes data/fixtures: one made-up sound in every format that Evermix reads but does not write.
#
# The sound is computed (two gliding tones, integers only), so nobody holds rights in
# it and tests/decoding/sound.rs can compute every sample again.
#
# Needs ffmpeg with libmp3lame and libvorbis (Debian 12: apt-get install ffmpeg) and Python 3.
# Lossy encoders differ from version to version; the tests hold for any of them.
set -eu

out=$(cd "$(dirname "$0")/../.." && pwd)/data/fixtures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

cat >"$work/sound.py" <<'PY'
"""Writes the sound in 16 bits. Keep in step with tests/decoding/sound.rs."""
import sys
import wave


def sine(phase):
    """A parabola for a sine, exact in integers: phase 0..65535, result about -12288..12288."""
    x = phase - 32768
    return 3 * (x * (32768 - abs(x)) // 65536) // 2


def sound(frames, channels):
    data = bytearray()
    for i in range(frames):
        for channel in range(channels):
            hertz, sweep, depth = ((2000, 6, 300), (5000, 9, -150))[channel]
            # Phase in 1/65536 of a turn: a tone that glides up and down a few times a second.
            turns = hertz * i * 65536 // 44100 + depth * sine(sweep * i & 65535)
            data += sine(turns & 65535).to_bytes(2, "little", signed=True)
    return data


path, (frames, channels, rate) = sys.argv[1], map(int, sys.argv[2:])
with wave.open(path, "wb") as out:
    out.setnchannels(channels)
    out.setsampwidth(2)
    out.setframerate(rate)
    out.writeframes(sound(frames, channels))
PY

cat >"$work/gapless.py" <<'PY'
"""Adds Apple's gapless comment to an M4A whose last box is moov."""
import struct
import sys


def box(name, body):
    return struct.pack(">I4s", len(body) + 8, name) + body


path, delay, padding, frames = sys.argv[1], *map(int, sys.argv[2:])
data = open(path, "rb").read()
at = data.rindex(b"moov") - 4
(size,) = struct.unpack_from(">I", data, at)
assert at + size == len(data), "moov is not the last box"
text = f" 00000000 {delay:08X} {padding:08X} {frames:016X} 00000000".encode()
comment = box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + b"iTunSMPB")
comment += box(b"data", struct.pack(">II", 1, 0) + text)
handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(10))
meta = box(b"meta", bytes(4) + handler + box(b"ilst", box(b"----", comment)))
moov = box(b"moov", data[at + 8 :] + box(b"udta", meta))
open(path, "wb").write(data[:at] + moov)
PY

cat >"$work/fact.py" <<'PY'
"""Writes the true length into a WAV file, as other programs than ffmpeg do."""
import struct
import sys

path, frames = sys.argv[1], int(sys.argv[2])
data = bytearray(open(path, "rb").read())
struct.pack_into("<I", data, data.index(b"fact") + 8, frames)
open(path, "wb").write(data)
PY

make() { # name, source, options
    name=$1 source=$2
    shift 2
    ffmpeg -nostdin -v error -y -i "$work/$source.wav" -map_metadata -1 -fflags +bitexact \
        -flags:a +bitexact "$@" "$out/$name"
}

python3 "$work/sound.py" "$work/brief.wav" 2205 2 44100
python3 "$work/sound.py" "$work/short.wav" 22051 2 44100
python3 "$work/sound.py" "$work/mono.wav" 22051 1 44100
python3 "$work/sound.py" "$work/slow.wav" 11027 1 22050
python3 "$work/sound.py" "$work/long.wav" 88203 1 44100

# Exact formats.
make aiff.aiff brief
make alac.m4a brief -c:a alac
make flac.flac brief -metadata_header_padding 0
make ogg_flac.oga brief -c:a flac
make ima_adpcm.wav mono -c:a adpcm_ima_wav -block_size 256
make ms_adpcm.wav mono -c:a adpcm_ms -block_size 256
python3 "$work/fact.py" "$out/ms_adpcm.wav" 22051
ffmpeg -nostdin -v error -y -i "$work/brief.wav" -map_metadata -1 -fflags +bitexact -f wav - \
    >"$out/streamed.wav"

# AAC: with an edit list, with Apple's comment, with neither, in fragments, without a container.
make edit_list.m4a short -c:a aac -b:a 64k
make gapless.m4a short -c:a aac -b:a 64k -use_editlist 0
python3 "$work/gapless.py" "$out/gapless.m4a" 1024 477 22051
make bare.m4a short -c:a aac -b:a 64k -use_editlist 0
make fragments.m4a short -c:a aac -b:a 64k -movflags +frag_keyframe+empty_moov+delay_moov \
    -frag_duration 100000
make adts.aac short -c:a aac -b:a 64k

# MP3: with delay and length, with neither, with neither and a variable rate.
make lame.mp3 short -c:a libmp3lame -b:a 64k
make bare.mp3 short -c:a libmp3lame -b:a 64k -write_xing 0 -id3v2_version 0
make low_rate.mp3 slow -c:a libmp3lame -b:a 32k

make vorbis.ogg short -c:a libvorbis -q:a 1 -page_duration 100000

# Longer ones to damage.
make long_cbr.mp3 long -c:a libmp3lame -b:a 64k
make long_vbr.mp3 long -c:a libmp3lame -q:a 5
make long.ogg long -c:a libvorbis -q:a 1 -page_duration 100000
make long.m4a long -c:a aac -b:a 48k
make long.aac long -c:a aac -b:a 48k

ls -l "$out"
