"""One lane on a real kernel: what a round reports, and how the lane goes on after everything that can end one."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import define, evolve, field

from harness.guest.agent_client import Agent
from harness.guest.place import buses_of
from harness.guest.rundir import RunDir
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from harness.usbredir.server import Port
from tests import CORPUS
from tests.guest.processes import alive, qemus, until
from usbfuzz.case import load, spec_of
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, Event, GuestNeeds, Step
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.errors import InfraError, QemuError
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.models.hid.pointers import BootMouse
from usbfuzz.wire import NEVER

pytestmark = pytest.mark.guest

Guest = Callable[..., LaneConfig]
Result = TypeVar("Result")

KERNEL = "debian:bookworm"
SECONDS, MICE = 120, 6
EXTIGY = CORPUS / "known-bugs" / "extigy-unplug-gpf.toml"
CAMERA = CORPUS / "found" / "uvc-reqbufs-warning.toml"

MOUSE, KEYBOARD = spec_of(BootMouse()), spec_of(Keyboard())
PLUG, UNPLUG = Event(Action.PLUG, device=0), Event(Action.UNPLUG)


def _case(*events: Event, devices: tuple[DeviceSpec, ...] = (MOUSE,)) -> Case:
    return Case(devices, events, guest=GuestNeeds(exercise=False))


ONE_MOUSE = _case(PLUG)


@define
class Running:
    """An open lane, the event loop it lives in, and what that loop had to complain about."""

    runner: asyncio.Runner
    lane: Lane
    complaints: list[str] = field(factory=list)

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(asyncio.wait_for(work, SECONDS))

    def round(self, *cases: Case) -> Outcome:
        return self.do(self.lane.run_round(cases))


def _open(config: LaneConfig) -> Iterator[Running]:
    """A lane whose loop must not end with a failure that nobody looked at."""
    with asyncio.Runner() as runner:
        running = Running(runner, runner.run(Lane.open(config)))
        runner.get_loop().set_exception_handler(lambda _, context: running.complaints.append(str(context)))
        try:
            yield running
        finally:
            running.do(running.lane.close())
    gc.collect()  # a failure that nobody looked at is told when it is dropped
    assert running.complaints == []


@pytest.fixture(scope="module")
def running(guest: Guest) -> Iterator[Running]:
    yield from _open(guest(KERNEL))


async def _uptime(agent: Agent) -> float:
    """The guest's clock, in seconds."""
    return float((await agent.read("/proc/uptime")).split()[0])


def _bound(outcome: Outcome, driver: str) -> list[int]:
    """Ports on which the driver bound."""
    return sorted(binding.port for binding in outcome.bindings if binding.driver == driver)


def test_six_mice_side_by_side_all_bind(running: Running) -> None:
    outcome = running.round(*[ONE_MOUSE] * MICE)
    assert outcome.verdict is Verdict.CLEAN
    assert outcome.reports == ()
    assert (outcome.plugs, outcome.enumerated) == (MICE, MICE)
    assert _bound(outcome, "usbhid") == list(range(MICE))
    assert len(_bound(outcome, "hid-generic")) == MICE
    assert outcome.worst_reply_ms > 0
    assert not outcome.restored


def test_requests_are_those_of_all_devices(running: Running) -> None:
    alone = running.round(ONE_MOUSE).requests
    assert alone >= len(("device", "configuration", "languages", "product", "manufacturer", "idle", "report"))
    assert running.round(ONE_MOUSE, ONE_MOUSE).requests == pytest.approx(2 * alone, abs=2)


def test_a_case_alone_keeps_its_port(running: Running) -> None:
    outcome = running.round(_case(Event(Action.PLUG, port=4, device=0)))
    assert _bound(outcome, "usbhid") == [4]


def test_a_port_can_replug_as_another_device(running: Running) -> None:
    second = Event(Action.PLUG, device=1)
    outcome = running.round(_case(PLUG, UNPLUG, second, devices=(MOUSE, KEYBOARD)))
    assert (outcome.plugs, outcome.enumerated) == (2, 2)
    hid = [binding.name.rpartition(".")[0] for binding in outcome.bindings if binding.driver == "hid-generic"]
    assert hid == ["0003:0627:0001", "0003:0627:0002"]


