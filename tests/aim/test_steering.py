"""What an aim does to a campaign: whom devices are made for, and what counts as brought."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.kernels import Kernel
from harness.guest.kernels.objects import KernelObjects
from strategies import Identities
from strategies.target import module_of, target_of
from tests.campaign.pretend import case, config
from tests.strategies.aliases import ALIASES, IDENTITIES
from usbfuzz.case.model import Case
from usbfuzz.corpus import Corpus
from usbfuzz.coverage import Block, Blocks
from usbfuzz.errors import InputError
from usbfuzz.jobs.aim import Aim, AimedCode, Wanted, aim_at
from usbfuzz.jobs.campaign.case_queue import GENERATOR
from usbfuzz.jobs.campaign.database import Database
from usbfuzz.jobs.campaign.guide import Guide
from usbfuzz.jobs.campaign.history import HISTORY_SCHEMA, History
from usbfuzz.jobs.campaign.messages import CASES, GENERATORS, RANGES, CaseRange, GeneratorStart, Reached
from usbfuzz.jobs.campaign.messages import Block as CaseBlock
from usbfuzz.jobs.engine.plan import Plan, Source
from usbfuzz.jobs.engine.yields import Yields

from .kernels import kernel_of


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """Its files are not to be changed."""
    return kernel_of(tmp_path_factory.mktemp("kernel"))


def _made(tmp_path: Path, aim: str, plan: Plan | None, corpus: Path | None = None) -> list[Case]:
    """The cases that a generator makes."""
    (tmp_path / "modules.alias").write_text(ALIASES)
    aimed = tuple(filter(None, aim.split(",")))
    start = GENERATORS.encode(GeneratorStart(7, tmp_path / "modules.alias", corpus=corpus, aim=aimed))
    words = (*GENERATOR, start.decode().rstrip(), str(os.getpid()))
    wanted = RANGES.encode(CaseRange(0, 120, plan))
    done = subprocess.run(words, input=wanted, capture_output=True, check=True, timeout=120)
    return [CASES.decode(line).case for line in done.stdout.splitlines()]


def _drivers(made: list[Case]) -> set[str]:
    return {module_of(spec.name) for case in made for spec in case.devices}


@pytest.mark.parametrize("guided", [False, True])
def test_devices_are_made_for_the_drivers_that_are_aimed_at_only(tmp_path: Path, guided: bool) -> None:
    plan = Plan({Source.FRESH: 1.0}, {"btusb": 0.2, "usblp": 0.8}) if guided else None
    made = _made(tmp_path, "btusb,usblp", plan)
    assert len(made) == 120
    assert _drivers(made) == {"btusb", "usblp"}
    assert len(_drivers(_made(tmp_path, "", None))) > 5


def test_of_the_corpus_only_cases_for_these_drivers_are_changed(tmp_path: Path) -> None:
    corpus = Corpus.open(tmp_path / "corpus", "debian:6.1.1-1", "6.1.0", print)
    for number, each in enumerate(_made(tmp_path, "usblp,cdc_acm", None)[:40]):
        block = Block("usbcore", ".text", number * 16, 4)
        corpus.add(each, Blocks.of("debian:6.1.1-1", "6.1.0", [block]))
    corpus.flush()
    made = _made(tmp_path, "usblp", Plan({Source.HAVOC: 1.0}, {"usblp": 1.0}), tmp_path / "corpus")
    assert {target_of(each) for each in made} == {"usblp"}


def test_identities_of_no_driver_are_an_error() -> None:
    assert IDENTITIES.only({"btusb", "uas", "nothing"}).modules == ("btusb", "uas")
    with pytest.raises(InputError, match="no driver of this kernel is among nothing"):
        IDENTITIES.only({"nothing"})
    assert isinstance(IDENTITIES.only({"uas"}), Identities)


def test_drivers_get_the_shares_that_they_are_wanted_for() -> None:
    wanted = {"usbhid": 0.75, "uvcvideo": 0.25}
    plan = Yields(tuple(wanted), wanted).plan(64)
    assert plan.modules == pytest.approx(wanted, abs=0.001)


def test_a_module_is_shared_among_the_drivers_that_lead_to_it(kernel: Kernel, tmp_path: Path) -> None:
    aim = aim_at(kernel, Wanted(drivers=("snd-usbmidi-lib", "em")), tmp_path, lambda _: None)
    assert aim is not None
    assert aim.shares == pytest.approx({"em": 0.5, "snd_ua101": 0.25, "snd_usb_audio": 0.25})


def _aimed(kernel: Kernel, tmp_path: Path) -> AimedCode:
    aim = aim_at(kernel, Wanted(files=("sound/usb/clock.c",)), tmp_path, lambda _: None)
    assert aim is not None
    return AimedCode.of(aim, KernelObjects.of(kernel, tmp_path))


def _starts(kernel: Kernel, tmp_path: Path) -> Mapping[str, int]:
    return {it.name: it.offset for it in KernelObjects.of(kernel, tmp_path).functions("snd_usb_audio")}


def test_blocks_count_that_begin_in_the_functions_aimed_at(kernel: Kernel, tmp_path: Path) -> None:
    aimed, starts = _aimed(kernel, tmp_path), _starts(kernel, tmp_path)
    inside = [Block("snd_usb_audio", ".text", starts[name] + 3, 2) for name in ("find_clock", "set_rate")]
    outside = [
        Block("snd_usb_audio", ".text", starts["build_mixer"], 2),
        Block("snd_usb_audio", ".text", 1 << 20, 2),
        Block("em", ".text", starts["find_clock"], 2),
    ]
    assert aimed.count([*inside, *outside]) == 2


def _guide(tmp_path: Path, aimed: AimedCode) -> Guide:
    history = History.open(Database.open(tmp_path / "campaign.sqlite", HISTORY_SCHEMA), 1)
    return Guide.open(tmp_path / "corpus", tmp_path / "learned", config(), ("usbhid",), history, print, aimed)


def test_what_a_case_brings_is_what_it_reached_of_that(kernel: Kernel, tmp_path: Path) -> None:
    guide, starts = _guide(tmp_path, _aimed(kernel, tmp_path)), _starts(kernel, tmp_path)
    blocks = [Block("snd_usb_audio", ".text", starts[name], 4) for name in ("find_clock", "build_mixer")]
    assert set(guide.yields.plan(64).modules) == {"snd_usb_audio"}
    assert guide.reached(Reached(Source.FRESH, "snd_usb_audio", case(1), tuple(blocks))) == 2
    assert guide.yields.sources[Source.FRESH].blocks == 1


def test_cases_for_other_drivers_wait_in_the_corpus(kernel: Kernel, tmp_path: Path) -> None:
    other = Corpus.open(tmp_path / "corpus", "debian:6.1.1-1", "6.1.0", print)
    mine = evolve(case(1), devices=(evolve(case(1).devices[0], name="snd-usb-audio audio"),))
    names = []
    for number, each in enumerate((case(0), mine, case(2))):
        block = Block("usbcore", ".text", number * 16, 4)
        names.append(other.add(each, Blocks.of("debian:6.1.1-1", "6.1.0", [block])))
    other.flush()
    guide = _guide(tmp_path, _aimed(kernel, tmp_path))
    assert guide.planned(CaseBlock(tuple(range(10)))).corpus == (names[1],)
    guide.flush()
    assert len(_guide(tmp_path, _aimed(kernel, tmp_path)).corpus.unrun) == 3


def test_an_aim_is_told_in_one_line() -> None:
    aim = Aim(Wanted(("em",), since="debian:6.1.190"), {"em": 1.0}, {"em": frozenset({"em_probe"})})
    assert str(aim) == "em, changed since debian:6.1.190: 1 function of 1 module, by devices of 1 driver"
