#!/usr/bin/env python3
"""Opens the pages of a running `evermix forever stream` in a headless Chromium and checks them.

    scripts/stream/browser.py --url http://127.0.0.1:8000/ --pictures /tmp/pictures

One line for every check. Exit status: 0 when all hold, 1 when one does not, 77 when there is no
Chromium to look with. Nothing is needed besides Python and Chromium.
"""

import argparse
import json
import pathlib
import re
import sys
import time
import urllib.request
from urllib.parse import urljoin, urlparse

from devtools import Chromium, find_chromium

# What the pages are made of; an element of any other name came out of a tag.
ELEMENTS = set(
    "html head meta title link script body header footer main section div p span b i bdi h1 h2 a"
    " img button svg g path circle rect canvas input label select option audio ol ul li dl dt dd"
    " details summary dialog kbd noscript table thead tbody tr th td small".split()
)
UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]+")
BEFORE = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts += e.value;
}).observe({ type: "layout-shift", buffered: true });
"""
NAMELESS = """
[...document.querySelectorAll("button, a, input, select, [role=img], [role=region]")]
  .filter((e) => e.checkVisibility() && !(e.getAttribute("aria-label") || e.textContent.trim()
    || e.labels?.[0]?.textContent.trim()))
  .map((e) => e.outerHTML.slice(0, 80))
