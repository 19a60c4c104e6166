// Puts the page together: what the server says, what is heard, and what is shown of both.

import { Clock, ask } from "./clock.js";
import { keys, mediaKeys, remembered, theme, volume } from "./controls.js";
import { elsewhere, prepare } from "./elsewhere.js";
import { Link } from "./link.js";
import { Player } from "./player.js";
import { $, Blend, Next, Now, Past, put } from "./songs.js";
import { Timeline } from "./timeline.js";
import { Wave } from "./wave.js";
import * as words from "./words.js";

const CLOCK_MS = 30_000;
const TICK_MS = 200;
const HISTORY_SLACK_MS = 1_500;
const FRAME_MS = 28;
const JUMP_S = 8;
const EASE_S = 0.25;
const LATE_S = 12;

const clock = new Clock();
const timeline = new Timeline();
const link = new Link(clock, timeline);
const player = new Player($("audio"), clock);
const wave = new Wave($("wave"), timeline);
const [now, blend, next, past] = [new Now(), new Blend(), new Next(), new Past()];
const station = { name: "Evermix", since: null };
let onAir = null;

/** The moment of the mix that is shown: what is heard, or what the server plays. */
const moment = () => player.heard ?? clock.now();

// ---- what the server says ----

function listeners(n) {
  const some = Number.isFinite(n) && n > 0;
  $("listeners").classList.toggle("none", !some);
  if (some) put($("heads"), n.toLocaleString("en"));
}

async function history() {
  try {
    past.take(await ask("/history.json"));
  } catch {
    // The list stays as it is; the next song asks again.
  }
}

async function introduce() {
  try {
    const about = await ask("/station.json");
    station.name = words.clean(about.name) || station.name;
    station.since = about.since;
    put($("station").firstChild, station.name);
    put($("tagline").firstChild, words.clean(about.tagline));
  } catch {
    // The name in the page will do.
  }
}

async function mounts() {
  let list;
  try {
    list = await ask("/mounts.json");
  } catch {
    return;
  }
  list = list.filter((m) => typeof m.path === "string" && /^\/[\w.-]+$/.test(m.path));
  elsewhere(list);
  const playable = list.filter((m) => $("audio").canPlayType(words.clean(m.type)) !== "");
  const select = $("mount");
  select.replaceChildren(...playable.map((m) => new Option(words.mount(m), m.path)));
  if (playable.length === 0) return;
  const wished = remembered.get("mount");
  select.value = playable.some((m) => m.path === wished) ? wished : playable[0].path;
  select.disabled = playable.length < 2;
  player.choose(select.value);
}

// ---- what is said about the state ----

const wait = () => `Trying again in ${Math.max(1, Math.ceil(player.wait))} s.`;
const REASONS = {
  broken: ["Connection lost", wait],
  full: ["At capacity", () => `All places are taken. ${wait()}`],
  offline: ["You are offline", wait],
};
const LATE = "What is shown may be late: the page is reconnecting.";
const LINKS = {
  joining: ["Tuning in", ""],
  down: ["Reconnecting", "The station does not answer. Trying again."],
  full: ["At capacity", "The station has no room at the moment. Trying again."],
};

function state() {
  if (player.state === "waiting") {
    const [what, detail] = REASONS[player.reason];
    return [what, detail()];
  }
  if (player.state === "joining") return ["Joining", "The stream is on its way."];
  if (player.state === "stalled") return ["Stalled", "The stream has stopped. Waiting for it."];
  if (link.state !== "up" && player.state === "playing") return ["Playing", LATE];
  if (link.state !== "up") return LINKS[link.state];
  const late = clock.now() - moment();
  if (player.state === "paused") return ["Paused", "The mix goes on. Play joins it where it is."];
  if (player.state !== "playing") return ["On the air", "Press play, or the space bar, to join."];
  if (late > clock.burst + LATE_S) return ["Playing", `${words.clock(late)} behind. Pause and play catches up.`];
  return ["Live", ""];
}

function showState(song, time) {
  const [what, detail] = state();
  put($("state"), what);
  let more = detail;
  if (what === "Live" && song) more = `${words.clock(time - song.from)} of this song`;
  put($("detail"), more);
  document.body.dataset.state = link.state === "up" || player.wanted ? player.state : "down";
}

