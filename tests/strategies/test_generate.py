"""The numbered stream of cases: deterministic, the same in any portions, valid, varied and fast."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings

from strategies import cases, generate
from strategies.dice import Dice
from strategies.schedule import SHAPES, devices_wanted, schedule
from tests import ROOT
from usbfuzz.case import ScriptedDevice, dumps, from_json, loads, to_json
from usbfuzz.case.limits import BLOCK_CASES
from usbfuzz.case.model import Action, Case
from usbfuzz.wire import Setup

from .aliases import ALIASES, IDENTITIES

SEED = 20240229


@cache
def stream() -> tuple[Case, ...]:
    """The first cases of the seed."""
    return tuple(generate(SEED, 0, 400, IDENTITIES))


def test_the_same_seed_gives_the_same_cases() -> None:
    assert tuple(generate(SEED, 0, 150, IDENTITIES)) == stream()[:150]


def test_another_seed_gives_other_cases() -> None:
    here, there = stream()[:50], generate(SEED + 1, 0, 50, IDENTITIES)
    assert all(case.devices != other.devices for case, other in zip(here, there, strict=True))


def test_portions_do_not_matter() -> None:
    whole = list(stream()[: 3 * BLOCK_CASES])
    parts = [case for first in range(0, 3 * BLOCK_CASES, 50) for case in generate(SEED, first, 50, IDENTITIES)]
    assert parts[: len(whole)] == whole


def test_a_single_number_brings_its_case_back() -> None:
    for index in (100, 113, 127, 159):
        assert list(generate(SEED, index, 1, IDENTITIES)) == [stream()[index]]


_ELSEWHERE = """
import sys
from hashlib import sha256

from strategies import Identities, generate
from usbfuzz.case import to_json

identities = Identities.parse(sys.stdin.read())
print(sha256("".join(map(to_json, generate(int(sys.argv[1]), 0, 100, identities))).encode()).hexdigest())
"""
#: Hypothesis draws constants it finds in the user's modules: these must not decide what a case is.
_CONSTANTS = "STRANGE = (101, 111, 222, 255, 333, 4096, 65535, b'eight by', b'0123456789abcdef' * 2)\n"


def test_another_process_with_other_modules_makes_the_same_cases_and_leaves_nothing_on_disk(tmp_path: Path) -> None:
    script = tmp_path / "elsewhere.py"
    sums = set()
    for constants in ("", _CONSTANTS):
        script.write_text(constants + _ELSEWHERE)
        done = subprocess.run(
            [sys.executable, str(script), str(SEED)],
            input=ALIASES,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        )
        sums.add(done.stdout)
    here = "".join(map(to_json, stream()[:100]))
    assert sums == {sha256(here.encode()).hexdigest() + "\n"}
    assert list(tmp_path.iterdir()) == [script]


@pytest.mark.parametrize("first", [0, 5000])
def test_every_case_survives_the_case_file_and_json(first: int) -> None:
    for case in generate(SEED, first, 50, IDENTITIES):
        assert loads(dumps(case)) == case
        assert from_json(to_json(case)) == case


def test_cases_say_where_they_come_from() -> None:
    for index, case in enumerate(stream()[40:100], 40):
        assert (case.provenance.source, case.provenance.seed, case.provenance.index) == ("campaign", SEED, index)
        assert case.title
        assert case.provenance.strategy


def test_fifteen_percent_are_field_sweeps() -> None:
    swept = ["sweep" in case.provenance.strategy for case in stream()[:200]]
    assert sum(swept) == 30


def test_cases_hardly_repeat() -> None:
    made = [case.devices for case in stream()]
    assert len(set(made)) >= 0.98 * len(made)


def test_a_third_of_the_drawn_cases_is_plausible() -> None:
    drawn = [case for case in stream() if "sweep" not in case.provenance.strategy]
    plain = [case for case in drawn if not case.provenance.notes]
    assert 0.22 < len(plain) / len(drawn) < 0.45


def test_most_cases_plug_one_device_once_on_port_0() -> None:
    made = stream()
    simple = [case for case in made if len(case.events) == 1 and case.events[0].port == 0]
    assert len(simple) > 0.6 * len(made)
    assert sum(event.action is Action.PLUG for case in made for event in case.events) < 1.4 * len(made)


@pytest.mark.parametrize("shape", SHAPES.items)
def test_schedules_plug_devices_that_exist_into_ports_that_are_free(shape: str) -> None:
    for seed in range(50):
        held: dict[int, int] = {}
        for event in schedule(Dice(seed), shape):
            assert 0 <= event.port < devices_wanted(shape)
            match event.action:
                case Action.PLUG:
                    assert event.port not in held
                    assert event.device is not None
                    assert event.device < devices_wanted(shape)
                    held[event.port] = event.device
                case Action.UNPLUG:
                    del held[event.port]
                case Action.RESET:
                    assert event.port in held


@settings(max_examples=40)
@given(case=cases(IDENTITIES))
def test_the_strategy_gives_cases_whose_devices_can_be_played(case: Case) -> None:
    for spec in case.devices:
        device = ScriptedDevice(spec)
        device.on_control(Setup(0x80, 6, 0x0100, 0, 18), b"")
        device.on_control(Setup(0x80, 6, 0x0200, 0, 255), b"")
        device.on_set_configuration(1)
        device.layout()
        for script in spec.endpoints:
            device.on_in(script.bEndpointAddress, 512)


def test_a_core_makes_cases_faster_than_a_guest_eats_them() -> None:
    supply = generate(SEED, 0, 2000, IDENTITIES)
    list(islice(supply, BLOCK_CASES * 2))  # imports, caches
    start = time.process_time()
    count = len(list(islice(supply, 300)))
    assert count / (time.process_time() - start) > 150
