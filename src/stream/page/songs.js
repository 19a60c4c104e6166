// The song on the air, the transition that comes, and the songs before and after.

import { Cover } from "./cover.js";
import { shades } from "./colour.js";
import * as words from "./words.js";

export const $ = (id) => document.getElementById(id);

/** Sets a text only where it differs, so that nothing is laid out or read aloud again in vain. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const inner = (id) => $(id).querySelector("bdi");

export function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export const isDark = () => getComputedStyle(document.documentElement).getPropertyValue("--dark").trim() === "1";

const tint = (element, meta) => {
  const colour = shades(meta?.colour, isDark()).base;
  if (element.style.getPropertyValue("--song") !== colour) element.style.setProperty("--song", colour);
};

/** The card of the song that is heard. */
export class Now {
  #cover = new Cover($("cover"), 400);

  show(song) {
    const meta = song?.meta;
    $("title").classList.toggle("soft", !words.clean(meta?.title));
    put(inner("title"), meta ? words.title(meta) : "Tuning in");
    put(inner("artist"), words.artist(meta) || "\u00a0");
    put($("tempo"), words.bpm(meta));
    put($("camelot"), words.clean(meta?.camelot));
    put($("key"), words.clean(meta?.key));
    put(inner("album"), words.clean(meta?.album));
    $("bar").hidden = !words.bpm(meta);
    tint(document.documentElement, meta);
    this.#cover.show(meta ?? {});
  }
}

/** One line of a list of songs; kept and filled again rather than made anew. */
class Row {
  #cover = new Cover();
  #title = make("bdi");
  #artist = make("bdi");
  #facts = make("span");
  #when = make("span");

  constructor() {
    const first = make("div", "line", make("span", "name", this.#title), this.#when);
    const second = make("div", "line", make("span", "by", this.#artist), this.#facts);
    this.element = make("li", "song", this.#cover.element, make("div", "lines", first, second));
  }

  show(meta, facts, when) {
    put(this.#title, words.title(meta));
    put(this.#artist, words.artist(meta));
    put(this.#facts, facts);
    put(this.#when, when);
    this.#cover.show(meta);
  }
}

class List {
  #host;
  #rows = [];
  #most = 0;

  constructor(host) {
    this.#host = host;
  }

  show(items) {
    while (this.#rows.length < items.length) {
      const row = new Row();
      this.#rows.push(row);
      this.#host.append(row.element);
    }
    for (const row of this.#rows.splice(items.length)) row.element.remove();
    items.forEach((item, i) => this.#rows[i].show(...item));
    // What was once needed stays reserved: a list that breathes would push the page about.
    if (items.length > this.#most) {
      this.#most = items.length;
      this.#host.style.setProperty("--rows", this.#most);
    }
    return items.length;
  }
}

const UPCOMING = 5;

export class Next {
  #list = new List($("next"));

  show(songs, time) {
    const shown = this.#list.show(
      songs.slice(0, UPCOMING).map((s) => {
        const facts = [words.bpm(s.meta), words.clean(s.meta.camelot)].filter(Boolean).join(" · ");
        const wait = Math.ceil(s.begins - time);
        return [s.meta, facts, wait > 0 ? `in ${words.clock(wait)}` : "coming in"];
      }),
    );
    $("none").hidden = shown > 0;
  }
}

const FIRST = 8;
const STEP = 16;

export class Past {
  #list = new List($("past"));
  #entries = [];
  #most = FIRST;
  #mark = null;

  constructor() {
    $("more").addEventListener("click", () => {
      this.#most += STEP;
      this.#mark = null;
    });
  }

  take(entries) {
    this.#entries = (Array.isArray(entries) ? entries : []).filter((e) => Number.isFinite(e?.time));
    this.#mark = null;
  }

  /** Shows what came before the song on the air. */
  show(song, time) {
    const until = song ? Math.min(time, song.begins - 1) : time;
    const past = this.#entries.filter((e) => e.time <= until);
    if (song && past[0]?.id === song.meta.id) past.shift();
    const mark = `${past.length} ${past[0]?.time}`;
    if (mark === this.#mark) return;
    this.#mark = mark;
    this.#list.show(past.slice(0, this.#most).map((e) => [e, "", words.time(e.time)]));
    $("more").hidden = past.length <= this.#most;
  }
}

/** The transition that goes on or comes next, and why it is as it is. */
export class Blend {
  #mark = null;

  show(action, time) {
    const under = action && action.time <= time;
    put($("blend-head"), under ? "Transition ends in" : "Next transition in");
    put($("count"), action ? words.clock(Math.ceil((under ? action.end : action.time) - time)) : "–:––");
    document.body.classList.toggle("blending", Boolean(under));
    const mark = action ? JSON.stringify([action.id, action.time, action.end, action.why]) : "";
    if (mark === this.#mark) return;
    this.#mark = mark;
    const [from, to] = action?.tracks.map((t) => t.meta) ?? [];
    $("into").replaceChildren(...(action ? [`into `, make("bdi", "", words.title(to))] : ["not planned yet"]));
    put($("how"), action ? how(action) : "–");
    put($("tempi"), action ? tempi(from, to, action.why) : "–");
    put($("keys"), action ? keys(from, to, action.why) : "–");
    put(inner("why"), words.clean(action?.why?.reason) || "–");
    this.#costs(action?.why?.costs);
  }

  #costs(costs) {
    const known = (Array.isArray(costs) ? costs : []).filter((c) => Number.isFinite(c?.[1])).slice(0, 16);
    const most = Math.max(1e-9, ...known.map((c) => Math.abs(c[1])));
    $("costs").querySelector("ul").replaceChildren(
      ...known.map(([name, value]) => {
        const bar = make("i");
        bar.style.width = `${(100 * Math.abs(value)) / most}%`;
        return make("li", "", make("bdi", "", words.clean(name)), make("span", "", bar), make("b", "", value.toFixed(2)));
      }),
    );
    $("costs").classList.toggle("empty", known.length === 0);
  }
}

function how(action) {
  const bars = action.why?.bars;
  const parts = [words.kind(action.kind)];
  if (Number.isFinite(bars) && bars > 0) parts.push(words.count(bars, "bar"));
  parts.push(`${action.duration.toFixed(action.duration < 10 ? 1 : 0)} s`);
  const text = parts.join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function tempi(from, to, why) {
  const [a, b] = [words.tempo(from?.tempo), words.tempo(to?.tempo)];
  const change = why?.tempo_change;
  const shift = Number.isFinite(change) ? ` (${words.signed(change)} %)` : "";
  return a && b ? `${a} → ${b} bpm${shift}` : shift.trim() || "–";
}

function keys(from, to, why) {
  const name = (meta) => words.clean(meta?.camelot) || words.clean(meta?.key);
  const [a, b] = [name(from), name(to)];
  if (!a || !b) return "–";
  const steps = why?.key_steps;
  const apart = !Number.isFinite(steps) ? "" : steps === 0 ? ", in key" : `, ${words.count(Math.abs(steps), "step")} apart`;
  return `${a} → ${b}${apart}`;
}
