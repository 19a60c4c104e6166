// The line to the server on which it tells what it plans.

import { Backoff, ask } from "./clock.js";

const SILENT_MS = 15_000;

/** `state` is `joining`, `up`, `down` or `full`; while it is not up, what is shown may be old. */
export class Link {
  state = "joining";
  onlisteners = () => {};
  onup = () => {};
  #clock;
  #timeline;
  #source = null;
  #waits = new Backoff();
  #early = null;
  #timer = null;
  #since = 0;

  constructor(clock, timeline) {
    this.#clock = clock;
    this.#timeline = timeline;
  }

  connect() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const source = new EventSource("/events");
    this.#source = source;
    source.addEventListener("open", () => this.#opened(source));
    source.addEventListener("error", () => this.#lost(source, "down"));
    this.#heed("segment", (data) => this.#timeline.put(data));
    this.#heed("gone", (data) => this.#timeline.gone(data.from));
    this.#heed("listener_count", (data) => this.onlisteners(data.listener_count));
  }

  /** A line can be dead without a word, after a sleep say: then the plan runs out. */
  look() {
    if (this.state !== "up" || this.#timeline.at(this.#clock.now())) this.#since = performance.now();
    else if (performance.now() - this.#since > SILENT_MS) {
      this.#since = performance.now();
      this.connect();
    }
  }

  #heed(name, act) {
    this.#source.addEventListener(name, (event) => {
      let data;
      try {
        data = JSON.parse(event.data);
      } catch {
        return;
      }
      act(data);
      this.#early?.push(() => act(data));
    });
  }

  async #opened(source) {
    try {
      await this.#load();
      if (source !== this.#source) return;
      this.#waits.reset();
      this.state = "up";
      this.onup();
    } catch (error) {
      this.#lost(source, error.status === 503 ? "full" : "down");
    }
  }

  /** Fetches all there is; what is announced meanwhile is newer and goes on top. */
  async #load() {
    const early = [];
    this.#early = early;
    if (!this.#clock.known) await this.#clock.refresh();
    this.#timeline.replace(await ask("/all.json"));
    for (const act of early) act();
    if (this.#early === early) this.#early = null;
  }

  /** Tries again later; a source would do so by itself, but not after an answer that is no stream. */
  async #lost(source, how) {
    if (source !== this.#source) return;
    source.close();
    this.#source = null;
    this.#early = null;
    this.state = how;
    this.#timer = setTimeout(() => this.connect(), this.#waits.next() * 1000);
    if (how === "down" && (await this.#full()) && this.state === "down") this.state = "full";
  }

  /** Why a source failed is not told to a page; a plain question is answered. */
  async #full() {
    try {
      await ask("/all.json?now=1");
      return false;
    } catch (error) {
      return error.status === 503;
    }
  }
}
