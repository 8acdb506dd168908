"""A sweep changes one field at a time, and its list ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from strategies.fields import FieldSweep
from tests import DEVICES, KNOWN_BUGS
from usbfuzz.case import Case, load
from usbfuzz.cli import sweep as cli
from usbfuzz.crashes.layout import CAMPAIGN_FILE, SWEPT_FILE
from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.messages import CASES, RANGES, CaseRange
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.sweep import begin_sweep
from usbfuzz.jobs.campaign.sweeper import CaseSweep
from usbfuzz.load import case_of, in_bytes, load_device

CASE = load(DEVICES / "boot-mouse.toml")


def test_every_fault_comes_once_and_each_is_of_one_device() -> None:
    two = Case((*CASE.devices, *load(KNOWN_BUGS / "uvc-format-oob.toml").devices), CASE.events)
    sweep = CaseSweep(two)
    assert len(sweep) == sum(len(FieldSweep(spec)) for spec in two.devices)
    changed = [
        sum(swept != spec for swept, spec in zip(sweep[number].devices, two.devices, strict=True))
        for number in range(0, len(sweep), 37)
    ]
    assert set(changed) <= {0, 1}  # some of boofuzz's values are what the field has
    assert changed.count(1) > 0.9 * len(changed)
    titles = [case.title for case in CaseSweep(CASE)]
    assert len(set(titles)) == len(titles) == len(CaseSweep(CASE))
    with pytest.raises(IndexError):
        sweep[len(sweep)]


def test_the_process_makes_the_same_cases(tmp_path: Path) -> None:
    begun = begin_sweep(CASE, tmp_path / "out")
    done = subprocess.run(
        [*begun.generator, "1", "aliases", "", str(os.getpid())],
        input=RANGES.encode(CaseRange(3, 2)),
        capture_output=True,
        check=True,
    )
    assert [CASES.decode(line).case for line in done.stdout.splitlines()] == [begun.cases[3], begun.cases[4]]


def test_a_directory_goes_on_with_its_own_sweep_only(tmp_path: Path) -> None:
    first = begin_sweep(CASE, tmp_path)
    assert begin_sweep(CASE, tmp_path).seed == first.seed
    with pytest.raises(InputError, match=f"{SWEPT_FILE}: is the sweep of another device"):
        begin_sweep(in_bytes(case_of(load_device("printer"))), tmp_path)
    other = tmp_path / "campaign"
    other.mkdir()
    (other / CAMPAIGN_FILE).touch()
    with pytest.raises(InputError, match="holds a campaign that is no sweep"):
        begin_sweep(CASE, other)


def test_a_model_is_swept_by_its_descriptors(tmp_path: Path) -> None:
    (device,) = begin_sweep(case_of(load_device("printer")), tmp_path).cases[0].devices
    assert not device.model
    assert device.configurations


def test_the_command_asks_for_a_campaign_that_follows_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[CampaignOptions] = []
    monkeypatch.setattr(cli, "run_and_tell", lambda _guest, options, *_: asked.append(options))
    words = ["boot-mouse", "--out", str(tmp_path / "out"), "--time", "5s", "--no-minimize"]
    done = CliRunner().invoke(cli.sweep_command, words, catch_exceptions=False)
    assert done.exit_code == 0
    (options,) = asked
    assert (options.seconds, options.minimize, options.guided) == (5.0, False, False)
    assert options.cases is not None
    assert options.cases > 1000
