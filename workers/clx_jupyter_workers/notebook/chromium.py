"""A Chromium that prints pages: started for one job, spoken to over a pipe (DevTools protocol), gone with its worker.

The pipe is what ties it to us: when this process ends, however it ends, Chromium reads the end of the pipe and ends as well.
It gets no file and no address: whatever a page asks for is answered here, from what :meth:`Browser.pdf` is given.
Protocol: https://chromedevtools.github.io/devtools-protocol/ (domains Page, Fetch, Target, Emulation, Runtime).
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clx_jupyter_workers.processes import kill_tree

START_SECONDS = 60.0
"""A ceiling for the start, which takes a third of a second on a quiet machine."""
PAGE_SECONDS = 120.0
"""A ceiling for one document: pages with many formulas take some seconds."""

Answer = Callable[[str], tuple[str, bytes] | None]
"""Gives media type and content of an address; ``None``: there is nothing."""

_STEP = 0.2
_LOG_TAIL = 4_000
_LONGEST_FOLDER = 50
"""It makes a socket some 45 characters below; a socket's path has at most 107, on macOS 103."""
_FLAGS = (
    "--headless", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-extensions", "--disable-sync", "--disable-background-networking", "--disable-component-update", "--disable-breakpad",
    "--disable-crash-reporter", "--mute-audio", "--hide-scrollbars", "--password-store=basic", "--use-mock-keychain",
    # Frames of a page stay in its process, so that their requests are answered here too; nothing else leaves the machine.
    "--disable-features=IsolateOrigins,site-per-process", "--host-resolver-rules=MAP * ~NOTFOUND", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)  # fmt: skip
_KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "XDG_DATA_DIRS",
    "XDG_DATA_HOME", "XDG_CONFIG_DIRS", "XDG_RUNTIME_DIR",
)  # fmt: skip

# Fonts, pictures and formulas come after the load event; two frames later all is laid out.
_READY = """(async () => {
  const ended = picture => new Promise(done => ['load', 'error'].forEach(name => picture.addEventListener(name, done)));
  const late = [...document.images].filter(picture => !picture.complete);
  await Promise.all(late.map(picture => { picture.loading = 'eager'; return ended(picture); }));
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  const frame = () => new Promise(done => requestAnimationFrame(done));
  await frame();
  await frame();
})()"""


