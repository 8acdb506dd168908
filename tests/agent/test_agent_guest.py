"""The image and the agent in real kernels: one boot each, every verb, QEMU's own USB devices."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import define

from harness.guest.agent_client import Agent, UEvent
from harness.guest.command_line import kernel_command_line
from harness.guest.process import Qemu
from harness.guest.qemu import Machine, Timing
from harness.guest.rundir import RunDir
from harness.guest.saved import SavedGuest, new_memory, save_state, write_guest
from harness.guest.snapshot import boot
from harness.lane.config import LaneConfig
from tests.guest.wrapped import wrapped
from usbfuzz.errors import GuestError

pytestmark = pytest.mark.guest

SECONDS = 120
Result = TypeVar("Result")


@define
class Booted:
    """A booted guest with all modules, and the event loop it lives in."""

    runner: asyncio.Runner
    qemu: Qemu
    agent: Agent

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(asyncio.wait_for(work, SECONDS))

    def plug(self, driver: str, controller: int = 0, **options: str) -> list[UEvent]:
        """Plug one of QEMU's devices, named ``dut``, and settle at once."""

        async def work() -> list[UEvent]:
            place = {"id": "dut", "bus": f"xhci{controller}.0", "port": "2"}
            await self.qemu.execute("device_add", driver=driver, **place, **options)
            return await self.agent.settle(8)

        return self.run(work())

    def unplug(self) -> list[UEvent]:
        async def work() -> list[UEvent]:
            await self.qemu.execute("device_del", id="dut")
            return await self.agent.settle(8)

        return self.run(work())


@pytest.fixture(scope="module", params=["debian:5.10.223", "debian:bookworm"])
def booted(
    request: pytest.FixtureRequest, guest: Callable[[str], LaneConfig], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Booted]:
    config = guest(request.param)
    # QEMU's sound card wants a backend, which QEMU 8.2 and later have only when told so on the command line.
    with_sound = wrapped(config.emulator, tmp_path_factory.mktemp("qemu") / "qemu", "-audiodev none,id=silence")
    with asyncio.Runner() as runner, RunDir() as run_dir:
        machine = Machine(
            vmlinuz=config.kernel.vmlinuz,
            initrd=config.image.path,
            command_line=kernel_command_line(Timing.WARP, ("slub_debug=FZ,kmalloc-*", "usbhid.mousepoll=7")),
            run_dir=run_dir.path,
            timing=Timing.WARP,
            emulator=with_sound,
            memory=(memory := new_memory()),
        )
        qemu, agent = runner.run(boot(machine))
        booted = Booted(runner, qemu, agent)
        try:
            yield booted
        finally:
            runner.run(booted.agent.close())
            runner.run(booted.qemu.kill())
            os.close(memory.descriptor)


def _bound(events: list[UEvent]) -> dict[str, str]:
    return {event.name: event.detail for event in events if event.kind == "bind"}


def test_every_module_of_the_boot_list_is_loaded(booted: Booted) -> None:
    loaded = {line.split()[0] for line in booted.run(booted.agent.read("/proc/modules")).decode().splitlines()}
    log = booted.qemu.machine.console.read_text(errors="replace")
    assert "usbfuzz-agent" not in log
    assert {"xhci_pci", "usbhid", "hid_apple", "snd_usb_audio", "usb_storage", "cdc_acm", "uvcvideo"} <= loaded
    assert len(loaded) > 600


def test_loading_the_drivers_warns_of_nothing(booted: Booted) -> None:
    log = booted.run(booted.agent.kmsg())
    assert "WARNING:" not in log
    assert "BUG:" not in log


def test_module_parameters_come_from_the_kernel_command_line(booted: Booted) -> None:
    assert booted.run(booted.agent.read("/sys/module/usbhid/parameters/mousepoll")) == b"7\n"


def test_settle_right_after_the_plug_waits_for_the_whole_enumeration(booted: Booted) -> None:
    bound = _bound(booted.plug("usb-kbd"))
    assert bound["1-2:1.0"] == "usbhid"
    assert "hid-generic" in bound.values()


def test_exercise_opens_what_the_keyboard_brought_once(booted: Booted) -> None:
    assert booted.run(booted.agent.exercise(100)) >= 2
    assert booted.run(booted.agent.exercise(100)) == 0


def test_reset_resets_the_device_and_lsusb_lists_it(booted: Booted) -> None:
    booted.run(booted.agent.reset("1-2"))
    assert "usb 1-2: reset" in booted.run(booted.agent.kmsg())
    listed = booted.run(booted.agent.lsusb())
    assert listed["1-2"][:2] == b"\x12\x01"
    assert {f"usb{bus}" for bus in range(1, 9)} <= set(listed)


