"""What the user writes for a campaign."""

from __future__ import annotations

import pytest
from attrs import evolve

from harness.guest.emulators import Sight
from harness.guest.probe.probing import Probing
from usbfuzz.cli.options import parse_duration
from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.options import (
    HEAP,
    LEAKS,
    RED_ZONES,
    SLUB_DEBUG,
    VALIDATE_EVERY,
    for_campaign,
    with_slub_debug,
)

from .pretend import config


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("8h", 28800),
        ("1h30m", 5400),
        ("1.5m", 90),
        ("2d", 172800),
        (" 45 ", 45),
        ("5M", 300),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "ten", "10x", "m", "-5m", "0", "0s", "1h-5m", "10 m"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"10m|more than 0 seconds"):
        parse_duration(text)


def test_guests_check_their_heap_and_poison_it_to_show_leaks_unless_the_user_says_how() -> None:
    assert with_slub_debug(("quiet",)) == (SLUB_DEBUG, "quiet")
    assert with_slub_debug(("quiet",), watched=True) == (RED_ZONES, "quiet")
    assert with_slub_debug(("quiet",), leaks=True) == (*LEAKS, "quiet")
    assert with_slub_debug(("slub_debug=FZPU",)) == ("slub_debug=FZPU",)
    assert with_slub_debug(("slab_debug=P",), leaks=True) == ("init_on_alloc=0", "slab_debug=P")


def test_slabs_are_validated_after_every_round_only_where_the_probe_does_not_see_the_heap() -> None:
    blind = evolve(config(), kernel_params=("quiet",), probing=Probing(heap=HEAP))
    seeing = evolve(blind, emulator=evolve(blind.emulator, sees=frozenset(Sight)))
    assert seeing.sees_heap
    assert (for_campaign(seeing).kernel_params, for_campaign(seeing).validate_every) == (
        (RED_ZONES, "quiet"),
        VALIDATE_EVERY,
    )
    assert (for_campaign(blind).kernel_params, for_campaign(blind).validate_every) == ((SLUB_DEBUG, "quiet"), 1)
    assert for_campaign(seeing, leaks=True).kernel_params == (*LEAKS, "quiet")
