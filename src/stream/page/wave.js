// The mix as it runs past: bars in the songs' colours, beats below, names above.

import { shades } from "./colour.js";
import { title } from "./words.js";

const CELL_S = 0.2;
const PLAYHEAD = 1 / 3;
const LABELS = 30;
const BEATS = 24;
const LABEL_GAP = 20;
const LABEL_MOST = 340;
const PULSE_S = 0.28;

/** Loud songs have peaks near the top all along; this shows how they breathe. */
const SHAPE = 1.7;

export class Wave {
  #canvas;
  #ctx;
  #timeline;
  #size = { width: 0, height: 0 };
  #theme = null;
  #inSight = true;
  #last = null;
  #fills = new Map();
  #names = new Map();
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(canvas, timeline) {
    this.#canvas = canvas;
    this.#ctx = canvas.getContext("2d");
    this.#timeline = timeline;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    new IntersectionObserver(([seen]) => (this.#inSight = seen.isIntersecting)).observe(canvas);
    this.#resize();
  }

  /** Reads the page's colours anew. */
  retheme() {
    this.#theme = null;
    this.#fills.clear();
    this.#names.clear();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = Math.min(3, devicePixelRatio || 1);
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== w || this.#canvas.height !== h) {
      this.#canvas.width = w;
      this.#canvas.height = h;
    }
    this.#size = { width, height, ratio };
    this.retheme();
    // A canvas that changes its size is wiped.
    if (this.#last !== null) this.draw(this.#last);
  }