def test_settle_right_after_the_unplug_waits_for_the_removal(booted: Booted) -> None:
    removed = {event.name for event in booted.unplug() if event.kind == "remove"}
    assert {"1-2", "1-2:1.0"} <= removed
    assert "1-2" not in booted.run(booted.agent.lsusb())


@pytest.mark.parametrize(
    ("device", "driver"),
    [("usb-tablet", "usbhid"), ("usb-audio", "snd-usb-audio"), ("usb-wacom-tablet", "usbhid"), ("usb-hub", "hub")],
)
def test_other_devices_bind_are_exercised_and_leave(booted: Booted, device: str, driver: str) -> None:
    options = {"audiodev": "silence"} if device == "usb-audio" else {}
    assert driver in _bound(booted.plug(device, 2, **options)).values()
    opened = booted.run(booted.agent.exercise(100))
    assert opened >= (0 if device == "usb-hub" else 2)
    assert any(event.kind == "remove" and event.name == "5-2" for event in booted.unplug())


def test_a_network_interface_is_brought_up(booted: Booted) -> None:
    booted.run(booted.qemu.execute("netdev_add", type="hubport", id="net", hubid=0))
    assert "cdc_ether" in _bound(booted.plug("usb-net", 1, netdev="net")).values()
    assert booted.run(booted.agent.exercise(100)) >= 1
    booted.unplug()


def test_idle_settles_find_nothing(booted: Booted) -> None:
    booted.run(booted.agent.settle(300))
    assert booted.run(booted.agent.settle(8)) == []


def test_many_settles_and_sleeps_at_once_all_return(booted: Booted) -> None:
    async def work() -> None:
        await asyncio.gather(*(booted.agent.settle(ms) for ms in range(40)), *(map(booted.agent.sleep, range(40))))

    booted.run(work())


def test_validate_checks_the_kmalloc_caches(booted: Booted) -> None:
    assert booted.run(booted.agent.validate()) > 20


def test_load_takes_dependencies_and_refuses_what_is_not_there(booted: Booted) -> None:
    booted.run(booted.agent.load("xc5000", "hid-apple"))
    assert b"xc5000 " in booted.run(booted.agent.read("/proc/modules"))
    with pytest.raises(GuestError, match="No such file"):
        booted.run(booted.agent.load("no-such-module"))


def test_a_mark_is_on_the_console_at_once(booted: Booted) -> None:
    booted.run(booted.agent.mark("case 17"))
    assert "usbfuzz: case 17\n" in booted.qemu.machine.console.read_text(errors="replace").replace("\r", "")


def test_write_sets_a_sysctl(booted: Booted) -> None:
    booted.run(booted.agent.write("/proc/sys/kernel/printk", "7"))
    assert booted.run(booted.agent.read("/proc/sys/kernel/printk")).split()[0] == b"7"


def test_the_agent_outlives_a_host_that_leaves(booted: Booted) -> None:
    # Not in the middle of a long answer: QEMU 7.2's virtio port may abort when its reader leaves it full.
    async def work() -> None:
        for _ in range(3):
            await booted.agent.ping()
            await booted.agent.close()
            booted.agent = await Agent.connect(booted.qemu.machine.agent)
        assert len(await booted.agent.read("/proc/kallsyms")) > 1_000_000

    booted.run(work())


def test_the_agent_works_in_a_snapshot_restored_by_a_new_qemu(booted: Booted, tmp_path: Path) -> None:
    async def work() -> None:
        await booted.agent.close()
        machine = booted.qemu.machine
        assert machine.memory is not None
        write_guest(tmp_path / "saved", machine.memory, machine.memory_mib, await save_state(booted.qemu))
        await booted.qemu.kill()
        with contextlib.closing(SavedGuest.open(tmp_path / "saved", machine)) as saved:
            booted.qemu = await saved.start(machine)
            await booted.qemu.execute("cont")
            booted.agent = await Agent.connect(machine.agent)
            await booted.agent.mark("after the snapshot")
            await booted.agent.close()
            await booted.qemu.kill()
            booted.qemu = await saved.start(machine)
        await booted.qemu.execute("cont")
        booted.agent = await Agent.connect(booted.qemu.machine.agent)
        assert "after the snapshot" not in await booted.agent.kmsg()

    booted.run(work())
    assert _bound(booted.plug("usb-kbd"))["1-2:1.0"] == "usbhid"
    booted.unplug()
