// Addresses of the stream, for other players and other people.

import { $, make, put } from "./songs.js";
import { mount as name } from "./words.js";

/** Away from localhost a page without TLS has no clipboard; the marked text is copied the old way. */
async function copy(input) {
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

function address(entry) {
  const input = make("input");
  input.readOnly = true;
  input.value = new URL(entry.path, location.href).href;
  input.setAttribute("aria-label", `Address of ${name(entry)}`);
  input.addEventListener("focus", () => input.select());
  const button = make("button", "plain", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy the address of ${name(entry)}`);
  button.addEventListener("click", async () => {
    put($("copied"), (await copy(input)) ? `Copied: ${name(entry)}` : "Press Ctrl+C to copy the marked address");
  });
  return make("li", "", make("span", "label", name(entry)), make("span", "pair", input, button));
}

export function elsewhere(mounts) {
  $("addresses").replaceChildren(...mounts.map(address));
}

export function prepare() {
  const dialog = $("elsewhere");
  $("share").addEventListener("click", () => {
    put($("copied"), "");
    dialog.showModal();
  });
  $("shut").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  $("send").hidden = !navigator.share;
  $("send").addEventListener("click", () => navigator.share({ url: location.href }).catch(() => {}));
}
