// What was, is and will be played: actions in the order of their times, and the songs in them.

const PAST_S = 700;
const AROUND_S = 120;
const MOST = 600;
const BEAT_SLACK_S = 0.03;

const number = (x, otherwise) => (Number.isFinite(x) ? x : otherwise);
const numbers = (list) => (Array.isArray(list) ? list.filter(Number.isFinite) : []);

/** An action as the page uses it, or null for something that is none. */
function read(raw) {
  const duration = raw?.duration;
  if (!(duration > 0) || !Number.isFinite(raw.time) || !Array.isArray(raw.tracks)) return null;
  const tracks = raw.tracks.slice(0, 2).map((track) => ({
    start: number(track?.start, 0),
    end: number(track?.end, 0),
    peaks: Uint8Array.from(numbers(track?.peaks)),
    meta: track?.metadata ?? {},
  }));
  const strong = numbers(raw.downbeats);
  const beats = numbers(raw.beats).map((at) => ({
    at: raw.time + at,
    strong: strong.some((d) => Math.abs(d - at) < BEAT_SLACK_S),
  }));
  const end = raw.time + duration;
  return { id: raw.id, kind: String(raw.action), time: raw.time, end, duration, tracks, beats, why: raw.why ?? null };
}

export class Timeline {
  actions = [];
  /** Grows with every change, so that others know when to look again. */
  version = 0;
  #songs = null;

  #changed() {
    this.actions.sort((a, b) => a.time - b.time);
    this.#songs = null;
    this.version += 1;
  }

  /** Takes what the server holds for all there is. */
  replace(list) {
    this.actions = (Array.isArray(list) ? list : []).map(read).filter(Boolean).slice(-MOST);
    this.#changed();
  }

  put(raw) {
    const action = read(raw);
    if (!action) return;
    this.actions = this.actions.filter((a) => a.id !== action.id).slice(1 - MOST);
    this.actions.push(action);
    this.#changed();
  }

  /** The mix was planned anew from this action on. */
  gone(id) {
    if (!Number.isFinite(id)) return;
    this.actions = this.actions.filter((a) => !(a.id >= id));
    this.#changed();
  }

  /** Forgets what is long past, unless it is shown. */
  trim(now, shown) {
    const keep = (a) =>
      a.end > now - PAST_S || (a.end > shown - AROUND_S && a.time < shown + AROUND_S);
    if (this.actions.every(keep)) return;
    this.actions = this.actions.filter(keep);
    this.#changed();
  }

  at(time) {
    return this.actions.findLast((a) => a.time <= time && time < a.end) ?? null;
  }

  between(from, to) {
    return this.actions.filter((a) => a.end > from && a.time < to);
  }

  /** Songs with the times between which they are the one that is heard: they change in the middle of a transition. */
  get songs() {
    this.#songs ??= songsOf(this.actions);
    return this.#songs;
  }

  song(time) {
    return this.songs.findLast((s) => s.from <= time && time < s.to) ?? null;
  }

  after(time) {
    return this.songs.filter((s) => s.from > time);
  }

  /** The transition that is going on or comes next. */
  transition(time) {
    const change = (a) => a.end > time && a.tracks.length === 2 && differ(a.tracks);
    return this.actions.find(change) ?? null;
  }

  /** The last beat at a time: when it was, and its place in its bar, if that is known. */
  beat(time) {
    const last = this.actions.findLastIndex((a) => a.time <= time);
    let beat = null;
    let place = 0;
    for (let i = last; i >= Math.max(0, last - 3); i -= 1) {
      const action = this.actions[i];
      if (time - action.end > 2) break;
      for (const b of action.beats.toReversed()) {
        if (b.at > time) continue;
        if (beat && b.at > beat.at - 0.1) continue;
        beat ??= b;
        if (b.strong) return { at: beat.at, place };
        place += 1;
        if (place > 12) return { at: beat.at, place: null };
      }
    }
    return beat && { at: beat.at, place: null };
  }
}

const differ = ([a, b]) => a.meta.id !== b.meta.id;

function songsOf(actions) {
  const songs = [];
  const add = (track, from, to, begins = from) => {
    const last = songs.at(-1);
    if (last && last.meta.id === track.meta.id && from - last.to < 1) {
      last.to = Math.max(last.to, to);
      return;
    }
    songs.push({ meta: track.meta, begins, from, to });
  };
  for (const a of actions) {
    if (a.tracks.length === 2) {
      const middle = a.time + a.duration / 2;
      add(a.tracks[0], a.time, middle);
      add(a.tracks[1], middle, a.end, a.time);
    } else if (a.tracks.length === 1) {
      add(a.tracks[0], a.time, a.end);
    }
  }
  return songs;
}
