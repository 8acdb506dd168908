"""The mail about a real crash, after two real kernels were asked."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.lane.config import LaneConfig
from tests import KNOWN_BUGS
from tests.crashes.saving import store_in
from tests.report.test_maintainers import MAINTAINERS
from usbfuzz.case import load
from usbfuzz.cli import cli
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.jobs.replay import replay

BROKEN, FIXED = "debian:5.10.223-1", "debian:5.10.262-1"


@pytest.mark.guest
@pytest.mark.timeout(900)
def test_the_mail_says_which_kernels_have_the_bug_and_goes_to_its_maintainer(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    case = load(KNOWN_BUGS / "quatech2-bulk-null.toml")
    outcome = asyncio.run(replay(case, guest(BROKEN), 1)).best
    (tmp_path / "MAINTAINERS").write_text(MAINTAINERS)
    found = Evidence(outcome.reports[0], case, outcome.console, ("quatech2",))
    crash, _ = store_in(tmp_path, BROKEN).sighted(found)
    words = ["crashes", "mail", crash.slug, str(tmp_path), "--source", str(tmp_path), "-k", BROKEN, "-k", FIXED]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    message = email.message_from_bytes(done.stdout_bytes, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert message["To"] == "Uma Serial <uma@usb.example>"
    assert message["Subject"].startswith("[BUG] quatech2: unable to handle kernel NULL pointer dereference")
    part = message.get_body()
    assert isinstance(part, email.message.EmailMessage)
    body = part.get_content()
    assert f"  {BROKEN}           crashes\n  {FIXED}           no crash in 3 runs\n" in body
    assert "NOT been reproduced" not in body
    assert "RIP: 0010:qt2_read_bulk_callback+" in body
