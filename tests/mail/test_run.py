"""All that goes into the mail about a saved crash, and what is said when something of it cannot be had."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.crashes.saving import evidence, store_in
from tests.report.test_maintainers import MAINTAINERS
from usbfuzz.cli import cli
from usbfuzz.crashes.record import How
from usbfuzz.errors import InputError
from usbfuzz.triage import extract

_OOPS = "WARNING: CPU: 0 PID: 7 at drivers/hid/hid-widget.c:123 widget_probe+0x1/0x20 [hid_widget]\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel tree that was not built; nobody is known to git."""
    monkeypatch.setenv("USBFUZZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    tree = tmp_path / "linux"
    (tree / "drivers/hid").mkdir(parents=True)
    (tree / "drivers/hid/hid-widget.c").write_text("int widget_probe(void)\n{\n}\n")
    (tree / "MAINTAINERS").write_text(MAINTAINERS)
    return tree


def _crash(tmp_path: Path, kernel: str, *, hits: int = 3) -> str:
    """Save a crash that hid-widget.c is to blame for; its slug."""
    (report, *_) = extract(_OOPS)
    (tmp_path / "crashes").mkdir()
    store = store_in(tmp_path / "crashes", kernel)
    crash, _ = store.sighted(evidence(report=report, console=_OOPS))
    store.attributed(crash.slug, evidence(report=report, console=_OOPS, how=How.ALONE, hits=hits, runs=3))
    return crash.slug


def _mail(slug: str, *words: str) -> Result:
    return CliRunner().invoke(cli, ["crashes", "mail", slug, "--no-run", "-o", "mail.eml", *words])


def _read(tmp_path: Path) -> tuple[email.message.EmailMessage, str]:
    message = email.message_from_bytes((tmp_path / "mail.eml").read_bytes(), policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    part = message.get_body()
    assert isinstance(part, email.message.EmailMessage)
    return message, " ".join(part.get_content().split())


def test_it_goes_to_those_whom_the_kernels_own_source_names(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Sue Sender\n\temail = sue@y.example\n")
    assert _mail(_crash(tmp_path, f"tree:{tree}")).exit_code == 0
    message, body = _read(tmp_path)
    assert message["To"] == "Wim Driver <wim@widget.example>"
    assert "linux-usb@lists.example, linux-kernel@lists.example" in message["Cc"]
    assert message["From"] == "Sue Sender <sue@y.example>"
    assert "[ " not in body.partition("Hi,")[0]
    assert f"tree:{tree} crashes (recorded earlier)" in body


def test_without_a_source_the_mail_is_written_and_says_why(tree: Path, tmp_path: Path) -> None:
    (tree / "MAINTAINERS").unlink()
    assert _mail(_crash(tmp_path, f"tree:{tree}")).exit_code == 0
    message, body = _read(tmp_path)
    assert message["To"] is None
    assert body.startswith("[ To: is left to you, as the kernel's MAINTAINERS cannot be had: ")
    assert "From: is left to you" in body


@pytest.mark.parametrize(
    ("kernel", "why"),
    [("dir:/nowhere", "an image comes without its source"), ("bogus", "is not a kernel"), ("", "it is not recorded")],
)
def test_a_kernel_without_source_is_said_and_another_tree_helps(
    tree: Path, tmp_path: Path, kernel: str, why: str
) -> None:
    slug = _crash(tmp_path, kernel)
    assert _mail(slug).exit_code == 0
    assert why in _read(tmp_path)[1]
    assert _mail(slug, "--source", str(tree), "--force").exit_code == 0
    assert _read(tmp_path)[0]["To"] == "Wim Driver <wim@widget.example>"


def test_a_crash_that_was_not_reproduced_says_so(tree: Path, tmp_path: Path) -> None:
    assert _mail(_crash(tmp_path, f"tree:{tree}", hits=0)).exit_code == 0
    assert "This crash has NOT been reproduced: it was seen once" in _read(tmp_path)[1]


def test_a_mail_that_is_there_is_kept(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_text("mine")
    done = _mail(_crash(tmp_path, f"tree:{tree}"))
    assert isinstance(done.exception, InputError)
    assert (tmp_path / "mail.eml").read_text() == "mine"


def test_without_a_file_it_is_printed(tree: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["crashes", "mail", _crash(tmp_path, f"tree:{tree}"), "--no-run"])
    assert done.stdout_bytes.startswith(b"To: Wim Driver <wim@widget.example>\n")
