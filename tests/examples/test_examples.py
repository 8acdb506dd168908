"""The examples that need no guest, run as their README says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests import ROOT
from usbfuzz.load import load_device
from usbfuzz.wire import data

EXAMPLES = ROOT / "examples"


def _run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_in_the_readme() -> None:
    text = (EXAMPLES / "README.md").read_text()
    assert [path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".log"} and path.name not in text] == []


@pytest.mark.parametrize("program", ["examples/fuzz_with_boofuzz.py", "docs/pictures/make.py"])
def test_a_program_starts_and_says_how_it_is_used(program: str) -> None:
    done = subprocess.run([sys.executable, program, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_my_mouse_is_a_device_that_moves() -> None:
    mouse = load_device(str(EXAMPLES / "my_mouse.py")).make()
    assert mouse.on_in(0x81, 4) == data(b"\x00\x05\x00")


def test_the_parser_example_passes() -> None:
    assert "2 passed" in _run("pytest", "examples/test_parser.py", "-p", "no:cacheprovider")


def test_the_log_is_named_by_triage() -> None:
    named = json.loads(_run("usbfuzz", "triage", "--json", "examples/crash.log"))
    assert named["title"] == "BUG: unable to handle kernel NULL pointer dereference in u2fzero_rng_read"
    assert named["title"] in (EXAMPLES / "README.md").read_text()
