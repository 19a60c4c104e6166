// Cover art, or bars in the song's colour where there is none.

import { shades } from "./colour.js";

const BARS = 12;

/** Numbers in 0..1 that are always the same for a song. */
function* scatter(text) {
  let state = 2166136261;
  for (const letter of String(text)) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  for (;;) {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9;
    yield ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  }
}

function paint(canvas, meta) {
  const side = canvas.width;
  const ctx = canvas.getContext("2d");
  const { base, deep } = shades(meta.colour, false);
  const ground = ctx.createLinearGradient(0, 0, side, side);
  ground.addColorStop(0, base);
  ground.addColorStop(1, deep);
  ctx.fillStyle = ground;
  ctx.fillRect(0, 0, side, side);
  ctx.fillStyle = "rgb(255 255 255 / 0.82)";
  const heights = scatter(meta.id ?? "");
  const step = (side * 0.68) / BARS;
  for (let i = 0; i < BARS; i += 1) {
    const swell = Math.sin((Math.PI * (i + 0.5)) / BARS);
    const tall = side * (0.06 + 0.5 * swell * (0.25 + 0.75 * heights.next().value));
    ctx.beginPath();
    ctx.roundRect(side * 0.16 + i * step, (side - tall) / 2, step * 0.55, tall, step * 0.27);
    ctx.fill();
  }
}

/** Only ever a path of this server: artwork of a song is not fetched from anywhere else. */
function local(url) {
  return typeof url === "string" && /^\/artwork\/[\w.-]+$/.test(url) ? url : null;
}

export class Cover {
  #canvas = document.createElement("canvas");
  #image = document.createElement("img");
  #shown = null;

  constructor(host = document.createElement("span"), side = 112) {
    this.element = host;
    host.className = "cover";
    this.#canvas.width = side;
    this.#canvas.height = side;
    this.#canvas.setAttribute("aria-hidden", "true");
    this.#image.alt = "";
    this.#image.decoding = "async";
    this.#image.hidden = true;
    this.#image.addEventListener("load", () => (this.#image.hidden = false));
    host.append(this.#canvas, this.#image);
  }

  show(meta) {
    const mark = `${meta.id} ${meta.colour} ${meta.artwork_url}`;
    if (mark === this.#shown) return;
    this.#shown = mark;
    paint(this.#canvas, meta);
    const url = local(meta.artwork_url);
    this.#image.hidden = true;
    if (url) this.#image.src = url;
    else this.#image.removeAttribute("src");
  }
}
