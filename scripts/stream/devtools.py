"""A headless Chromium and just enough of its DevTools protocol, from the standard library."""

import base64
import json
import os
import queue
import re
import secrets
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request
from urllib.parse import urlparse

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium():
    """The path of a Chromium, or None. CHROMIUM in the environment names one."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next(filter(None, map(shutil.which, NAMES)), None)


class WebSocket:
    """A client of RFC 6455: text frames, both ways."""

    def __init__(self, url):
        at = urlparse(url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout=20)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.socket.sendall(
            f"GET {at.path} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        status = self.file.readline()
        if b" 101 " not in status:
            raise OSError(f"no WebSocket at {url}: {status!r}")
        while self.file.readline() not in (b"\r\n", b""):
            pass
        self.socket.settimeout(None)

    def send(self, text):
        body = text.encode()
        mask = secrets.token_bytes(4)
        n = len(body)
        if n < 126:
            head = struct.pack(">BB", 0x81, 0x80 | n)
        elif n < 1 << 16:
            head = struct.pack(">BBH", 0x81, 0x80 | 126, n)
        else:
            head = struct.pack(">BBQ", 0x81, 0x80 | 127, n)
        repeated = (mask * (n // 4 + 1))[:n]
        masked = (int.from_bytes(body, "big") ^ int.from_bytes(repeated, "big")).to_bytes(n, "big")
        self.socket.sendall(head + mask + masked)

    def receive(self):
        """The next text, or None when the other side has closed."""
        text = b""
        while True:
            head = self.file.read(2)
            if len(head) < 2:
                return None
            kind, n = head[0] & 15, head[1] & 127
            if n > 125:
                size = 2 if n == 126 else 8
                n = int.from_bytes(self.file.read(size), "big")
            body = self.file.read(n)
            if kind == 8:
                return None
            if kind in (0, 1):
                text += body
                if head[0] & 0x80:
                    return text.decode()

    def close(self):
        self.socket.close()


class Page:
    """A tab: calls are answered in order, events are kept."""

    def __init__(self, url):
        self.socket = WebSocket(url)
        self.answers = queue.Queue()
        self.events = []
        self.number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while (text := self.socket.receive()) is not None:
                message = json.loads(text)
                if "id" in message:
                    self.answers.put(message)
                else:
                    self.events.append(message)
        except (OSError, ValueError):
            pass

    def call(self, method, patience=60, **params):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            answer = self.answers.get(timeout=patience)
            if answer["id"] == self.number:
                break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def run(self, code):
        """The value of an expression in the page."""
        reply = self.call(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in reply:
            raise RuntimeError(f"{code[:80]}: {reply['exceptionDetails']}")
        return reply["result"].get("value")

    def until(self, code, patience):
        """Waits until an expression is true; its last value either way."""
        end = time.monotonic() + patience
        while not (value := self.run(code)) and time.monotonic() < end:
            time.sleep(0.2)
        return value

    def happened(self, method):
        return [e["params"] for e in list(self.events) if e["method"] == method]

    def click(self, selector):
        """A click of a real pointer, in the middle of an element."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def press(self, key, code, text=""):
        number = ord(key.upper()) if len(key) == 1 else 0
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=code,
                windowsVirtualKeyCode=number,
                **extra,
            )

    def size(self, width, height, scale=1, phone=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=phone,
        )

    def prefer(self, **features):
        """Sets media features, such as `scheme="dark"` for prefers-color-scheme."""
        names = {"scheme": "prefers-color-scheme", "motion": "prefers-reduced-motion"}
        named = [{"name": names[name], "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=named)

    def picture(self, path, whole=False):
        extra = {}
        if whole:
            area = self.call("Page.getLayoutMetrics")["cssContentSize"]
            extra = {"captureBeyondViewport": True, "clip": dict(area, scale=1)}
        data = self.call("Page.captureScreenshot", format="png", **extra)["data"]
        path.write_bytes(base64.b64decode(data))


class Chromium:
    """A browser with a profile of its own, gone at the end of the block."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="evermix-browser-")
        flags = [
            "--headless=new",
            "--remote-debugging-port=0",
            f"--user-data-dir={self.profile}",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen(
            [path, *flags, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.port = self._port()

    def _port(self):
        for line in self.process.stderr:
            if found := re.search(r"DevTools listening on ws://[^:]+:(\d+)/", line):
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return int(found[1])
        raise OSError("Chromium ended before it listened")

    def page(self):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=20) as reply:
            page = Page(json.load(reply)["webSocketDebuggerUrl"])
        for area in ("Page", "Runtime", "Network", "Log", "DOM"):
            page.call(f"{area}.enable")
        return page

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
