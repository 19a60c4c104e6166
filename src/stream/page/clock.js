// The server's clock as seen from here, and asking the server for things.

const KEEP = 8;
const PATIENCE_MS = 10_000;

/** Seconds of this machine's steady clock, which no one sets. */
const steady = () => (performance.timeOrigin + performance.now()) / 1000;

export async function ask(path) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const reply = await fetch(path, { signal: abort.signal, cache: "no-store" });
    if (!reply.ok) throw Object.assign(new Error(`${path}: ${reply.status}`), { status: reply.status });
    return await reply.json();
  } finally {
    clearTimeout(timer);
  }
}

/** Waits that double from one second to the longest, never quite alike. */
export class Backoff {
  #longest;
  #tries = 0;

  constructor(longest = 30) {
    this.#longest = longest;
  }

  next() {
    const base = Math.min(this.#longest, 2 ** this.#tries);
    this.#tries += 1;
    return base * (0.85 + 0.3 * Math.random());
  }

  reset() {
    this.#tries = 0;
  }
}

export class Clock {
  /** Seconds a new listener gets at once, all of them already past. */
  burst = 0;
  #samples = [];

  /** The quickest of the last replies says most about the server's time. */
  get #best() {
    return this.#samples.reduce((a, b) => (b.trip < a.trip ? b : a), this.#samples[0]);
  }

  get known() {
    return this.#samples.length > 0;
  }

  /** Seconds for a request and its answer. */
  get trip() {
    return this.#best?.trip ?? 0;
  }

  /** The server's epoch seconds; this machine's until the server has told. */
  now() {
    return this.known ? steady() + this.#best.offset : Date.now() / 1000;
  }

  async refresh() {
    const before = steady();
    const reply = await ask("/timing.json");
    const after = steady();
    if (!Number.isFinite(reply.time)) return;
    const sample = { trip: after - before, offset: reply.time / 1000 - (before + after) / 2 };
    // A machine that slept has lost time: what was known before is wrong.
    if (this.known && Math.abs(sample.offset - this.#best.offset) > 0.5 + sample.trip) {
      this.#samples = [];
    }
    this.#samples = [...this.#samples.slice(1 - KEEP), sample];
    if (Number.isFinite(reply.burst)) this.burst = Math.max(0, reply.burst);
  }
}
