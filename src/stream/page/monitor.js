// How the station is doing, twice a second.

import { Chart } from "./chart.js";
import { Backoff, ask } from "./clock.js";
import { theme } from "./controls.js";
import { $, make, put } from "./songs.js";
import * as words from "./words.js";

const MOST_ROWS = 100;
const SILENT_S = 5;
const CPU_OVER_S = 10;
const OLD_S = 60;

const number = (n) => (Number.isFinite(n) ? n.toLocaleString("en") : "–");
const seconds = (s) => (Number.isFinite(s) ? `${s.toFixed(1)} s` : "–");
const started = (epoch) =>
  new Date(epoch * 1000).toLocaleString([], { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const list = (x) => (Array.isArray(x) ? x : []);

const charts = {
  listeners: new Chart($("listeners-chart"), number),
  lead: new Chart($("lead-chart"), seconds),
  drift: new Chart($("drift-chart"), (ms) => `${words.signed(ms)} ms`),
  memory: new Chart($("memory-chart"), words.bytes),
};

/** Rows that are filled again rather than made anew. A cell is a text, or a text and a class. */
function fill(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, i) => {
    const row = body.rows[i] ?? body.insertRow();
    cells.forEach((cell, j) => {
      const [content, className] = Array.isArray(cell) ? cell : [cell, ""];
      const at = row.cells[j] ?? row.insertCell();
      at.className = className;
      if (content instanceof Gauge) content.show(at);
      else put(at, content);
    });
  });
}

/** A bar as long as a queue, and a mark where it should be. */
class Gauge {
  constructor(value, target) {
    this.value = value;
    this.target = target;
  }

  show(cell) {
    let bar = cell.querySelector(".gauge");
    if (!bar) {
      bar = make("span", "gauge", make("i"), make("b"));
      cell.replaceChildren(bar);
    }
    const whole = Math.max(this.target * 1.5, this.value, 1e-9);
    bar.classList.toggle("low", this.value < this.target / 2);
    bar.children[0].style.width = `${(100 * Math.max(0, this.value)) / whole}%`;
    bar.children[1].style.left = `calc(${(100 * this.target) / whole}% - 1px)`;
    bar.children[1].hidden = !(this.target > 0);
  }
}

const cpu = [];

/** The share of one core, over the last seconds. */
function processor(time, used) {
  if (!Number.isFinite(used)) return "–";
  if (cpu.length && used < cpu.at(-1).used) cpu.length = 0;
  cpu.push({ time, used });
  while (cpu.length > 2 && cpu[0].time < time - CPU_OVER_S) cpu.shift();
  const passed = time - cpu[0].time;
  return passed > 0 ? `${((100 * (used - cpu[0].used)) / passed).toFixed(1)} %` : "–";
}

/** How often something was, and for how long in all. */
const times = (count, lasted) => (count > 0 ? `${number(count)}, ${words.clock(lasted ?? 0)}` : number(count));

function showNumbers(m) {
  const { songs = {}, info = {}, filler = {} } = m;
  const values = {
    underruns: number(m.underruns),
    extended: times(m.extended, m.extended_seconds),
    filler: times(filler.times, filler.seconds),
    known: number(songs.known),
    waiting: number(songs.waiting),
    broken: number(songs.broken),
    cpu: processor(m.time, m.cpu_seconds),
    uptime: words.clock(m.uptime),
    started: Number.isFinite(info.started) ? started(info.started) : "–",
    planned: Number.isFinite(info.duration) ? words.clock(info.duration) : "–",
    actions: number(info.actions),
    behind: seconds(Math.max(...list(m.listeners).map((one) => one.behind ?? 0))),
    samples: number(info.samples),
  };
  for (const [id, text] of Object.entries(values)) put($(id), text);
  $("underruns").classList.toggle("bad", m.underruns > 0);
  $("extended").classList.toggle("bad", songs.late === true);
  $("filler").classList.toggle("bad", filler.now === true);
  $("broken").classList.toggle("bad", songs.broken > 0);
}

function showMounts(m) {
  const queues = Object.entries(m.queues ?? {});
  fill($("queues"), queues.map(([path, queue]) => {
    const encode = m.encode?.[path] ?? {};
    const share = Number.isFinite(encode.seconds) && m.uptime > 0 ? (100 * encode.seconds) / m.uptime : null;
    return [
      words.clean(path),
      [new Gauge(queue.seconds ?? 0, m.target ?? 0), "grow"],
      [seconds(queue.seconds), "n"],
      [number(queue.packets), "n"],
      [seconds(encode.seconds), "n"],
      [share === null ? "–" : `${share.toFixed(1)} %`, "n"],
      [words.bytes(encode.bytes), "n"],
    ];
  }));
}

function showListeners(all) {
  const sorted = all.toSorted((a, b) => (b.behind ?? 0) - (a.behind ?? 0));
  fill($("hearing"), sorted.slice(0, MOST_ROWS).map((one) => [
    words.clean(one.address),
    words.clean(one.mount),
    [words.clean(one.agent) || "–", "grow"],
    [words.clock(one.seconds ?? 0), "n"],
    [words.bytes(one.bytes), "n"],
    [seconds(one.behind), "n"],
  ]));
  const more = sorted.length - MOST_ROWS;
  put($("others"), sorted.length === 0 ? "Nobody listens." : more > 0 ? `And ${number(more)} more, less far behind.` : "");
}

function showRelays(relays, time) {
  $("relay-block").hidden = relays.length === 0;
  fill($("relaying"), relays.map((relay) => {
    const ago = Math.max(0, time - relay.seen);
    return [
      [words.clean(relay.url), "grow"],
      [number(relay.listeners), "n"],
      [number(relay.weight), "n"],
      [Number.isFinite(ago) ? `${words.clock(ago)} ago` : "–", ago > OLD_S ? "n bad" : "n"],
    ];
  }));
}

function show(m) {
  const listeners = list(m.listeners);
  charts.listeners.add(m.time, listeners.length);
  charts.lead.add(m.time, m.lead, Number.isFinite(m.target) ? `of ${m.target.toFixed(0)} s` : "", m.target ?? null);
  charts.drift.add(m.time, m.drift_ms);
  charts.memory.add(m.time, m.memory_bytes);
  showNumbers(m);
  showMounts(m);
  showListeners(listeners);
  showRelays(list(m.relays), m.time);
}

// ---- the line to the server ----

const waits = new Backoff();
let heard = 0;
let socket = null;

function say(text, up) {
  put($("link"), text);
  $("link").classList.toggle("up", up);
}

function connect() {
  const line = new WebSocket(new URL("/monitor.websocket", location.href.replace(/^http/, "ws")));
  socket = line;
  heard = performance.now();
  line.addEventListener("message", (event) => {
    heard = performance.now();
    waits.reset();
    say("Live", true);
    let m;
    try {
      m = JSON.parse(event.data);
    } catch {
      return;
    }
    if (Number.isFinite(m?.time)) show(m);
  });
  line.addEventListener("close", () => {
    if (line !== socket) return;
    socket = null;
    const wait = waits.next();
    say(`Reconnecting in ${Math.ceil(wait)} s`, false);
    setTimeout(connect, wait * 1000);
  });
}

/** A line that was cut without a word says nothing for a while. */
setInterval(() => {
  if (socket && performance.now() - heard > SILENT_S * 1000) socket.close();
}, 1000);

theme(() => Object.values(charts).forEach((chart) => chart.draw()));
connect();
ask("/station.json")
  .then((about) => put($("station").firstChild, words.clean(about.name) || "Evermix"))
  .catch(() => {});
