"""The command on real kernels: a matrix that is right, differences that are found, expectations that are recorded."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve

from harness.lane.config import LaneConfig
from tests import DEVICES, KNOWN_BUGS
from usbfuzz.case import load, save
from usbfuzz.case.model import Expectation
from usbfuzz.jobs.regress.collect import collect
from usbfuzz.jobs.regress.run import RegressOptions, snapshots_key

pytestmark = pytest.mark.guest

VULNERABLE, FIXED = "debian:5.10.223-1", "debian:5.10.262-1"
KERNELS = ("--kernel", VULNERABLE, "--kernel", FIXED)
BUG = "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback"


def regress(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "usbfuzz", "regress", "--mode", "warp", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)


def kept(directory: Path, name: str, *rows: Expectation) -> Path:
    """A kept case of which only ``rows`` are recorded."""
    (found,) = (path for folder in (DEVICES, KNOWN_BUGS) for path in folder.glob(f"{name}.toml"))
    path = directory / found.name
    save(path, evolve(load(found), expect=rows))
    return path


@pytest.fixture(autouse=True)
def kernels(guest: Callable[..., LaneConfig]) -> None:
    guest(VULNERABLE)
    guest(FIXED)


def test_known_bugs_come_where_they_are_and_stay_away_where_they_are_fixed(tmp_path: Path) -> None:
    for name in ("quatech2-bulk-null", "cxacru-bogus-urb"):
        shutil.copy(KNOWN_BUGS / f"{name}.toml", tmp_path)
    kept(tmp_path, "boot-mouse")
    report = tmp_path / "report.xml"
    done = regress(tmp_path, *KERNELS, "--junit", report)
    assert done.returncode == 0, done.stderr
    cells = {line.split("│")[1].strip(): line.split("│")[2:4] for line in done.stdout.splitlines() if "│" in line}
    assert [cell.strip() for cell in cells["quatech2-bulk-null"]] == ["✓ ok crash", "✓ ok"]
    assert [cell.strip() for cell in cells["cxacru-bogus-urb"]] == ["✓ ok crash", "✓ ok"]
    assert [cell.strip() for cell in cells["boot-mouse"]] == ["· new", "· new"]
    assert len(ET.parse(report).findall("testsuite/testcase")) == 6
    assert not ET.parse(report).findall(".//failure")


def test_differences_are_found_and_a_second_look_after_blessing_finds_none(tmp_path: Path) -> None:
    quatech = kept(tmp_path, "quatech2-bulk-null", Expectation(VULNERABLE, ""), Expectation(FIXED, BUG))
    mouse = kept(
        tmp_path,
        "boot-mouse",
        Expectation(
            VULNERABLE, "", drivers=("1.0 usbhid",), log=("usb 1-1: once said",), userspace=("1.0 lost keys: A",)
        ),
    )
    (tmp_path / "broken.toml").write_text("format = 2\n")
    document = tmp_path / "report.json"

    done = regress(tmp_path, *KERNELS, "--json", document)
    assert done.returncode == 2
    cells = {(row["case"], row["kernel"]): row for row in json.loads(document.read_text())["cells"]}
    assert cells["quatech2-bulk-null", VULNERABLE]["status"] == "crash"
    assert cells["quatech2-bulk-null", VULNERABLE]["title"] == BUG
    assert cells["quatech2-bulk-null", FIXED]["status"] == "gone"
    # On a busy machine some runs are answered too late: they are repeated, and a further line says so.
    assert len(cells["quatech2-bulk-null", FIXED]["runs"]) >= 3
    assert cells["boot-mouse", VULNERABLE]["details"][:2] == ["drivers: + hid hid-generic", "log: - usb 1-1: once said"]
    assert "userspace: 1.0 lost keys: A → none" in cells["boot-mouse", VULNERABLE]["details"]
    assert cells["boot-mouse", FIXED]["status"] == "new"
    assert {cells["broken", kernel]["status"] for kernel in (VULNERABLE, FIXED)} == {"error"}
    assert done.stdout.count("broken.toml") == 1

    assert regress(quatech, mouse, *KERNELS, "--bless").returncode == 0
    assert {row.kernel: row.title for row in load(quatech).expect} == {VULNERABLE: BUG, FIXED: ""}
    assert {row.drivers for row in load(mouse).expect} == {("1.0 usbhid", "hid hid-generic")}
    keys = "1.0 input 'usbfuzz Boot mouse' keys: BTN_LEFT BTN_RIGHT BTN_MIDDLE"
    assert all(keys in (row.userspace or ()) for row in load(mouse).expect)
    again = regress(quatech, mouse, *KERNELS)
    assert again.returncode == 0, again.stdout


def test_a_kernel_that_does_not_boot_and_one_that_is_not_there_leave_the_rest_running(tmp_path: Path) -> None:
    mouse = kept(tmp_path, "boot-mouse")
    text = mouse.read_text()
    (tmp_path / "bootless.toml").write_text(f"{text}\n[guest]\nkernel_params = ['rdinit=/nowhere']\n")
    document = tmp_path / "report.json"
    done = regress(tmp_path, "--kernel", FIXED, "--kernel", tmp_path / "no-such-tree", "--json", document)
    assert done.returncode == 2
    cells = {(row["case"], row["kernel"]): row for row in json.loads(document.read_text())["cells"]}
    assert cells["boot-mouse", FIXED]["status"] == "new"
    assert "did not boot" in cells["bootless", FIXED]["error"]
    assert "no such file or directory" in cells["boot-mouse", str(tmp_path / "no-such-tree")]["error"]


def test_the_snapshots_have_a_name_that_changes_when_another_guest_would_be_booted(tmp_path: Path) -> None:
    mouse, quatech = kept(tmp_path, "boot-mouse"), kept(tmp_path, "quatech2-bulk-null")
    parameters = tmp_path / "parameters.toml"
    parameters.write_text(f"{mouse.read_text()}\n[guest]\nkernel_params = ['quiet']\n")

    def key(*paths: Path, smp: int | None = None) -> str:
        return asyncio.run(snapshots_key(RegressOptions((VULNERABLE,), smp=smp), collect(paths)))

    plain = key(mouse)
    assert re.fullmatch(r"snapshots-[0-9a-f]{16}", plain)
    assert key(quatech, mouse) == plain  # the same guest runs both
    assert len({plain, key(parameters), key(mouse, parameters), key(mouse, smp=2)}) == 4
    assert regress("--key", "--kernel", VULNERABLE, mouse).stdout == f"{plain}\n"
