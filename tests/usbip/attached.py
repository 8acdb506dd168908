"""A guest that can attach devices over USB/IP: the real ``usbip`` tool, vhci_hcd, and a few TCP ports to reach.

The guest's network leads nowhere but to the servers under test: QEMU's user network is restricted, and for each server
one port in it is forwarded to one of this machine, over one connection that is opened when QEMU starts.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import evolve

from harness.guest.agent_client import Agent
from harness.guest.image import cpio
from harness.guest.kernels import ModuleIndex, read_module
from harness.guest.qemu import Timing
from harness.guest.rundir import RunDir
from harness.guest.snapshot import boot
from harness.lane.config import LaneConfig
from tests.guest.wrapped import wrapped

__all__ = ["attach", "attaching_guest"]

_SERVER = "10.0.2.100"
_FIRST_PORT = 3240
MODULES = ("usbip_core", "vhci_hcd", "e1000")


@asynccontextmanager
async def attaching_guest(config: LaneConfig, ports: Sequence[int], scratch: Path) -> AsyncIterator[Agent]:
    """Boot a guest that reaches this machine's TCP ``ports``, each once, by :func:`attach`."""
    forwards = [
        f"guestfwd=tcp:{_SERVER}:{number}-tcp:127.0.0.1:{port}" for number, port in enumerate(ports, _FIRST_PORT)
    ]
    network = ",".join(("user,id=net,restrict=on", *forwards))
    added = shlex.join(("-netdev", network, "-device", "e1000,netdev=net"))
    emulator = wrapped(config.emulator, scratch / "qemu", added)
    initrd = _extended(config.image.path, _entries(config), scratch)
    config = evolve(config, timing=Timing.TCG, modules="base", loglevel=7, ports=0, emulator=emulator)
    with RunDir() as run_dir:
        machine = evolve(config.machine(run_dir.path), initrd=initrd)
        process, agent = await boot(machine)
        try:
            for name in MODULES:
                assert (await agent.run(("busybox", "insmod", f"/usbip/{name}.ko"), 10)).status == 0
            for words in (("lo", "up"), ("eth0", "10.0.2.15", "up")):
                assert (await agent.run(("busybox", "ifconfig", *words), 10)).status == 0
            yield agent
        finally:
            await agent.close()
            await process.kill()


async def attach(agent: Agent, number: int) -> None:
    """Have the guest attach what the server with this number, from 0, offers."""
    words = ("--tcp-port", str(_FIRST_PORT + number), "attach", f"--remote={_SERVER}", "--busid=1-1")
    ran = await agent.run(("usbip", *words), 20)
    assert ran.status == 0, ran.output


def usbip_tool() -> str:
    """The path of ``usbip``. Ubuntu's /usr/bin/usbip is a script that looks for the tools of the kernel that runs."""
    tools = sorted(str(path) for path in Path("/usr/lib").glob("linux-tools-*/usbip"))
    tool = tools[-1] if tools else shutil.which("usbip", path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert tool, "usbip: not found; install Debian's package usbip or Ubuntu's linux-tools-generic"
    return tool


def _extended(initrd: Path, entries: Iterator[cpio.Entry], scratch: Path) -> Path:
    """An initramfs with more files: the kernel unpacks one archive after the other."""
    path = scratch / "initrd.cpio"
    path.write_bytes(initrd.read_bytes() + b"".join(cpio.archive(entries)))
    return path


def _entries(config: LaneConfig) -> Iterator[cpio.Entry]:
    """The tool with the libraries it is linked to, and the modules."""
    tool = usbip_tool()
    yield cpio.file("bin/usbip", Path(tool).read_bytes(), 0o755)
    yield cpio.directory("var/run")
    linked = subprocess.run(["ldd", tool], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+) \(0x", linked):
        yield cpio.file(library.lstrip("/"), Path(library).read_bytes(), 0o755)
    index = ModuleIndex.read(config.kernel.modules)
    for name in MODULES:
        yield cpio.file(f"usbip/{name}.ko", read_module(index.paths[name]))
