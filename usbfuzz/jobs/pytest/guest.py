"""What the fixtures of :mod:`usbfuzz.jobs.pytest.plugin` return: guests, plugged devices, the kernel's log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import define, evolve, field

from harness.guest.place import buses_of
from harness.guest.probe.probing import Heap, Probing
from harness.guest.qemu import Mode
from harness.lane.prepare import prepare
from harness.workbench import Workbench
from usbfuzz.case import DeviceSpec
from usbfuzz.device import Device
from usbfuzz.errors import GuestError, InputError, QemuError, UsbfuzzError
from usbfuzz.load import load_device, player
from usbfuzz.triage import extract, first_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from harness.guest.agent_client import Ran
    from harness.lane.config import LaneConfig
    from usbfuzz.triage import Report

__all__ = ["Guest", "Guests", "KernelLog", "Plugged", "Plugger"]

_KEPT = 2  #: guests that run at the same time; each has half a GiB
_REPORT_LINES = 20
_RUN_S = 10.0  #: guest seconds


class Guest(Workbench):
    """A workbench that is cleaned between tests, and checks the kernel's log of each test."""

    def __init__(self, config: LaneConfig) -> None:
        # It tells of each try to connect to a QEMU that has only just started; pytest would show them all.
        logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)
        super().__init__(config)
        self._dirty = False  # something happened that the next test must not see
        self._lost = False  # the guest did not survive
        self._seen = 0  # characters of the log that are from before this test
        self._told: set[str] = set()  # titles of crashes that the test expects, or has failed for already
        self._ports: set[int] = set()  # that had something plugged in
        self._executed: dict[str, set[str]] = {}  # functions that this test was seen to run

    def plug(self, port: int, device: Device) -> None:
        """As :meth:`Workbench.plug`; the test's end unplugs it."""
        self._ports.add(port)
        super().plug(port, device)

    def run(self, argv: Sequence[str], seconds: float = _RUN_S, stdin: bytes = b"") -> Ran:
        """As :meth:`Workbench.run`. A program may leave anything behind, so the next test gets a fresh guest."""
        self._dirty = True
        return super().run(argv, seconds, stdin)

    def restore(self) -> None:
        """A fresh guest, nothing plugged in, its log empty."""
        super().restore()
        self._dirty = self._lost = False
        self._seen = 0
        self._ports = set()

    def begin(self) -> None:
        """Start a test: clean, and with the log from here on."""
        if self._dirty:
            self.restore()
        self._told = set()
        self._seen = len(self.kernel_log())
        self._executed = {}
        self.covered()

    def log(self) -> str:
        """What the kernel has said since the test began."""
        return self.kernel_log()[self._seen :]

    def reports(self) -> tuple[Report, ...]:
        """The crashes and warnings since the test began, those it expects left out."""
        found = tuple(report for report in extract(self.log()) if not report.suppressed)
        self._dirty = self._dirty or bool(found)
        return tuple(report for report in found if not self._told & report.names)

    @property
    def coverage(self) -> dict[str, set[str]]:
        """The functions of each module that ran since the test began; skips the test where no probe sees them."""
        covered = self.covered()
        if covered is None:
            pytest.skip(
                "no coverage: it needs a QEMU with TCG plugins, and --usb-mode warp; see `usbfuzz emulator list`"
            )
        for module, functions in covered.functions().items():
            self._executed.setdefault(module, set()).update(functions)
        return self._executed

    def expect(self, title: str) -> None:
        """Declare that the test expects this crash."""
        self._told.add(title)

    def check(self, cause: Exception | None = None) -> None:
        """Fail the test when its kernel crashed, warned or went away; ``cause`` is what the test itself failed with."""
        gone = self._gone()
        reports = self.reports()
        name = self.lane.config.kernel.name
        if reports:
            self._told |= reports[0].names
            text = f"{name}: {reports[0].title}\n\n{first_lines(reports[0].text, _REPORT_LINES)}"
            raise pytest.fail.Exception(text, pytrace=False) from cause
        if gone is not None and not self._told:
            self._told.add("")
            raise pytest.fail.Exception(f"{name}: the guest is gone: {gone}", pytrace=False) from cause

    def tidy(self) -> None:
        """End a test: everything unplugged, which may crash a driver too."""
        for port in sorted(self._ports):
            if self._gone() is None:
                with contextlib.suppress(GuestError, QemuError):  # the check says what happened
                    self.unplug(port)
        self._ports = set()
        self.check()

    def _gone(self) -> Exception | None:
        """Why the guest is of no more use, after what the test did has had its time to crash it; None when it lives."""
        if self._lost:
            return GuestError("it went away earlier in this test")
        try:
            self.settle()
        except (GuestError, QemuError) as error:
            self._lost = self._dirty = True
            return error
        return None