def test_a_plug_on_a_taken_port_pulls_what_was_there(running: Running) -> None:
    outcome = running.round(_case(PLUG, Event(Action.PLUG, device=1), devices=(MOUSE, KEYBOARD)))
    assert (outcome.plugs, outcome.enumerated) == (2, 2)


def test_an_unplug_in_the_middle_of_enumeration_leaves_a_usable_guest(running: Running) -> None:
    outcome = running.round(_case(PLUG, Event(Action.UNPLUG, after_requests=3)))
    assert outcome.verdict is Verdict.CLEAN
    assert (outcome.plugs, outcome.enumerated) == (1, 0)
    assert outcome.requests >= 3
    assert outcome.bindings == ()
    assert running.round(ONE_MOUSE).enumerated == 1


def test_a_reset_asks_the_device_again(running: Running) -> None:
    plain = running.round(ONE_MOUSE).requests
    outcome = running.round(_case(PLUG, Event(Action.RESET)))
    assert outcome.verdict is Verdict.CLEAN
    assert outcome.requests >= plain + 2


def test_who_waits_for_one_port_is_not_held_up_by_a_silent_device_at_another(running: Running) -> None:
    silent = ScriptedDevice(evolve(MOUSE, control=(ControlScript((Step(NEVER, times=0),)),)))

    async def two_waits() -> tuple[float, float]:
        agent, slow = running.lane.agent, running.lane.ports[1]
        await slow.plug(silent)
        await slow.wait_requests(1)
        begun = await _uptime(agent)
        await agent.settle(8, buses_of(0))
        apart = await _uptime(agent) - begun
        await agent.settle(8, buses_of(1))
        behind = await _uptime(agent) - begun
        await slow.unplug()
        await agent.settle(8)
        return apart, behind

    apart, behind = running.do(two_waits())
    assert apart < 1
    assert behind > 4  # the kernel gives a descriptor 5 s (USB_CTRL_GET_TIMEOUT), and asks again


def test_the_console_of_a_round_does_not_leak_into_the_next(running: Running) -> None:
    running.do(running.lane.agent.mark("said in the first round"))
    assert "said in the first round" in running.round(ONE_MOUSE).console
    assert "said in the first round" not in running.round(ONE_MOUSE).console


def test_a_restored_guest_remembers_nothing(running: Running) -> None:
    running.do(running.lane.agent.mark("before the restore"))
    running.do(running.lane.restore())
    assert "before the restore" not in running.round(ONE_MOUSE).console
    assert "before the restore" not in running.do(running.lane.agent.kmsg())


def test_a_known_warning_costs_no_guest_and_comes_again_in_the_same_one(running: Running) -> None:
    camera = load(CAMERA)
    new = running.round(camera)
    assert new.title == "WARNING in vb2_core_reqbufs"
    assert new.restored
    running.lane.known += new.reports
    restores = running.lane.restores
    for _ in range(2):
        known = running.round(camera)
        assert known.title == new.title
        assert not known.restored
    assert running.round(ONE_MOUSE).verdict is Verdict.CLEAN
    assert running.lane.restores == restores