class BrowserError(Exception):
    """Chromium does not start, ended, or did not answer in time; ``late`` says that it was the latter."""

    def __init__(self, message: str, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


class Browser:
    """A running Chromium with one tab. *folder* takes its profile and log; *check* is called while it is waited for, and may raise."""

    def __init__(self, program: str, folder: Path, check: Callable[[], None]) -> None:
        self._check = check
        self._log = folder / "chromium.log"
        self._pid = 0
        self._held: int | None = None
        self._status: int | None = None
        self._buffer = bytearray()
        self._number = 0
        self._replies: dict[int, dict[str, Any]] = {}
        self._answer: Answer = lambda address: None
        self._loaded = False
        self._deadline = time.monotonic() + START_SECONDS
        # Its own sandbox needs what root does not get; the page shows what the course's code made, which ran here as root as well.
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        self._read, self._write = self._spawn([program, *_FLAGS, *(["--no-sandbox"] if root else [])], folder)
        try:
            self._session = ""
            target = self._call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self._call("Page.enable")
            self._call("Inspector.enable")
            self._call("Fetch.enable", patterns=[{"urlPattern": "*"}])
            self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
        except BaseException:
            self.close()
            raise

    def _spawn(self, command: list[str], folder: Path) -> tuple[int, int]:
        """Start it with descriptors 3 and 4 as its ends of two pipes; gives ours."""
        profile = folder / "profile"
        profile.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        if temporary := self._short(folder):
            environment["TMPDIR"] = temporary
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # High numbers: duplicating onto 3 and 4 must not hit one of the pipes' own.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 16) for end in (theirs_in, theirs_out)]
        try:
            # Not subprocess: only this can place descriptors without running Python between fork and exec, beside other threads.
            self._pid = os.posix_spawn(
                command[0], [*command, f"--user-data-dir={profile}", "about:blank"], environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(self._log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2), (os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4),
                ], setpgroup=0, setsigmask=(), setsigdef=(signal.SIGPIPE,),
            )  # fmt: skip
        except OSError as error:
            os.close(ours_in)
            os.close(ours_out)
            self._let_go()
            raise BrowserError(f"{command[0]} cannot be run: {error.strerror}") from error
        finally:
            for end in (theirs_in, theirs_out, *high):
                os.close(end)
        os.set_blocking(ours_in, False)
        os.set_blocking(ours_out, False)
        return ours_in, ours_out

    def _short(self, folder: Path) -> str:
        """A name of *folder* that is short enough for what it puts there; Linux has one for every folder that a process holds open."""
        if len(str(folder)) < _LONGEST_FOLDER:
            return str(folder)
        if not Path("/proc/self/fd").is_dir():
            return ""
        self._held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/{os.getpid()}/fd/{self._held}"

    def pdf(self, address: str, answer: Answer, how: Mapping[str, Any]) -> bytes:
        """Print what *answer* gives for *address*, with all that it asks for; *how* are parameters of ``Page.printToPDF``.

        :raises BrowserError: it ended, or was not ready in time; this browser is of no use any more
        """
        self._deadline = time.monotonic() + PAGE_SECONDS
        self._answer, self._loaded = answer, False
        self._replies.clear()
        self._call("Page.navigate", url=address)
        while not self._loaded:
            self._take()
        self._call("Runtime.evaluate", expression=_READY, awaitPromise=True)
        return base64.b64decode(self._call("Page.printToPDF", **how)["data"])

    def close(self) -> None:
        """End it with all its processes."""
        for end in (self._read, self._write):
            with contextlib.suppress(OSError):
                os.close(end)
        if self._status is None:
            kill_tree(self._pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._status = -9
        self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    # --- the pipe: JSON texts, each ended by a zero byte -------------------------

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = self._send(method, parameters)
        while number not in self._replies:
            self._take()
        reply = self._replies.pop(number)
        if "error" in reply:
            raise BrowserError(f"Chromium refused {method}: {reply['error'].get('message')}")
        result: dict[str, Any] = reply["result"]
        return result

    def _send(self, method: str, parameters: Mapping[str, Any]) -> int:
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        text = json.dumps({"id": self._number, "method": method, "params": parameters, **session}).encode() + b"\0"
        rest = memoryview(text)
        while rest:
            # It may be writing to us itself: whoever only wrote would wait for ever.
            _, writable = self._wait(writing=True)
            if writable:
                try:
                    rest = rest[os.write(self._write, rest[:65536]) :]
                except OSError as error:
                    raise self._gone() from error
        return self._number

    def _take(self) -> None:
        """Wait for something to come, and act on each message that is whole."""
        self._wait(writing=False)
        while (end := self._buffer.find(0)) >= 0:
            message = json.loads(bytes(self._buffer[:end]))
            del self._buffer[: end + 1]
            self._heard(message)

    def _wait(self, *, writing: bool) -> tuple[bool, bool]:
        self._check()
        if time.monotonic() > self._deadline:
            raise BrowserError("Chromium did not answer in time", late=True)
        readable, writable, _ = select.select([self._read], [self._write] if writing else [], [], _STEP)
        if readable:
            part = os.read(self._read, 1 << 20)
            if not part:
                raise self._gone()
            self._buffer += part
        return bool(readable), bool(writable)

    def _heard(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        match message.get("method"):
            case None:
                self._replies[message["id"]] = message
            case "Fetch.requestPaused":
                self._give(parameters["requestId"], parameters["request"]["url"])
            case "Page.loadEventFired":
                self._loaded = True
            case "Page.javascriptDialogOpening":
                self._send("Page.handleJavaScriptDialog", {"accept": False})
            case "Inspector.targetCrashed":
                raise BrowserError("the page made Chromium crash")

    def _give(self, request: str, address: str) -> None:
        found = self._answer(address)
        if found is None:
            self._send("Fetch.failRequest", {"requestId": request, "errorReason": "BlockedByClient"})
            return
        kind, content = found
        headers = [{"name": "Content-Type", "value": kind}, {"name": "Access-Control-Allow-Origin", "value": "*"}]
        body = base64.b64encode(content).decode()
        self._send("Fetch.fulfillRequest", {"requestId": request, "responseCode": 200, "responseHeaders": headers, "body": body})

    def _gone(self) -> BrowserError:
        """What to say of a browser that ended by itself."""
        kill_tree(self._pid)
        with contextlib.suppress(ChildProcessError):
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        try:
            said = self._log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip().splitlines()
        except OSError:
            said = []
        # Most of what it writes are complaints about a desktop that is not there.
        told = next((line for line in said if "FATAL" in line), said[-1] if said else "")
        return BrowserError(f"Chromium ended by itself{': ' + told if told else ''}")
