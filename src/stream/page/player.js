// The sound: joining the stream, leaving it, and coming back when it breaks off.

import { Backoff } from "./clock.js";

const STALL_S = 3;
const GIVE_UP_S = 9;
const SETTLED_S = 6;
const LONGEST_WAIT_S = 12;
const LOOK_MS = 500;

/**
 * `state` is one of `idle`, `joining`, `playing`, `stalled`, `waiting` (for the next try) and
 * `paused`; `reason` says in a word why it waits: `broken`, `full` or `offline`.
 */
export class Player {
  state = "idle";
  reason = null;
  path = "/all.mp3";
  onchange = () => {};
  #audio;
  #clock;
  #backoff = new Backoff(LONGEST_WAIT_S);
  #joined = null;
  #base = null;
  #frozen = null;
  #retry = null;
  #retryAt = 0;
  #progress = { at: 0, seen: 0, since: 0 };
  #turn = 0;

  constructor(audio, clock) {
    this.#audio = audio;
    this.#clock = clock;
    const on = (name, act) => audio.addEventListener(name, () => this.wanted && act());
    on("loadstart", () => (this.#joined = clock.now() + clock.trip / 2));
    on("playing", () => this.#playing());
    on("ended", () => this.#broken());
    on("error", () => audio.hasAttribute("src") && this.#broken());
    // Headphones pulled out, or a call: the system paused it, not the page.
    on("pause", () => audio.hasAttribute("src") && audio.paused && !audio.ended && !audio.error && this.pause());
    addEventListener("online", () => this.state === "waiting" && this.#join());
    setInterval(() => this.#look(), LOOK_MS);
  }

  /** Whether the visitor wants to hear it, whatever is in the way. */
  get wanted() {
    return !["idle", "paused"].includes(this.state);
  }

  /** Seconds until the next try. */
  get wait() {
    return Math.max(0, (this.#retryAt - performance.now()) / 1000);
  }

  /** The epoch second that is heard, or stood still at; null where that is the server's clock. */
  get heard() {
    if (this.state === "paused") return this.#frozen;
    const runs = this.state === "playing" || this.state === "stalled";
    if (!runs || this.#joined === null || this.#base === null) return null;
    return this.#joined - this.#clock.burst + this.#audio.currentTime - this.#base;
  }

  toggle() {
    if (this.wanted) this.pause();
    else this.play();
  }

  play() {
    this.#backoff.reset();
    this.#join();
  }

  pause() {
    this.#frozen = this.heard ?? this.#clock.now();
    this.#set("paused");
    this.#leave();
  }

  /** Leaves the stream and joins it again where it is now. */
  rejoin() {
    if (this.wanted) this.play();
  }

  choose(path) {
    if (path === this.path) return;
    this.path = path;
    this.rejoin();
  }

  #set(state, reason = null) {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.onchange();
  }

  #leave() {
    clearTimeout(this.#retry);
    this.#joined = null;
    this.#base = null;
    this.#audio.removeAttribute("src");
    this.#audio.load();
  }

  #join() {
    this.#leave();
    this.#turn += 1;
    const turn = this.#turn;
    this.#progress = { at: performance.now(), seen: -1, since: 0 };
    this.#set("joining");
    // A number of its own keeps a browser from handing out what it still holds of the last time.
    this.#audio.src = `${this.path}?listen=${this.#turn}`;
    this.#audio.play().catch((error) => {
      if (turn !== this.#turn || !this.wanted) return;
      if (error.name === "NotAllowedError") {
        this.#set("idle");
        this.#leave();
      }
    });
  }

  #playing() {
    const { buffered } = this.#audio;
    this.#base ??= Math.min(this.#audio.currentTime, buffered.length ? buffered.start(0) : 0);
    this.#progress.since ||= performance.now();
    this.#set("playing");
  }

  async #broken() {
    const turn = this.#turn;
    this.#leave();
    this.#retryIn(this.#backoff.next(), navigator.onLine === false ? "offline" : "broken");
    const full = await this.#full();
    if (full && turn === this.#turn && this.state === "waiting") this.#set("waiting", "full");
  }

  #retryIn(seconds, reason) {
    this.#retryAt = performance.now() + seconds * 1000;
    this.#set("waiting", reason);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#join(), seconds * 1000);
  }

  /** Whether the server answers but has no room; an element says only that it failed. */
  async #full() {
    try {
      const reply = await fetch(this.path, { method: "HEAD", cache: "no-store" });
      return reply.status === 503;
    } catch {
      return false;
    }
  }

  /** Sees a stream that stands still without an error, which is what a lost connection looks like. */
  #look() {
    if (!["joining", "playing", "stalled"].includes(this.state)) return;
    const now = performance.now();
    const at = this.#audio.currentTime;
    if (at !== this.#progress.seen) {
      this.#progress.seen = at;
      this.#progress.at = now;
      if (this.state === "stalled") this.#set("playing");
      if (this.#progress.since && now - this.#progress.since > SETTLED_S * 1000) this.#backoff.reset();
      return;
    }
    const still = (now - this.#progress.at) / 1000;
    if (still > GIVE_UP_S) this.#broken();
    else if (still > STALL_S && this.state === "playing") this.#set("stalled");
  }
}
