"""The virtual machine: QEMU with one xHCI controller and one usb-redir device for each port."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Sequence

from .channel import Channel
from .spec import Hardware

__all__ = ["Machine", "usable_kvm"]

_CONNECT_S = 20.0
_SILENT_S = 30.0  #: KVM may start a guest that does not run
_KVM_BOOT_S, _BOOT_S = 60.0, 300.0  #: or one that does not get any further
_INIT = re.compile(r"Run \S+ as init process|Freeing unused kernel")
_POLL_S = 0.2


class Machine:
    """A QEMU in a private directory; a context manager that ends it and removes the directory.

    ``accel`` is ``kvm``, ``tcg`` or ``warp``: emulated, with a clock that skips idle time.
    """

    def __init__(
        self, hardware: Hardware, kernel: str, initrd: str, append: str, accel: str, ports: int, memory: int
    ) -> None:
        self.accel = accel
        self.dir = Path(tempfile.mkdtemp(prefix="repro-"))  # 0700
        self.console = self.dir / "console.log"
        boot = ["-kernel", kernel, "-initrd", initrd, "-append", append]
        self._argv = [hardware.qemu, *_machine(hardware, accel, memory), *boot, *_serial(self.console)]
        self._sockets = [self.dir / f"redir{port}" for port in range(ports)]
        for port, path in enumerate(self._sockets):
            self._argv += _port(port, path)
        self._process: subprocess.Popen[bytes] | None = None
        self._seen = 0
        self._changed = time.monotonic()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(str(self.dir), ignore_errors=True)

    async def start(self) -> list[Channel]:
        """Start QEMU and connect to its ports."""
        self._process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
            self._argv, stdin=subprocess.DEVNULL
        )
        loop = asyncio.get_event_loop()
        channels: list[Channel] = []
        deadline = time.monotonic() + _CONNECT_S
        for path in self._sockets:
            while True:
                try:
                    channels.append((await loop.create_unix_connection(Channel, str(path)))[1])
                    break
                except OSError as error:
                    if self.ended or time.monotonic() > deadline:
                        raise OSError(f"QEMU has ended: {error}") from error
                    await asyncio.sleep(_POLL_S / 4)
        return channels

    @property
    def ended(self) -> bool:
        """QEMU has exited, as it does when the guest panics."""
        return self._process is not None and self._process.poll() is not None

    def text(self) -> str:
        """All the guest has printed."""
        try:
            return self.console.read_bytes().decode("utf-8", "replace").replace("\r", "")
        except FileNotFoundError:
            return ""

    def echo(self) -> None:
        """Print what is new on the guest's console."""
        text = self.text()
        if len(text) > self._seen:
            # A hostile kernel's console must not command this terminal.
            fresh = re.sub(r"[^\n\t -~]", "?", text[self._seen :])
            sys.stdout.write(fresh)
            sys.stdout.flush()
            self._seen, self._changed = len(text), time.monotonic()

    @property
    def quiet_for(self) -> float:
        """Seconds since the guest last printed something."""
        return time.monotonic() - self._changed

    async def booted(self, quiet: float) -> bool:
        """Wait until the guest has booted: its kernel started user space, and then was silent for ``quiet`` seconds.

        False when it has not started user space for long.
        """
        longest = _KVM_BOOT_S if self.accel == "kvm" else _BOOT_S
        started = time.monotonic()
        while not self.ended:
            self.echo()
            waited = time.monotonic() - started
            if waited > (longest if self._seen else _SILENT_S):
                return _INIT.search(self.text()) is not None
            if self.quiet_for > quiet and _INIT.search(self.text()):
                return True
            await asyncio.sleep(_POLL_S)
        return True


def _machine(hardware: Hardware, accel: str, memory: int) -> list[str]:
    # Nothing but what these words say, neither by default nor from QEMU's configuration files; a panic, which reboots,
    # ends QEMU; the guest cannot use QEMU to start programs here (-sandbox).
    argv = ["-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-sandbox", "on"]
    argv += ["-machine", hardware.machine, "-m", str(memory), "-smp", str(hardware.processors)]
    if accel == "kvm":
        return [*argv, "-accel", "kvm", "-cpu", hardware.cpu_kvm]
    # One thread where instructions are counted; in real time each processor has its own.
    threads = "multi" if accel == "tcg" and hardware.processors > 1 else "single"
    argv += ["-accel", f"tcg,thread={threads}", "-cpu", hardware.cpu_tcg]
    # The clock counts instructions, 2^4 ns each, and skips idle time.
    return [*argv, "-icount", "shift=4,sleep=off"] if accel == "warp" else argv


def _serial(console: Path) -> list[str]:
    return ["-chardev", f"file,id=console,path={_option(console)}", "-serial", "chardev:console"]


def _port(number: int, path: Path) -> Sequence[str]:
    return (
        *("-device", f"qemu-xhci,id=xhci{number}"),
        *("-chardev", f"socket,id=redir{number},path={_option(path)},server=on,wait=off"),
        *("-device", f"usb-redir,chardev=redir{number},bus=xhci{number}.0,port=1,suppress-remote-wake=off"),
    )


def _option(path: Path) -> str:
    return str(path).replace(",", ",,")


def usable_kvm() -> bool:
    """This machine has KVM, and we may use it."""
    return os.access("/dev/kvm", os.R_OK | os.W_OK)
