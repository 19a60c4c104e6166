// Texts and numbers as they are shown. Tags come from strangers' files: what is returned here is
// only ever set as textContent, and cannot change the direction of the words around it.

const LONGEST = 300;
// Control characters, and the marks that turn the direction of all that follows.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2066-\u2069\ufeff]+/g;

/** One line of plain text of at most so many letters. */
export function clean(text, longest = LONGEST) {
  if (typeof text !== "string") return "";
  const line = text.replace(UNSEEN, " ").replace(/\s+/g, " ").trim();
  const letters = Array.from(line.slice(0, 2 * longest));
  return letters.length > longest ? `${letters.slice(0, longest - 1).join("")}…` : letters.join("");
}

export const title = (meta) => clean(meta?.title) || "Untitled";
export const artist = (meta) => clean(meta?.artist);

/** `1:05`, `1:02:03`. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `3 days`, `2 hours`, `less than a minute`. */
export function span(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const [name, length] of units) {
    const n = Math.floor(seconds / length);
    if (n >= 1) return count(n, name);
  }
  return "less than a minute";
}

export const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

/** The time of day, as the visitor's machine writes it. */
export const time = (epoch) =>
  new Date(epoch * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });

/** `124` or `124.5`, without a needless zero. */
export const tempo = (bpm) =>
  Number.isFinite(bpm) && bpm > 0 ? String(Math.round(bpm * 10) / 10) : "";

export const bpm = (meta) => (tempo(meta?.tempo) ? `${tempo(meta.tempo)} bpm` : "");

export function signed(x, digits = 1) {
  const text = Math.abs(x).toFixed(digits);
  if (Number(text) === 0) return `±${text}`;
  return x < 0 ? `−${text}` : `+${text}`;
}

/** `12.3 MB`. */
export function bytes(n) {
  if (!Number.isFinite(n)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  while (n >= 1000 && power < units.length - 1) {
    n /= 1000;
    power += 1;
  }
  return `${n >= 100 || power === 0 ? Math.round(n) : n.toFixed(1)} ${units[power]}`;
}

/** `MP3, 128 kbit/s`, `FLAC, lossless`. */
export function mount(entry) {
  const type = clean(entry.type);
  const names = [[/flac/, "FLAC"], [/opus|ogg/, "Opus"], [/mpeg|mp3/, "MP3"], [/wav/, "WAV"]];
  const name = names.find(([sign]) => sign.test(type))?.[1] ?? (clean(entry.path) || "Stream");
  if (Number.isFinite(entry.bitrate) && entry.bitrate > 0) {
    return `${name}, ${Math.round(entry.bitrate / 1000)} kbit/s`;
  }
  return name === "FLAC" || name === "WAV" ? `${name}, lossless` : name;
}

const KINDS = {
  Crossmatch: "beat matched",
  Crossfade: "crossfade",
  Blend: "blend",
  Jump: "jump",
  Loop: "bars again",
  FadeIn: "fade in",
  FadeOut: "fade out",
};

export const kind = (action) => KINDS[action] ?? clean(action).toLowerCase();
