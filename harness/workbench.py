"""A guest to work with: plug devices in, run programs, read the kernel's log. For tests, and for a prompt.

::

    config = asyncio.run(prepare("debian:6.1", mode=Mode.WARP))
    with Workbench(config) as guest:
        modem = Modem()
        guest.plug(0, modem)
        assert guest.drivers() == {"1-1:1.0": "cdc_acm", "1-1:1.1": "cdc_acm"}
        guest.sh("stty -F /dev/ttyACM0 raw -echo")
        guest.unplug(0)
        assert not guest.reports()
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import binds_driver
from harness.lane.verdicts import shown
from usbfuzz.errors import GuestError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from harness.guest.agent_client import Ran, UEvent
    from harness.guest.probe.coverage import Covered
    from usbfuzz.device import Device
    from usbfuzz.triage import Report

__all__ = ["Workbench"]

Result = TypeVar("Result")

_LOGLEVEL = 7  #: of the console: what the drivers say of a device is what one wants to read
#: Guest seconds, of which a warped clock may run through dozens while this machine is busy with something else.
_RUN_S = 120.0
#: Reads a script of any length from standard input, and gives the commands in it an empty one.
_SCRIPT = ("sh", "-c", ". /proc/self/fd/3 3<&0 </dev/null")
#: Wall seconds a guest may take for a guest second of a program that keeps it busy.
_SLOWDOWN = 3.0


class Workbench:
    """One guest, and an event loop of its own in a thread, in which the devices plugged into it live.

    The devices are served also between two calls, so the caller may take its time. Whatever else touches a plugged
    device (:meth:`Keyboard.press`) should go through :meth:`call`.

    Calls raise QemuError and GuestError when the guest is gone or does not answer; the log and the reports stay
    readable then, and :meth:`restore` makes a fresh guest.
    """

    def __init__(self, config: LaneConfig, on_progress: Callable[[str], None] = lambda _: None) -> None:
        """Boot a guest, or take it from its snapshot; raises BootError or an InfraError."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="workbench", daemon=True)
        self._thread.start()
        self._lane: Lane | None = None
        self._log = ""
        self.events: list[UEvent] = []  #: of the guest's kernel, as of the last settle
        try:
            # Paced: the caller's thread may hold the interpreter's lock when a device should answer.
            self._lane = self._manage(Lane.open(evolve(config, loglevel=_LOGLEVEL, paced=True), on_progress))
            self._new_stage()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the guest; may be called twice."""
        if self._loop.is_closed():
            return
        try:
            if self._lane is not None:
                self._manage(self._lane.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def restore(self) -> None:
        """A fresh guest, nothing plugged in, its log empty."""
        self._manage(self.lane.restore())
        self._log = ""
        self.events = []
        self._new_stage()

    def _new_stage(self) -> None:
        self._stage = self.lane.stage()

    @property
    def lane(self) -> Lane:
        """The guest itself; its coroutines run in the loop of :meth:`wait`."""
        if self._lane is None:
            raise GuestError("this workbench has no guest")
        return self._lane

    # Devices

    def plug(self, port: int, device: Device) -> None:
        """Plug ``device`` into a port (0 up; each is on a controller of its own) and settle."""
        self.wait(self._stage.plug(port, device))
        self.settle()

    def unplug(self, port: int) -> None:
        """Unplug the device and settle; nothing happens when there is none."""
        self.wait(self._stage.leave(port))
        self.settle()

    def reset(self, port: int) -> None:
        """Have the host reset the device in a port, if there is one, and settle."""
        self.wait(self._stage.reset(port))
        self.settle()

    def settle(self) -> None:
        """Return once what is plugged in has been enumerated and the probes of its drivers have returned.

        What drivers do later is not waited for (a disk is scanned a second after usb-storage has bound); see
        :meth:`wait_for`.
        """
        self.wait(self._stage.settle())
        self.events += self._stage.shared.take()

    def drivers(self) -> dict[str, str]:
        """What is bound: sysfs names (``1-1:1.0``) of interfaces and HID devices, and their drivers."""
        bound: dict[str, str] = {}
        for event in self.events:
            if binds_driver(event):
                bound[event.name] = event.detail
            elif event.kind in {"unbind", "remove"}:
                bound.pop(event.name, None)
        return bound

    def device_errors(self) -> list[Exception]:
        """What the methods of the devices raised, of those plugged last into each port."""
        return [error for channel in self.lane.ports for error in channel.device_errors]

    def call(self, function: Callable[..., Result], *arguments: object) -> Result:
        """``function(*arguments)`` where the devices live, between two transfers."""

        async def work() -> Result:
            return function(*arguments)

        return self.wait(work())

    # The guest

    def run(self, argv: Sequence[str], seconds: float = _RUN_S, stdin: bytes = b"") -> Ran:
        """Run a program of the image; see :meth:`Agent.run`."""
        return self._result(self.start(argv, seconds, stdin))

    def start(self, argv: Sequence[str], seconds: float = _RUN_S, stdin: bytes = b"") -> Future[Ran]:
        """The same, without waiting: ``start(…).result()`` is :meth:`run`."""
        return self._submit(self.lane.agent.run(argv, seconds, stdin), seconds)

    def sh(self, script: str, seconds: float = _RUN_S) -> str:
        """Run a script of busybox' shell, which has all its applets; what it printed.

        Raises GuestError, with the last of that, when its status is not 0.
        """
        ran = self.run(_SCRIPT, seconds, script.encode())
        output = ran.output.decode("utf-8", "replace")
        if ran.status:
            raise GuestError(f"{script:.200}: status {ran.status} in the guest: {output[-1000:]}")
        return output

    def wait_for(self, path: str, seconds: float = _RUN_S) -> None:
        """Return once ``path`` exists in the guest; raises GuestError when it does not in that guest time."""
        ran = self.run(("sh", "-c", 'until [ -e "$0" ]; do sleep 0.05; done', path), seconds)
        if ran.status:
            raise GuestError(f"{path}: not there after {seconds:g} s of guest time")

    def kernel_log(self) -> str:
        """What the guest's kernel printed since it was restored, and what drivers leaked to devices."""
        self._log += self.lane.read_console() + self.wait(self.lane.read_leaks(self.events))
        return self._log

    def covered(self) -> Covered | None:
        """The code that ran since the last call, or since the guest was restored; None where no probe sees it."""
        coverage = self.lane.coverage
        return None if coverage is None else coverage.since()

    def reports(self) -> tuple[Report, ...]:
        """The crashes and warnings in the kernel's log."""
        return shown(self.kernel_log())

    def wait(self, work: Coroutine[Any, Any, Result], seconds: float = 0.0) -> Result:
        """Await ``work`` in the guest's loop; ``seconds`` of guest time are known to pass in it.

        Raises GuestError when the guest does not answer in any reasonable time.
        """
        return self._result(self._submit(work, seconds))

    def _submit(self, work: Coroutine[Any, Any, Result], seconds: float) -> Future[Result]:
        limit = self.lane.config.hang_after + seconds * _SLOWDOWN

        async def bounded() -> Result:
            try:
                async with asyncio.timeout(limit):
                    return await work
            except TimeoutError as error:
                raise GuestError(f"the guest did not answer within {limit:.0f} s") from error

        return asyncio.run_coroutine_threadsafe(bounded(), self._loop)

    def _result(self, future: Future[Result]) -> Result:
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _manage(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await ``work``, which starts or ends a guest and has time limits of its own."""
        return self._result(asyncio.run_coroutine_threadsafe(work, self._loop))
