// A number over the last ten minutes.

const SPAN_S = 600;
const EACH_S = 1;
const PAD = 4;

export class Chart {
  #value;
  #range;
  #canvas;
  #say;
  #points = [];
  #line = null;
  #pointer = null;

  /** `say` puts a number into words; `floor` is a value that is always in sight. */
  constructor(section, say, floor = 0) {
    this.#value = section.querySelector(".value");
    this.#range = section.querySelector(".range");
    this.#canvas = section.querySelector("canvas");
    this.#say = say;
    this.floor = floor;
    const move = (x) => {
      this.#pointer = x;
      this.draw();
    };
    this.#canvas.addEventListener("pointermove", (event) => move(event.offsetX));
    this.#canvas.addEventListener("pointerleave", () => move(null));
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
  }

  /** Takes a value, and a line to hold it against. */
  add(time, value, aside = "", line = null) {
    if (!Number.isFinite(value) || !Number.isFinite(time)) return;
    const points = this.#points;
    // A server that was set back in time begins anew.
    if (points.length && time < points.at(-1).time) points.length = 0;
    if (points.length > 1 && time - points.at(-2).time < EACH_S) points.pop();
    points.push({ time, value });
    while (points[0].time < time - SPAN_S) points.shift();
    this.#line = line;
    const small = document.createElement("small");
    small.textContent = aside ? ` ${aside}` : "";
    this.#value.replaceChildren(this.#say(value), small);
    this.draw();
  }

  draw() {
    const canvas = this.#canvas;
    const { clientWidth: width, clientHeight: height } = canvas;
    const points = this.#points;
    if (!width || points.length === 0) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    const values = points.map((p) => p.value);
    const ends = [...values, this.floor, ...(this.#line === null ? [] : [this.#line])];
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    const last = points.at(-1).time;
    const frame = {
      width, height,
      x: (t) => width - ((last - t) / SPAN_S) * width,
      y: (v) => height - PAD - ((v - low) / (high - low || 1)) * (height - 2 * PAD),
    };
    this.#strokes(ctx, frame);
    const near = this.#pointer === null ? null : this.#nearest(frame);
    if (near) {
      ctx.beginPath();
      ctx.arc(frame.x(near.time), frame.y(near.value), 3.5, 0, 2 * Math.PI);
      ctx.fill();
      this.#range.textContent = `${this.#say(near.value)}, ${Math.round(last - near.time)} s ago`;
    } else {
      this.#range.textContent = `${this.#say(Math.min(...values))} to ${this.#say(Math.max(...values))}`;
    }
  }

  #strokes(ctx, { width, height, x, y }) {
    const style = getComputedStyle(this.#canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const level = (value, dash) => {
      ctx.setLineDash(dash);
      ctx.beginPath();
      ctx.moveTo(0, y(value));
      ctx.lineTo(width, y(value));
      ctx.stroke();
      ctx.setLineDash([]);
    };
    ctx.strokeStyle = colour("--rule");
    level(this.floor, []);
    if (this.#line !== null) {
      ctx.strokeStyle = colour("--soft");
      level(this.#line, [4, 4]);
    }
    ctx.beginPath();
    for (const p of this.#points) ctx.lineTo(x(p.time), y(p.value));
    ctx.strokeStyle = colour("--link");
    ctx.fillStyle = colour("--link");
    ctx.lineWidth = 1.75;
    ctx.lineJoin = "round";
    ctx.stroke();
    ctx.lineTo(width, y(this.floor));
    ctx.lineTo(x(this.#points[0].time), y(this.floor));
    ctx.globalAlpha = 0.1;
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  #nearest({ x }) {
    const away = (p) => Math.abs(x(p.time) - this.#pointer);
    return this.#points.reduce((a, b) => (away(b) < away(a) ? b : a));
  }
}
