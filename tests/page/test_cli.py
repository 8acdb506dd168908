"""`usbfuzz report` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from usbfuzz.cli.report import report_command
from usbfuzz.errors import InputError, StorageError
from usbfuzz.jobs.page.live import check_page
from usbfuzz.jobs.page.live import main as write_once

from .made import campaign, crashes


def _run(*words: str | Path) -> str:
    result = CliRunner().invoke(report_command, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_page_lies_in_the_campaigns_directory_unless_told_otherwise(tmp_path: Path) -> None:
    campaign(tmp_path)
    assert "page.html is written" in _run(tmp_path)
    assert (tmp_path / "page.html").read_bytes().startswith(b"<!doctype html>")
    _run(tmp_path, "-o", tmp_path / "other.html", "--json", tmp_path / "numbers.json")
    assert (tmp_path / "other.html").exists()
    assert json.loads((tmp_path / "numbers.json").read_text())["state"] == "ended"


def test_json_goes_to_the_terminal_alone(tmp_path: Path) -> None:
    campaign(tmp_path)
    assert json.loads(_run(tmp_path, "--json", "-"))["courses"][0]["seed"] == 7
    assert not (tmp_path / "page.html").exists()


def test_wrong_input_is_one_sentence(tmp_path: Path) -> None:
    runner = CliRunner()
    result = runner.invoke(report_command, [str(tmp_path / "nowhere")])
    assert isinstance(result.exception, InputError)
    campaign(tmp_path / "out")
    result = runner.invoke(report_command, [str(tmp_path / "out"), "-o", str(tmp_path / "no" / "page.html")])
    assert isinstance(result.exception, StorageError)
    (tmp_path / "empty").mkdir()
    result = runner.invoke(report_command, [str(tmp_path / "out"), "--against", str(tmp_path / "empty")])
    assert isinstance(result.exception, InputError)


def test_the_page_of_a_campaign_that_runs_loads_itself_anew(tmp_path: Path) -> None:
    campaign(tmp_path, ended=False)
    crashes(tmp_path, "wacom_probe")
    file = tmp_path / "live.html"
    assert write_once(["live", str(tmp_path), str(file), "10"]) == 0
    page = file.read_text()
    assert '<meta http-equiv="refresh" content="10"></noscript>' in page
    assert '<body data-refresh="10">' in page
    assert write_once(["live", str(tmp_path), str(file), "0"]) == 0
    assert 'http-equiv="refresh"' not in file.read_text()
    assert write_once(["live", str(tmp_path / "nowhere"), str(file), "0"]) == 2


def test_a_place_where_no_page_can_be_is_refused_before_the_campaign(tmp_path: Path) -> None:
    check_page(tmp_path / "page.html")
    with pytest.raises(InputError, match="its directory does not exist; make it, or give --page another place"):
        check_page(tmp_path / "no" / "page.html")