  /** Pixels a second: about half a minute on a screen, a quarter on a phone. */
  get #pace() {
    const { width } = this.#size;
    return width < 640 ? 15 : Math.min(32, Math.max(22, width / 50));
  }

  #colours() {
    if (this.#theme) return this.#theme;
    const style = getComputedStyle(this.#canvas);
    const of = (name) => style.getPropertyValue(name).trim();
    const family = style.fontFamily;
    this.#theme = {
      dark: of("--dark") === "1",
      ground: of("--stage"),
      ink: of("--ink"),
      soft: of("--soft"),
      rule: of("--rule"),
      label: `600 13px ${family}`,
    };
    return this.#theme;
  }

  /** A vertical gradient of a song's colour, lightest in the middle. */
  #fill(meta, middle, reach) {
    let fill = this.#fills.get(meta.colour);
    if (fill) return fill;
    const { base, light, deep } = shades(meta.colour, this.#colours().dark);
    fill = this.#ctx.createLinearGradient(0, middle - reach, 0, middle + reach);
    for (const [at, colour] of [[0, light], [0.5, base], [1, deep]]) fill.addColorStop(at, colour);
    if (this.#fills.size > 200) this.#fills.clear();
    this.#fills.set(meta.colour, fill);
    return fill;
  }

  /** Draws what is heard at `time` at the playhead. */
  draw(time) {
    const { width, height, ratio } = this.#size;
    this.#last = time;
    if (!width || !height || !this.#inSight) return;
    const now = this.#calm.matches ? Math.floor(time) : time;
    const ctx = this.#ctx;
    const pace = this.#pace;
    const head = Math.round(width * PLAYHEAD);
    const view = {
      now, pace, head, width, height,
      from: now - head / pace,
      to: now + (width - head) / pace,
      x: (t) => head + (t - now) * pace,
      middle: LABELS + (height - LABELS - BEATS) / 2,
      reach: (height - LABELS - BEATS) / 2 - 2,
    };
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    const actions = this.#timeline.between(view.from - 1, view.to + 1);
    this.#transitions(view, actions);
    this.#bars(view, actions);
    this.#beats(view, actions);
    this.#past(view);
    this.#labels(view);
    this.#playhead(view);
  }

  #transitions(view, actions) {
    const ctx = this.#ctx;
    ctx.fillStyle = this.#colours().ink;
    ctx.globalAlpha = 0.05;
    for (const a of actions) {
      if (a.tracks.length !== 2) continue;
      const x = view.x(a.time);
      ctx.fillRect(x, LABELS - 4, view.x(a.end) - x, view.height - LABELS + 4);
    }
    ctx.globalAlpha = 1;
  }

  #bars(view, actions) {
    const wide = Math.max(2, view.pace * CELL_S * 0.64);
    const first = Math.floor(view.from / CELL_S);
    const last = Math.ceil(view.to / CELL_S);
    const runs = new Map();
    let i = 0;
    for (let cell = first; cell <= last; cell += 1) {
      const at = (cell + 0.5) * CELL_S;
      while (i < actions.length && actions[i].end <= at) i += 1;
      const action = actions[i] && actions[i].time <= at ? actions[i] : null;
      const x = view.x(at) - wide / 2;
      if (action?.tracks.length === 2) this.#blended(view, action, at, x, wide);
      else this.#gather(runs, action?.tracks[0], action, at, [x, wide]);
    }
    for (const [meta, bars] of runs) this.#paint(view, meta, bars, 1);
  }

  /** Collects the bars of one song, to be painted in one go. */
  #gather(runs, track, action, at, [x, wide]) {
    const meta = track?.meta ?? null;
    if (!runs.has(meta)) runs.set(meta, []);
    runs.get(meta).push([x, wide, track ? level(track, action, at) : 0]);
  }

  #paint(view, meta, bars, alpha) {
    const ctx = this.#ctx;
    ctx.globalAlpha = alpha;
    ctx.fillStyle = meta ? this.#fill(meta, view.middle, view.reach) : this.#colours().rule;
    ctx.beginPath();
    for (const [x, wide, height] of bars) {
      const half = Math.max(1, height * view.reach);
      ctx.roundRect(x, view.middle - half, wide, 2 * half, Math.min(wide / 2, half));
    }
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  /** Both songs in one bar: what they share in both colours, the rest in that of the louder. */
  #blended(view, action, at, x, wide) {
    const [a, b] = action.tracks;
    const share = (at - action.time) / action.duration;
    const [la, lb] = [level(a, action, at), level(b, action, at)];
    const [louder, weight] = la > lb ? [a, 1 - share] : [b, share];
    const both = Math.min(la, lb);
    this.#paint(view, louder.meta, [[x, wide, Math.max(la, lb)]], 0.35 + 0.65 * weight);
    this.#paint(view, a.meta, [[x, wide, both]], 1);
    this.#paint(view, b.meta, [[x, wide, both]], share);
  }

  #beats(view, actions) {
    const ctx = this.#ctx;
    const { soft, ink } = this.#colours();
    const floor = view.height - 4;
    for (const strong of [false, true]) {
      ctx.fillStyle = strong ? ink : soft;
      ctx.globalAlpha = strong ? 0.75 : 0.4;
      const [wide, tall] = strong ? [1.5, 11] : [1, 6];
      for (const beat of actions.flatMap((a) => a.beats)) {
        if (beat.strong === strong) ctx.fillRect(view.x(beat.at) - wide / 2, floor - tall, wide, tall);
      }
    }
    ctx.globalAlpha = 1;
  }

  #past(view) {
    const ctx = this.#ctx;
    ctx.globalAlpha = 0.62;
    ctx.fillStyle = this.#colours().ground;
    ctx.fillRect(0, 0, view.head, view.height);
    ctx.globalAlpha = 1;
  }

  /** Each song's name where it takes over; the one on the air stays in sight until it is pushed out. */
  #labels(view) {
    const ctx = this.#ctx;
    const { ink, soft, label } = this.#colours();
    ctx.font = label;
    ctx.textBaseline = "middle";
    let edge = Infinity;
    const songs = this.#timeline.songs.filter((s) => s.to > view.from && s.from < view.to);
    for (const song of songs.toReversed()) {
      const start = view.x(song.from);
      const { text, wide } = this.#name(song.meta);
      const x = Math.min(Math.max(16, start + 8), edge - wide - LABEL_GAP);
      edge = Math.min(edge, start);
      if (x + wide < 0) continue;
      const on = song.from <= view.now && view.now < song.to;
      ctx.fillStyle = on ? ink : soft;
      ctx.fillText(text, x, LABELS / 2);
      ctx.fillStyle = this.#fill(song.meta, view.middle, view.reach);
      if (start > 0) ctx.fillRect(start - 1, 6, 2, view.height - 6 - BEATS);
    }
  }

  #name(meta) {
    const found = this.#names.get(meta);
    if (found) return found;
    const ctx = this.#ctx;
    const most = Math.min(LABEL_MOST, this.#size.width * 0.55);
    let text = title(meta);
    if (ctx.measureText(text).width > most) {
      const letters = Array.from(text);
      let [low, high] = [1, letters.length];
      while (low < high) {
        const half = Math.ceil((low + high) / 2);
        const fits = ctx.measureText(`${letters.slice(0, half).join("")}…`).width <= most;
        [low, high] = fits ? [half, high] : [low, half - 1];
      }
      text = `${letters.slice(0, low).join("").trimEnd()}…`;
    }
    const name = { text, wide: ctx.measureText(text).width };
    if (this.#names.size > 200) this.#names.clear();
    this.#names.set(meta, name);
    return name;
  }

  #playhead(view) {
    const ctx = this.#ctx;
    const beat = this.#calm.matches ? null : this.#timeline.beat(view.now);
    const since = beat ? view.now - beat.at : Infinity;
    const pulse = Math.max(0, 1 - since / PULSE_S) ** 2;
    ctx.fillStyle = this.#colours().ink;
    const low = view.height - BEATS / 2;
    ctx.fillRect(view.head - 1, LABELS - 4, 2, low - LABELS + 4);
    ctx.beginPath();
    ctx.arc(view.head, low, 4 + 3 * pulse, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function level(track, action, at) {
  const n = track.peaks.length;
  if (n === 0) return 0;
  const i = Math.floor(((at - action.time) / action.duration) * n);
  return (track.peaks[Math.min(n - 1, Math.max(0, i))] / 255) ** SHAPE;
}