@define
class Guests:
    """The guests of a test run, by kernel and parameters; a few are kept running."""

    mode: str
    must_run: bool  #: the user asked for a kernel: not being able to run it is an error, not a reason to skip
    _configs: dict[str, LaneConfig | UsbfuzzError] = field(factory=dict, init=False)
    _running: dict[tuple[str, tuple[str, ...]], Guest] = field(factory=dict, init=False)

    def clean(self, kernel: str, params: tuple[str, ...]) -> Guest:
        """A guest that no test has left anything in; skips the test when this machine has no QEMU."""
        key = (kernel, params)
        guest = self._running.pop(key, None)
        if guest is None:
            config = evolve(self._config(kernel), kernel_params=params)
            while len(self._running) >= _KEPT:
                self._running.pop(next(iter(self._running))).close()
            guest = Guest(config)
        self._running[key] = guest
        guest.begin()
        return guest

    def close(self) -> None:
        """End all guests."""
        while self._running:
            self._running.popitem()[1].close()

    def _config(self, kernel: str) -> LaneConfig:
        if kernel not in self._configs:
            try:
                self._configs[kernel] = asyncio.run(
                    prepare(kernel, mode=Mode(self.mode), probing=Probing(heap=Heap.WARN))
                )
            except UsbfuzzError as error:
                self._configs[kernel] = error
        found = self._configs[kernel]
        if not isinstance(found, UsbfuzzError):
            return found
        if isinstance(found, QemuError) and not self.must_run:
            pytest.skip(f"no guest to test in: {found}")
        pytest.fail(f"no guest to test in: {found}", pytrace=False)


@define
class Plugged:
    """A device in a guest, until it is unplugged; ``with`` unplugs it at the end of the block."""

    guest: Guest
    port: int
    device: Device
    _since: int  #: events of the guest from before it was plugged

    @property
    def interfaces(self) -> dict[str, str]:
        """Interfaces a driver has bound to, ``bConfigurationValue.bInterfaceNumber``, and those drivers."""
        mine = {f"{bus}-1" for bus in buses_of(self.port)}
        self.guest.settle()
        found = ((*name.partition(":"), driver) for name, driver in self.guest.drivers().items())
        return {interface: driver for device, _, interface, driver in found if device in mine}

    @property
    def drivers(self) -> set[str]:
        """Drivers that are bound to it: to its interfaces, and to HID devices that came since it was plugged."""
        interfaces = set(self.interfaces.values())
        bound = self.guest.drivers()
        events = self.guest.events[self._since :]
        return interfaces | {bound[event.name] for event in events if event.subsystem == "hid" and event.name in bound}

    def unplug(self) -> None:
        """Pull it out and settle; nothing happens the second time."""
        self.guest.unplug(self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not isinstance(error, (GuestError, QemuError)):
            self.unplug()


@define
class Plugger:
    """Plugs devices in, each at the next free port."""

    guest: Guest
    directory: Path  #: of the test, where relative paths of case files start
    plugged: list[Plugged] = field(factory=list)  #: everything so far, in order

    def __call__(self, what: str | Path | Device | type[Device] | DeviceSpec, port: int | None = None) -> Plugged:
        """Plug ``what`` in and settle: when this returns its probes have. Raises InputError for an unknown device."""
        device = self._made(what)
        ports = len(self.guest.lane.ports)
        chosen = port if port is not None else len(self.plugged) % ports
        since = len(self.guest.events)
        self.guest.plug(chosen, device)
        plugged = Plugged(self.guest, chosen, device, since)
        self.plugged.append(plugged)
        return plugged

    def _made(self, what: str | Path | Device | type[Device] | DeviceSpec) -> Device:
        match what:
            case Device():
                return what
            case DeviceSpec():
                return player(what)
            case type():
                return what()
        beside = self.directory / what
        loaded = load_device(str(beside) if beside.exists() else str(what))
        wanted = loaded.case.guest.kernel_params if loaded.case else ()
        missing = [word for word in wanted if word not in self.guest.lane.config.kernel_params]
        if missing:
            words = ", ".join(map(repr, missing))
            raise InputError(f"{what}: needs a guest booted with {words}; mark the test with usb_params({words})")
        return loaded.make()


@define
class KernelLog:
    """What the kernel has said since the test began: all levels down to info."""

    guest: Guest

    def __str__(self) -> str:
        return self.guest.log()

    def __iter__(self) -> Iterator[str]:
        """The lines, without their time stamps."""
        return iter(_STAMP.sub("", line) for line in str(self).splitlines())

    def __contains__(self, words: str) -> bool:
        return words in str(self)

    def grep(self, pattern: str) -> list[str]:
        """The lines in which a regular expression is found."""
        return [line for line in self if re.search(pattern, line)]

    def reports(self) -> tuple[Report, ...]:
        """Crashes and warnings, those that are expected left out."""
        return self.guest.reports()

    def assert_quiet(self) -> None:
        """Fail the test at once when the kernel crashed or warned; otherwise that happens when it ends."""
        self.guest.check()

    @contextlib.contextmanager
    def expect_crash(self, title: str) -> Iterator[None]:
        """``with`` this, the kernel crashes with that title (or one of the bug's others), and the test does not fail.

        What fails in the block because the guest died is swallowed.
        """
        try:
            yield
            self.guest.settle()
        except (GuestError, QemuError):
            if not self._crashed_as(title):
                raise
        found = sorted(report.title for report in self.guest.reports()) or "none"
        assert self._crashed_as(title), f"no crash {title!r} in the guest, but {found}"
        self.guest.expect(title)

    def _crashed_as(self, title: str) -> bool:
        return any(title in report.names for report in self.guest.reports())


_STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? ")
