"""A lane without a guest: says at a given rate what lanes say, and measures how soon it is answered.

Run by a dask worker as ``python -m tests.cluster.chatter PARENT``. It is small and imports little, so that hundreds run
on one machine. What it says is in the directory $USBFUZZ_SIMULATION, where it leaves what it measured, too.
"""

from __future__ import annotations

import json
import os
import random
import select
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

__all__ = ["LIKE", "VARIABLE"]

VARIABLE = "USBFUZZ_SIMULATION"
LIKE = "like.json"  #: how it is to behave: rate, round, every, bugs, reached; and the messages that it fills in


class _Lane:
    """One lane."""

    def __init__(self) -> None:
        self.directory = Path(os.environ[VARIABLE])
        self.like: dict[str, Any] = json.loads((self.directory / LIKE).read_text())
        self.random = random.Random(os.getpid())
        self.due: deque[int] = deque()
        self.buffer = b""
        self.over = False
        self.slugs: dict[str, str] = {}
        self.asked: tuple[str, float] | None = None
        self.lags: list[float] = []
        self.starved = 0.0
        self.began = time.monotonic()
        self.cases = 0

    def say(self, kind: str, **fields: Any) -> None:
        sys.stdout.write(json.dumps({"is": kind, **fields}) + "\n")
        sys.stdout.flush()

    def listen(self, seconds: float) -> None:
        """Take orders for so long, or until there is one."""
        if self.over or not select.select([0], [], [], max(0.0, seconds))[0]:
            return
        read = os.read(0, 1 << 20)
        self.over |= not read
        *lines, self.buffer = (self.buffer + read).split(b"\n")
        for line in lines:
            self.take(json.loads(line))

    def take(self, order: dict[str, Any]) -> None:
        match order["is"]:
            case "Block":
                self.due.extend(order["indices"])
            case "SightingSaved" if self.asked is not None:
                title, when = self.asked
                self.asked = None
                self.lags.append(time.monotonic() - when)
                self.slugs[title] = order["slug"]
                if order["attribute"]:
                    evidence = self.evidence(title, how="one case alone", hits=2, runs=2)
                    self.say("Attributed", slug=order["slug"], evidence=evidence, seconds=0.5)
            case "Stop":
                self.over = True

    def evidence(self, title: str, **changes: Any) -> dict[str, Any]:
        number = int(title.rpartition("_")[2])
        text = json.dumps(self.like["evidence"]).replace("TITLE", title).replace("abcdabcd", f"{number:08x}")
        whole = json.loads(text)
        return {**whole, **changes}

    def title(self, index: int) -> str:
        """The bug that a case shows."""
        return f"WARNING in simulated_probe_{index // self.like['every'] % self.like['bugs']}"

    def until(self, moment: float) -> None:
        while not self.over and (left := moment - time.monotonic()) > 0:
            self.listen(left)

    def run(self) -> None:
        self.say("Entered", state="booting")
        self.say("Begun")
        while not self.over:
            waited = time.monotonic()
            while not self.due and not self.over:
                self.listen(1.0)
            self.starved += time.monotonic() - waited
            if not self.over:
                self.round([self.due.popleft() for _ in range(min(self.like["round"], len(self.due)))])
        self.say("Entered", state="stopped")
        self.say("Ended")
        spent = time.monotonic() - self.began
        measured = {"lags": self.lags, "starved": self.starved, "seconds": spent, "cases": self.cases}
        (self.directory / f"{os.getpid()}.measured").write_text(json.dumps(measured))

    def round(self, indices: list[int]) -> None:
        began = time.monotonic()
        self.say("Entered", state="running", indices=indices)
        self.until(began + len(indices) / self.like["rate"])
        hits = []
        for title in sorted({self.title(index) for index in indices if index % self.like["every"] == 0}):
            if title in self.slugs:
                hits.append(self.slugs[title])
                continue
            self.asked = title, time.monotonic()
            self.say("Sighted", evidence=self.evidence(title))
            while self.asked is not None and not self.over:
                self.listen(1.0)
        if self.random.random() < self.like["reached"]:
            offset = 16 * self.random.randrange(4096)
            block = {"module": "simulated", "section": ".text", "offset": offset, "size": 12}
            self.say("Reached", source="fresh", module="simulated", case=self.like["evidence"]["case"], blocks=[block])
        self.cases += len(indices)
        done = {**self.like["done"], "indices": indices, "hits": hits, "plugs": len(indices)}
        self.say("RoundDone", **{**done, "seconds": time.monotonic() - began})
        self.say("Entered", state="waiting", indices=list(self.due)[:8])


if __name__ == "__main__":
    _Lane().run()
