"""A guest whose kernel log is shown as it comes, and that is replaced by a fresh one when it crashes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from harness.channel.watcher import watch_channel
from usbfuzz.errors import UsbfuzzError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from harness.workbench import Workbench

    from .live import Screen

__all__ = ["Watched"]

_LOOK_S = 0.1  #: seconds between two looks at the log
_LAST_WORDS_S = 4.0  #: seconds in which a panicking guest gets its text out
_SILENCE_S = 0.5  #: seconds without output after which it has


class Watched:
    """A workbench, and a thread that shows its log. Another thread that uses the workbench must hold ``busy``.

    ``plugged`` is what its user put into the ports, ``crashes`` counts what crashed or warned.
    """

    def __init__(self, guest: Workbench, screen: Screen) -> None:
        self.guest = guest
        self.screen = screen
        self.busy = threading.RLock()
        self.plugged: dict[int, str] = {}
        self.crashes = 0
        self._reading = threading.Lock()
        self._shown = 0
        self._titles: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kernel log", daemon=True)
        self._trace()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def lost(self) -> bool:
        """Its QEMU has ended."""
        return any(port.closed.is_set() for port in self.guest.lane.ports)

    def show(self) -> bool:
        """Show what the kernel has printed since, and what crashed or warned; whether there was anything."""
        with self._reading:
            whole = self.guest.kernel_log().rpartition("\n")[0]
            lines = whole[self._shown :].removeprefix("\n").splitlines()
            self._shown = len(whole)
            for line in lines:
                self.screen.kernel(line)
            for report in self.guest.reports() if lines else ():
                if report.title not in self._titles:
                    self._titles.add(report.title)
                    self._crashed(report.title)
        return bool(lines)

    def restore(self) -> None:
        """A fresh guest, nothing plugged in; raises an InfraError. The caller holds ``busy``."""
        with self._reading:
            self.guest.restore()
            self._shown = 0
            self._titles.clear()
            self.plugged.clear()
        self._trace()

    def recover(self) -> None:
        """Show how the guest ended, and restore it. The caller holds ``busy``."""
        self.last_words()
        self.restore()
        self.screen.note("a fresh guest runs; nothing is plugged in")

    def last_words(self) -> None:
        """Show how the guest ended, which takes it a moment."""
        deadline = time.monotonic() + _LAST_WORDS_S
        heard = time.monotonic()
        while time.monotonic() < min(deadline, heard + _SILENCE_S):
            if self.show():
                heard = time.monotonic()
            time.sleep(_LOOK_S)
        if not self._titles:
            self._crashed("the guest ended without a word")

    def _crashed(self, title: str) -> None:
        self.crashes += 1
        self.screen.crash(title)

    def _trace(self) -> None:
        for port in self.guest.lane.ports:
            watch_channel(port, self.screen)

    def _watch(self) -> None:
        """Body of the thread: show the log, and replace a lost guest unless another thread is busy with it."""
        while not self._stop.wait(_LOOK_S):
            try:
                self.show()
                if self.lost and self.busy.acquire(blocking=False):
                    try:
                        if self.lost:
                            self.recover()
                    finally:
                        self.busy.release()
            except UsbfuzzError as error:
                self.screen.device_error(error)
                return
