"""``usbfuzz coverage``: what it prints and writes, and what it says of wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from usbfuzz.cli import cli
from usbfuzz.coverage import write_blocks
from usbfuzz.errors import InputError

from .built import NAME, Built


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USBFUZZ_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def campaign(built: Built, tmp_path: Path) -> Path:
    (tmp_path / "night" / "coverage").mkdir(parents=True)
    blocks = built.blocks([built.whole("probe_it", 5, "mouse"), built.whole("idle", 7)])
    write_blocks(tmp_path / "night" / "coverage" / "blocks.tsv", blocks)
    return tmp_path / "night"


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["coverage", *map(str, words)], catch_exceptions=False, standalone_mode=False)


def test_the_table_has_a_module_a_row(campaign: Path) -> None:
    output = _run(campaign).output
    assert "usb_dummy" in output
    assert "2 of 3 (67 %)" in output
    assert ": 1 modules, 2 of 3 (67 %) of their functions, 2 blocks, 1 cases that reached something first" in output


def test_the_functions_of_a_module_are_listed_in_order(campaign: Path) -> None:
    lines = [line for line in _run(campaign, "--functions", "usb-dummy").output.splitlines() if "│" in line]
    assert ["✓" in line for line in lines] == [True, True, False]
    assert "mouse" in lines[0]


def test_json_has_every_function(campaign: Path) -> None:
    output = _run(campaign, "--json").output
    document = json.loads(output[output.index("{") :])
    (module,) = document["modules"]
    assert (document["format"], document["cases"], module["name"], module["reached"]) == (1, ["mouse"], NAME, 2)
    assert [function["name"] for function in module["functions"]] == ["probe_it", "idle", "fail"]


def test_pages_and_tracefile_are_written_at_once(campaign: Path, tmp_path: Path) -> None:
    result = _run(campaign, "--html", tmp_path / "pages", "--lcov", tmp_path / "night.info")
    assert (tmp_path / "pages" / "index.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "pages" / "source" / "drivers" / "usb" / "dummy.c.html").is_file()
    assert "SF:drivers/usb/dummy.c\n" in (tmp_path / "night.info").read_text()
    assert "so lines are without text" in result.output
    with pytest.raises(InputError, match="pages: exists already; give the name of a new directory"):
        _run(campaign, "--html", tmp_path / "pages")


def test_a_class_of_ones_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from usbfuzz.models.hid.pointers import BootMouse\nclass Mine(BootMouse): pass\n"
    )
    with pytest.raises(InputError, match=r"mine\.py: is a class, and only cases and models are run here"):
        _run(tmp_path / "mine.py")


def test_what_is_neither_a_case_nor_a_model_is_named() -> None:
    with pytest.raises(InputError, match=r"^no_such_model: is neither a file nor a device usbfuzz knows"):
        _run("no_such_model")


def test_a_directory_without_coverage_is_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no coverage; give a campaign's output"):
        _run(tmp_path)
