"""Options arrive at a command as objects: one named by the command, and the guest that was asked for."""

from __future__ import annotations

import click
import pytest
from attrs import frozen
from click.testing import CliRunner

from harness.guest.kernels import DEFAULT_KERNEL
from harness.guest.qemu import Mode
from harness.workers.procs import usable_cores
from usbfuzz.cli.guest import GuestOptions, guest_options
from usbfuzz.cli.options import as_seconds, gathered, lanes_option


@frozen
class Wanted:
    """What the command below collects."""

    seconds: float | None
    lanes: int


@click.command()
@click.argument("word")
@guest_options("A kernel.", mode=Mode.REALTIME)
@click.option("--time", "seconds", callback=as_seconds)
@lanes_option
@gathered("wanted", Wanted)
def command(word: str, guest: GuestOptions, wanted: Wanted) -> tuple[GuestOptions, Wanted, str]:
    """Return what arrives."""
    return guest, wanted, word


@pytest.mark.parametrize(
    ("words", "guest", "wanted"),
    [
        ((), GuestOptions(None, Mode.REALTIME, ()), Wanted(None, usable_cores())),
        (
            ("-k", "debian:6.1", "--mode", "warp", "--kernel-param", "a", "--kernel-param", "b=1"),
            GuestOptions("debian:6.1", Mode.WARP, ("a", "b=1")),
            Wanted(None, usable_cores()),
        ),
        (("--time", "1h30m", "-l", "3"), GuestOptions(None, Mode.REALTIME, ()), Wanted(5400.0, 3)),
    ],
)
def test_a_command_gets_its_options_as_objects(words: tuple[str, ...], guest: GuestOptions, wanted: Wanted) -> None:
    result = CliRunner().invoke(command, [*words, "word"], catch_exceptions=False, standalone_mode=False)
    assert result.return_value == (guest, wanted, "word")


def test_the_help_lists_them() -> None:
    text = CliRunner().invoke(command, ["--help"]).output
    assert all(option in text for option in ("--kernel", "--mode", "--kernel-param", "--time", "--lanes"))
    assert "Return what arrives." in text


def test_the_kernel_is_the_users_else_the_recorded_one_else_the_default() -> None:
    assert GuestOptions("host", Mode.AUTO, ()).kernel_or("debian:6.1") == "host"
    assert GuestOptions(None, Mode.AUTO, ()).kernel_or("debian:6.1") == "debian:6.1"
    assert GuestOptions(None, Mode.AUTO, ()).kernel_or(None) == DEFAULT_KERNEL
