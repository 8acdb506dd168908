"""``usbfuzz triage``: one answer a log, for people and for programs."""

from __future__ import annotations

import gzip
import json
import quopri
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from usbfuzz.cli.triage import triage
from usbfuzz.errors import InputError

from .logs import BOOT, styled
from .test_families import EXAMPLES

_CRASH = styled(EXAMPLES["divide error"].lines)


def test_json_is_one_object_a_log_in_order(tmp_path: Path) -> None:
    crash, quiet = tmp_path / "crash.log", tmp_path / "quiet.log"
    crash.write_text(_CRASH + styled(EXAMPLES["UBSAN shift"].lines))
    quiet.write_text(styled(BOOT))
    result = CliRunner().invoke(triage, ["--json", str(quiet), str(crash), str(quiet)])
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["title"] for answer in answers] == [None, "divide error in mct_u232_calculate_baud_rate", None]
    assert answers[1]["type"] == "DoS"
    assert answers[1]["corrupted"] is False
    assert [other["title"] for other in answers[1]["others"]] == ["UBSAN: shift-out-of-bounds in s32ton"]


def test_standard_input_is_read() -> None:
    result = CliRunner().invoke(triage, ["-"], input=_CRASH)
    assert "divide error in mct_u232_calculate_baud_rate" in result.stdout
    assert "mct_u232" in result.stdout


def test_a_quiet_log_is_said_to_be_quiet() -> None:
    result = CliRunner().invoke(triage, ["-"], input=styled(BOOT))
    assert "no crash" in result.stdout


def test_no_log_is_an_error() -> None:
    assert CliRunner().invoke(triage, []).exit_code == 2


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, lambda raw: raw.decode().encode("utf-16"), lambda raw: quopri.encodestring(b"a=b\n" + raw)],
    ids=["gzip", "UTF-16", "quoted-printable"],
)
def test_a_log_in_another_form_gets_the_same_answer(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(pack(_CRASH.encode()))
    result = CliRunner().invoke(triage, ["--json", str(log)])
    assert json.loads(result.stdout)["title"] == "divide error in mct_u232_calculate_baud_rate"


def test_what_is_no_text_is_an_error_and_the_other_logs_are_read(tmp_path: Path) -> None:
    crash, empty, binary = tmp_path / "crash.log", tmp_path / "empty.log", tmp_path / "binary.log"
    crash.write_text(_CRASH)
    empty.touch()
    binary.write_bytes(bytes(100))
    result = CliRunner().invoke(triage, ["--json", str(empty), str(crash), str(binary)])
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert first["title"] is third["title"] is None
    assert first["error"] == f"{empty}: is empty; give a file with text in it"
    assert second["title"] == "divide error in mct_u232_calculate_baud_rate"
    assert isinstance(result.exception, InputError)
    assert str(result.exception).splitlines() == [first["error"], f"usbfuzz: {third['error']}"]
