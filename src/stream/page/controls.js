// What a visitor can set: volume, theme, keys; and what is remembered of it.

import { $, isDark } from "./songs.js";

export const remembered = {
  get(name) {
    try {
      return localStorage.getItem(`evermix-${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(`evermix-${name}`);
      else localStorage.setItem(`evermix-${name}`, value);
    } catch {
      // A visitor without storage chooses again next time.
    }
  },
};

function mute(audio, muted = !audio.muted) {
  audio.muted = muted;
  $("mute").setAttribute("aria-pressed", String(muted));
}

export function volume(audio) {
  const slider = $("volume");
  const stored = remembered.get("volume");
  if (stored !== null && Number.isFinite(Number(stored))) slider.value = stored;
  const apply = () => {
    audio.volume = Number(slider.value);
    slider.style.setProperty("--at", `${100 * slider.value}%`);
  };
  apply();
  // Some phones leave the volume to their keys; a slider that does nothing is not shown.
  slider.hidden = Math.abs(audio.volume - Number(slider.value)) > 0.01;
  slider.addEventListener("input", () => {
    apply();
    mute(audio, false);
    remembered.set("volume", slider.value);
  });
  $("mute").addEventListener("click", () => mute(audio));
}

/** Space and M, wherever they mean nothing else. */
export function keys(player, audio) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if ($("elsewhere").open || target.closest("input:not([type=range]), select, textarea, summary")) return;
    if (event.code === "Space" && !target.closest("button")) {
      event.preventDefault();
      if (!event.repeat) player.toggle();
    } else if (event.key.toLowerCase() === "m") {
      mute(audio);
    }
  });
}

/** The button that turns the theme over; `changed` is told of this and of the system's turns. */
export function theme(changed) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    $("theme").setAttribute("aria-label", `Use the ${isDark() ? "light" : "dark"} theme`);
    changed();
  };
  $("theme").addEventListener("click", () => {
    const wanted = isDark() ? "light" : "dark";
    const own = wanted !== (system.matches ? "dark" : "light");
    if (own) root.dataset.theme = wanted;
    else delete root.dataset.theme;
    remembered.set("theme", own ? wanted : null);
    show();
  });
  system.addEventListener("change", show);
  show();
}

/** The keys of a keyboard, a headset or a lock screen. */
export function mediaKeys(player) {
  const session = navigator.mediaSession;
  if (!session) return;
  session.setActionHandler("play", () => player.play());
  for (const name of ["pause", "stop"]) session.setActionHandler(name, () => player.pause());
}