"""
FOREIGN = """
[...document.querySelectorAll("*")].filter((e) =>
    !%s.includes(e.localName)
    || [...e.attributes].some((a) => a.name.startsWith("on") || /^\\s*javascript:/i.test(a.value))
    || (e.localName === "script" && !e.getAttribute("src")?.startsWith("/static/"))
    || (e.localName === "img" && e.hasAttribute("src") && !/^\\/(static|artwork)\\//.test(e.getAttribute("src"))))
  .map((e) => e.outerHTML.slice(0, 120))
"""


class Checks:
    def __init__(self):
        self.failed = 0

    def __call__(self, holds, what, seen=""):
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {what}{f': {seen}' if seen != '' else ''}", flush=True)
        return holds


def shown(text):
    """A tag as the page writes it: one line, no marks that turn the direction of words."""
    return re.sub(r"\s+", " ", UNSEEN.sub(" ", text)).strip()[:60]


def fetch(url, path):
    with urllib.request.urlopen(urljoin(url, path), timeout=20) as reply:
        return json.load(reply)


def tags(url):
    """All titles and artists the server tells of."""
    songs = [t["metadata"] for a in fetch(url, "/all.json") for t in a["tracks"]]
    songs += fetch(url, "/history.json")
    return {song.get(name) or "" for song in songs for name in ("title", "artist", "album")}


def check_policy(check, url):
    with urllib.request.urlopen(url, timeout=20) as reply:
        policy = reply.headers.get("Content-Security-Policy", "")
    strict = "script-src 'self'" in policy and "unsafe" not in policy
    check(strict, "the server forbids inline scripts", policy or "no Content-Security-Policy")


def sound(page):
    return page.run(
        "(() => { const a = document.getElementById('audio');"
        "return {at: a.currentTime, paused: a.paused, muted: a.muted, volume: a.volume}; })()"
    )


def check_play(check, page):
    page.until("document.getElementById('artist').textContent.trim() !== '' || "
               "document.getElementById('title').textContent !== 'Tuning in'", 20)
    silent = sound(page)
    check(silent["paused"] and silent["at"] == 0, "nothing sounds before play is pressed")
    page.click("#play")
    page.until("document.body.dataset.state === 'playing'", 30)
    first, began = sound(page), time.monotonic()
    time.sleep(4)
    last, passed = sound(page), time.monotonic() - began
    went = last["at"] - first["at"]
    check(abs(went - passed) < 1, "the sound goes on", f"{went:.2f} s in {passed:.2f} s")
    audible = not last["paused"] and not last["muted"] and last["volume"] > 0
    check(audible, "the sound is neither paused nor muted")
    name = page.run("document.title")
    title = page.run("document.getElementById('title').textContent")
    check(title[:20].strip() in name, "the tab is named after the song", name[:80])


def heard_and_played(page, url):
    """The song the server says it plays, less what a listener lags, and the one shown."""
    timing = fetch(url, "/timing.json")
    now = timing["time"] / 1000 - timing["burst"]
    names = set()
    for a in fetch(url, "/all.json"):
        if a["time"] - 2 <= now < a["time"] + a["duration"] + 2:
            names |= {shown(t["metadata"].get("title") or "Untitled") for t in a["tracks"]}
    return shown(page.run("document.getElementById('title').textContent")), names


def check_song(check, page, url):
    title, names = heard_and_played(page, url)
    check(title in names, "the song shown is the one played", title)


def check_canvas(check, page):
    code = (
        "(() => { const c = document.getElementById('wave');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0, h = 0; for (let i = 0; i < d.length; i += 4) { n += d[i + 3] > 0;"
        "h = (h * 31 + d[i] + d[i + 3]) | 0; } return [n / (d.length / 4), h]; })()"
    )
    share, one = page.run(code)
    time.sleep(1)
    _, other = page.run(code)
    check(share > 0.05, "the waveform is drawn", f"{share:.0%} of the canvas")
    check(one != other, "the waveform moves")


def check_pause(check, page):
    page.run("document.activeElement.blur()")
    page.press(" ", "Space", " ")
    page.until("document.body.dataset.state === 'paused'", 5)
    one = page.run("document.getElementById('count').textContent")
    time.sleep(2.2)
    other = page.run("document.getElementById('count').textContent")
    still = sound(page)["paused"] and one == other
    check(still, "the space bar pauses, and the page stands still", one)
    page.press(" ", "Space", " ")
    ok = page.until("document.body.dataset.state === 'playing'", 30)
    check(bool(ok), "the space bar joins the mix again")


def check_change(check, page, patience):
    before = page.run("document.getElementById('title').textContent")
    code = f"document.getElementById('title').textContent !== {json.dumps(before)}"
    changed = page.until(code, patience)
    after = page.run("document.getElementById('title').textContent")
    check(bool(changed), "the title changes at a transition", f"{before[:40]!r} to {after[:40]!r}")
    spoken = page.run("document.getElementById('said').textContent")
    check(after[:20] in spoken, "a screen reader is told", spoken[:80])
    page.until("document.querySelectorAll('#past li').length > 0", 10)
    past = page.run("document.getElementById('past').textContent")
    check(before[:20].strip() in past, "what was played is in the list")


def check_tags(check, page, url, name):
    while page.run("(() => { const m = document.getElementById('more'); if (!m || m.hidden)"
                   " return false; m.click(); return true; })()"):
        time.sleep(0.4)
    foreign = page.run(FOREIGN % json.dumps(sorted(ELEMENTS)))
    check(not foreign, f"{name} holds no element out of a tag", ", ".join(foreign[:3]))
    hostile = [shown(t) for t in tags(url) if re.search("[<>\"]", t)]
    text = re.sub(r"\s+", " ", page.run("document.body.textContent"))
    seen = [t for t in hostile if t in text]
    if name == "the page" and hostile:
        check(bool(seen), "hostile tags are shown as text", f"{len(seen)} of {len(hostile)}, such as {seen[:1]}")


def check_quiet(check, page, url):
    """Nothing popped up, complained, or went to another host."""
    dialogs = page.happened("Page.javascriptDialogOpening")
    check(not dialogs, "no dialog opened", "; ".join(d["message"] for d in dialogs[:3]))
    asked = [r["request"]["url"] for r in page.happened("Network.requestWillBeSent")]
    asked += [w["url"] for w in page.happened("Network.webSocketCreated")]
    home = urlparse(url).netloc
    others = [a for a in asked if urlparse(a).scheme not in ("data", "blob") and urlparse(a).netloc != home]
    check(not others, "no request to another host", f"{len(asked)} requests" if not others else others[:3])
    errors = [e["exceptionDetails"]["text"] for e in page.happened("Runtime.exceptionThrown")]
    errors += [str(c["args"]) for c in page.happened("Runtime.consoleAPICalled") if c["type"] == "error"]
    errors += [
        f"{e['entry']['text']} {e['entry'].get('url', '')}"
        for e in page.happened("Log.entryAdded")
        if e["entry"]["level"] == "error"
    ]
    check(not errors, "no error in the console", "; ".join(errors[:3]))


def check_manners(check, page, name):
    nameless = page.run(NAMELESS)
    check(not nameless, f"all that can be used in {name} has a name", ", ".join(nameless))
    page.size(360, 740, 2, True)
    time.sleep(0.5)
    width = page.run("document.documentElement.scrollWidth")
    check(width <= 360, f"{name} fits a phone", f"{width} pixels wide")


def pictures(page, folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    views = [("light", "light", 1280, 900, 1), ("dark", "dark", 1280, 900, 1), ("phone", "light", 360, 740, 2)]
    for view, scheme, width, height, scale in views:
        page.prefer(scheme=scheme)
        page.size(width, height, scale, view == "phone")
        page.run("scrollTo(0, 0)")
        time.sleep(1.5)
        page.picture(folder / f"{name}-{view}.png", whole=True)
    page.prefer(scheme="light")
    page.size(1280, 900)


def open_page(browser, url):
    page = browser.page()
    page.size(1280, 900)
    page.call("Page.addScriptToEvaluateOnNewDocument", source=BEFORE)
    page.call("Page.navigate", url=url)
    page.until("document.readyState === 'complete'", 30)
    return page


def check_page(check, browser, url, options):
    page = open_page(browser, url)
    check_play(check, page)
    check_song(check, page, url)
    check_canvas(check, page)
    check_pause(check, page)
    check_change(check, page, options.patience)
    shifts = page.run("window.shifts")
    check(shifts < 0.1, "the layout keeps still", f"{shifts:.3f}")
    if options.pictures:
        pictures(page, options.pictures, "page")
    check_tags(check, page, url, "the page")
    check_manners(check, page, "the page")
    check_quiet(check, page, url)


def check_monitor(check, browser, url, options):
    address = urljoin(url, "/monitor")
    page = open_page(browser, address)
    ok = page.until("document.querySelectorAll('#link.up, #queues tr').length > 1", 20)
    check(bool(ok), "the monitor is live", page.run("document.querySelector('#lead-chart .value').textContent"))
    time.sleep(3)
    if options.pictures:
        pictures(page, options.pictures, "monitor")
    check_tags(check, page, url, "the monitor")
    check_manners(check, page, "the monitor")
    check_quiet(check, page, url)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000/")
    parser.add_argument("--pictures", type=pathlib.Path, help="a folder for pictures of the pages")
    parser.add_argument("--patience", type=float, default=300, help="seconds to wait for a transition")
    return parser.parse_args()


def main():
    options = arguments()
    path = find_chromium()
    if path is None:
        print("skipped: no Chromium found; CHROMIUM in the environment can name one")
        return 77
    check = Checks()
    check_policy(check, options.url)
    with Chromium(path) as browser:
        check_page(check, browser, options.url, options)
        check_monitor(check, browser, options.url, options)
    print("all checks hold" if not check.failed else f"{check.failed} checks failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
