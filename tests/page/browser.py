"""A headless Chromium, spoken to over its pipe (``--remote-debugging-pipe``): no port, no other library."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

__all__ = ["CHROMIUM", "Browser", "Tab"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
#: What the browser must not have said of a page.
_LOUD = {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}


@define
class Tab:
    """One page that is open."""

    _browser: Browser
    _session: str
    complaints: list[str] = field(factory=list)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, session=self._session, **params)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def cpu_seconds(self) -> float:
        """What the page has cost so far."""
        metrics = {metric["name"]: metric["value"] for metric in self.call("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Save a PNG of what is seen, or of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))


@define
class Browser:
    """A Chromium that runs."""

    _out: int  #: to it
    _said: Any  #: from it
    _number: int = 0
    _tabs: dict[str, Tab] = field(factory=dict)
    loaded: set[str] = field(factory=set)  #: sessions whose page has loaded

    @classmethod
    @contextmanager
    def run(cls, profile: Path) -> Iterator[Browser]:
        assert CHROMIUM is not None
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # It reads 3 and writes 4: copies above ten are in the way of neither.
        high_in, high_out = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out))
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{high_in} 4>&{high_out}', "bash", CHROMIUM, *_SWITCHES,
             f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(high_in, high_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        for end in (high_in, high_out):
            os.close(end)
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            with os.fdopen(ours_in, "rb") as incoming:
                yield cls(ours_out, incoming)
        finally:
            os.close(ours_out)
            process.kill()
            process.wait()

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        self._number += 1
        order = {"id": self._number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self._out, json.dumps(order).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                assert "error" not in said, said["error"]
                answer: dict[str, Any] = said["result"]
                return answer

    def open(
        self, page: Path, width: int, height: int = 900, *, dark: bool = False, scripts: bool = True, fragment: str = ""
    ) -> Tab:
        """A tab with a file, once it has loaded; the browser has no network."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self._tabs[session] = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.call("Emulation.setEmulatedMedia", features=[scheme])
        tab.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        tab.call("Performance.enable", timeDomain="threadTicks")
        self.loaded.discard(session)
        tab.call("Page.navigate", url=page.resolve().as_uri() + fragment)
        while session not in self.loaded:
            self._next()
        return tab

    def _next(self) -> dict[str, Any]:
        raw = bytearray()
        while (byte := self._said.read(1)) != b"\0":
            assert byte, "the browser ended"
            raw += byte
        said: dict[str, Any] = json.loads(raw)
        session = said.get("sessionId", "")
        if said.get("method") == "Page.loadEventFired":
            self.loaded.add(session)
        if said.get("method") in _LOUD and session in self._tabs:
            self._tabs[session].complaints.append(json.dumps(said["params"])[:400])
        return said