function showTitle(song) {
  const parts = song ? [words.title(song.meta), words.artist(song.meta)] : [];
  const name = parts.filter(Boolean).map((part) => words.clean(part, 80)).join(" – ");
  const sign = player.state === "playing" ? "▶ " : "";
  const text = name ? `${sign}${name} · ${station.name}` : station.name;
  if (document.title !== text) document.title = text;
}

function announce(song) {
  const by = words.artist(song.meta);
  put($("said"), `Now playing: ${words.title(song.meta)}${by ? ` by ${by}` : ""}`);
  if (!navigator.mediaSession) return;
  const art = song.meta.artwork_url;
  navigator.mediaSession.metadata = new MediaMetadata({
    title: words.title(song.meta),
    artist: by,
    album: words.clean(song.meta.album) || station.name,
    artwork: typeof art === "string" && art.startsWith("/artwork/") ? [{ src: art }] : [],
  });
}

/** Texts and cards; works in hidden tabs too, where nothing is drawn. */
function tick() {
  const time = moment();
  timeline.trim(clock.now(), time);
  link.look();
  const song = timeline.song(time);
  const mark = song && `${song.meta.id} ${Math.round(song.from / 5)}`;
  if (mark !== onAir) {
    onAir = mark;
    if (song) announce(song);
    setTimeout(history, HISTORY_SLACK_MS);
  }
  now.show(song);
  blend.show(timeline.transition(time), time);
  next.show(timeline.after(time), time);
  past.show(song, time);
  showState(song, time);
  showTitle(song);
  const share = song ? Math.min(1, Math.max(0, (time - song.from) / (song.to - song.from))) : 0;
  $("ring").style.strokeDashoffset = String(100 - 100 * share);
  const up = station.since ? clock.now() - station.since : 0;
  put($("since"), up > 60 ? `On the air for ${words.span(up)}` : "");
}

// ---- what is drawn ----

let shown = null;
let before = 0;

/** Follows the moment evenly: a player's clock goes in steps, and small corrections should not jerk. */
function follow(seconds) {
  const goal = moment();
  if (shown === null || Math.abs(goal - shown) > JUMP_S) shown = goal;
  else if (player.state === "paused" || player.state === "stalled") shown = goal;
  else {
    shown += seconds;
    shown += (goal - shown) * (1 - Math.exp(-seconds / EASE_S));
  }
  return shown;
}

const dots = [...$("bar").children];
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function showBeat(time) {
  const beat = calm.matches ? null : timeline.beat(time);
  const fresh = beat && time - beat.at < 2 ? beat.place : null;
  dots.forEach((dot, i) => dot.classList.toggle("on", fresh !== null && fresh % 4 === i));
}

function frame(stamp) {
  requestAnimationFrame(frame);
  // Half of a screen's pictures are enough for some pixels a second, and half the work.
  if (stamp - before < FRAME_MS) return;
  const time = follow(Math.min(1, (stamp - before) / 1000));
  before = stamp;
  wave.draw(time);
  showBeat(time);
}

// ---- what the visitor does ----

function showPlayer() {
  const name = player.wanted ? "Pause" : "Play";
  $("play").setAttribute("aria-label", name);
  $("play").classList.toggle("on", player.wanted);
  if (navigator.mediaSession) navigator.mediaSession.playbackState = player.wanted ? "playing" : "paused";
  tick();
}

player.onchange = showPlayer;
link.onlisteners = listeners;
link.onup = () => Promise.all([introduce(), mounts(), history()]);
$("play").addEventListener("click", () => player.toggle());
$("mount").addEventListener("change", () => {
  remembered.set("mount", $("mount").value);
  player.choose($("mount").value);
});
const refresh = () => clock.refresh().catch(() => {});
setInterval(refresh, CLOCK_MS);
addEventListener("online", refresh);
document.addEventListener("visibilitychange", () => document.hidden || refresh());

volume($("audio"));
keys(player, $("audio"));
mediaKeys(player);
theme(() => {
  wave.retheme();
  tick();
});
prepare();
link.connect();
setInterval(tick, TICK_MS);
requestAnimationFrame(frame);
