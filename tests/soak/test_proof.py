"""What is lost by a kill is named; what is only somewhere else is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.campaign.pretend import case, report
from usbfuzz.case import save
from usbfuzz.crashes.joining import join
from usbfuzz.crashes.manifestation import Where
from usbfuzz.crashes.record import Crash
from usbfuzz.jobs.audit.evidence import crashes_in
from usbfuzz.jobs.bench.soak.proof import Held

_KERNEL = "debian:5.10.223-1"


def _crash(slug: str, **changes: Any) -> Crash:
    seen = report(slug)
    plain: dict[str, Any] = {
        "slug": slug,
        "title": seen.title,
        "alt_titles": (),
        "type": "",
        "driver": "wacom",
        "kernel": _KERNEL,
        "how": "one case alone",
        "reproduced": 2,
        "runs": 2,
        "attempts": 1,
        "first_seen": "2026-01-01T00:00:00+00:00",
        "last_seen": "2026-01-01T00:00:00+00:00",
        "hits": {_KERNEL: 3},
    }
    return Crash(**{**plain, **changes})


def _held(*crashes: Crash, said: tuple[str, ...] = ()) -> Held:
    return Held({}, {crash.slug: crash for crash in crashes}, frozenset(said))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (_held(), "x: was there, and is gone"),
        (_held(_crash("x", reproduced=0)), "was reproduced, and now is not"),
        (_held(_crash("x", hits={_KERNEL: 2})), "hits went back from 3 to 2"),
        (_held(_crash("x"), said=("x", "y")), "y: was said to be saved, and is not there"),
    ],
)
def test_a_crash_that_is_gone_or_less_than_it_was_is_named(now: Held, said: str) -> None:
    assert said in "; ".join(now.lost(_held(_crash("x"))))


def test_a_crash_that_was_seen_again_and_minimized_is_not_lost() -> None:
    now = _held(_crash("x", hits={_KERNEL: 9}, reproduced=3, runs=3), _crash("y"), said=("x", "y"))
    assert list(now.lost(_held(_crash("x")))) == []


def test_crashes_that_were_joined_are_still_there(tmp_path: Path) -> None:
    for slug in ("x", "y", "z"):
        (tmp_path / slug).mkdir()
        save(tmp_path / slug / "case.toml", case(1))
        (tmp_path / slug / "crash.toml").write_text(_crash(slug).to_toml())
    before = Held({}, crashes_in(tmp_path), frozenset())
    join(tmp_path, _crash("y"), before.crashes["z"], Where.OWN_RUNS)
    join(tmp_path, _crash("x"), before.crashes["y"], Where.OWN_RUNS)
    assert not (tmp_path / "y").exists()
    assert list(Held({}, crashes_in(tmp_path), frozenset(("y", "z"))).lost(before)) == []