def test_a_kernel_that_cannot_arm_a_warning_again_costs_the_guest_as_before(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.lane.verdicts._REARM", "/sys/kernel/debug/no_such_switch")
    camera, restores = load(CAMERA), running.lane.restores
    running.lane.known += running.round(camera).reports
    known = running.round(camera)
    assert known.title == "WARNING in vb2_core_reqbufs"
    assert known.restored
    assert running.lane.restores == restores + 2


def test_more_ports_than_there_are_is_refused_before_anything_is_plugged(running: Running) -> None:
    with pytest.raises(InfraError, match="needs more ports than the guest's"):
        running.round(*[ONE_MOUSE] * (running.lane.config.ports + 1))
    assert running.round(ONE_MOUSE).enumerated == 1


def test_a_qemu_killed_in_the_middle_of_a_round_is_no_crash_and_the_lane_goes_on(running: Running) -> None:
    async def kill_in_the_middle() -> None:
        playing = asyncio.create_task(running.lane.run_round([ONE_MOUSE] * MICE))
        for port in running.lane.ports[:MICE]:
            await port.wait_requests(1)
        os.kill(running.lane.pid, signal.SIGKILL)
        await playing

    with pytest.raises(QemuError, match=r"QEMU was killed from outside \(SIGKILL\)"):
        running.do(kill_in_the_middle())
    running.do(running.lane.restore())
    assert running.round(*[ONE_MOUSE] * MICE).enumerated == MICE


def test_a_lane_that_cannot_be_opened_leaves_no_qemu_and_no_files(
    guest: Guest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def refuse(*_: object) -> Port:
        raise QemuError("nobody listens")

    config = guest(KERNEL)
    monkeypatch.setattr(Port, "connect", refuse)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {qemu.pid for qemu in qemus()}
    with pytest.raises(QemuError, match="nobody listens"):
        asyncio.run(Lane.open(config))
    assert {qemu.pid for qemu in qemus()} == before
    assert list(tmp_path.glob("usbfuzz-*/m*")) == []


def _make_deaf(monkeypatch: pytest.MonkeyPatch, guests: int) -> None:
    """So many of the next guests do not answer."""
    connect, left = Agent.connect, iter(range(guests))

    async def maybe(path: Path) -> Agent:
        if next(left, None) is not None:
            await asyncio.sleep(SECONDS)
        return await connect(path)

    monkeypatch.setattr(Agent, "connect", maybe)
    monkeypatch.setattr("harness.lane.guest._ANSWER_S", 2.0)


def test_a_restored_guest_that_does_not_answer_is_restored_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    _make_deaf(monkeypatch, 1)
    running.do(running.lane.restore())
    assert running.round(ONE_MOUSE).enumerated == 1


def test_a_snapshot_whose_guests_never_answer_is_given_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    _make_deaf(monkeypatch, 9)
    with pytest.raises(QemuError, match="does not answer"):
        running.do(running.lane.restore())
    assert running.lane.pid == 0
    monkeypatch.undo()
    running.do(running.lane.restore())
    assert running.round(ONE_MOUSE).enumerated == 1


def test_after_a_crash_at_unplug_the_same_port_takes_the_next_device(guest: Guest) -> None:
    for running in _open(guest("debian:5.10.223-1")):
        crash = running.round(load(EXTIGY))
        assert crash.verdict is Verdict.CRASH
        assert crash.restored
        assert crash.requests > 0
        after = running.round(ONE_MOUSE)
        assert after.verdict is Verdict.CLEAN
        assert _bound(after, "usbhid") == [0]
        assert 0 < running.lane.recovery < 10


def test_a_crash_does_not_turn_a_caller_s_time_limit_into_a_cancellation(guest: Guest) -> None:
    async def crash_until_time_is_up(lane: Lane) -> None:
        async with asyncio.timeout(10):
            while (await lane.run(load(EXTIGY))).reports:
                pass

    for running in _open(guest("debian:5.10.223-1")):
        with pytest.raises(TimeoutError):
            running.do(crash_until_time_is_up(running.lane))


_OWNER = """
import asyncio
from harness.guest.qemu import Mode
from harness.lane.lane import Lane
from harness.lane.prepare import prepare

async def main():
    lane = await Lane.open(await prepare("debian:bookworm", mode=Mode.WARP))
    print(lane.pid, lane.machine.run_dir, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_a_killed_owner_leaves_no_qemu_and_its_directory_is_swept(
    guest: Guest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    guest(KERNEL)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        pid, _, run_dir = owner.stdout.readline().strip().partition(" ")
        assert alive(int(pid))
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        until(lambda: not alive(int(pid)), 2)
    assert Path(run_dir).exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with RunDir():
        assert not Path(run_dir).exists()
