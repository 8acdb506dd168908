"""What a campaign shows while it runs and when it ends."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from harness.lane.outcome import Verdict
from usbfuzz.crashes.record import Crash
from usbfuzz.jobs.campaign.messages import Bound, Entered, LaneState, RoundDone
from usbfuzz.jobs.campaign.progress import LaneProgress, Progress
from usbfuzz.jobs.campaign.state import CampaignTotals
from usbfuzz.jobs.campaign.view import plain_line, render, summary
from usbfuzz.jobs.watching import LiveView, PlainView

from .pretend import report

_TITLE = "general protection fault in wacom_parse_and_register"


def _crash(number: int, title: str = _TITLE) -> Crash:
    return Crash(
        slug=f"slug-{number}",
        title=title,
        alt_titles=(),
        type="",
        driver=report(title).module or "",
        kernel="k",
        how="one case alone",
        reproduced=3,
        runs=3,
        attempts=1,
        first_seen="",
        last_seen="",
        hits={"k": number},
    )


def _progress(crashes: int = 1) -> Progress:
    progress = Progress(
        kernel="debian:5.10.223-1",
        seed=42,
        lanes=[LaneProgress(0), LaneProgress(1)],
        totals=CampaignTotals(plugs=1000, cases=900),
        modules=446,
        seconds=600.0,
        limit=5000,
        drivers={"usbhid", "wacom"},
        newest=["usbhid", "wacom"],
        crashes={f"slug-{n}": _crash(n, f"{_TITLE}_{n}") for n in range(1, crashes + 1)},
        fresh={"slug-1"},
        started=100.0,
    )
    progress.lanes[0].entered(Entered(LaneState.RUNNING, (17, 18)), now=100.0)
    progress.lanes[1].entered(Entered(LaneState.ATTRIBUTING, (19,), "oops in x"), now=100.0)
    done = RoundDone((17, 18), Verdict.CLEAN, 60, 55, 900, 1.0, 1, 0, 0.1, (Bound("usbhid"),), ())
    progress.round_done(0, done, now=109.0)
    return progress


def _text(renderable: object, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(renderable)
    return console.export_text()


def test_the_view_shows_rate_lanes_crashes_and_drivers() -> None:
    text = _text(render(_progress(), now=120.0))
    assert "debian:5.10.223-1" in text
    assert "seed 42" in text
    assert "0:00:20, 0:09:40 left" in text
    assert "0.0 devices/s now, 6.7 average" in text
    assert "1,060 devices" in text
    assert "902 of 5,000 cases" in text
    assert "2 drivers bound, of 446 modules that can bind · newest: wacom, usbhid" in text
    assert "#17, #18" in text
    assert "attributing" in text
    assert "oops in x" in text
    assert f"{_TITLE}_1" in text
    assert "3 of 3" in text


def test_the_rate_now_is_of_the_last_seconds() -> None:
    progress = _progress()
    assert "6.0 devices/s now" in _text(render(progress, now=110.0))
    assert "0.0 devices/s now" in _text(render(progress, now=130.0))


def test_before_the_first_round_no_time_has_passed() -> None:
    progress = _progress()
    progress.started = None
    assert "0:00:00, 0:10:00 left" in _text(render(progress, now=120.0))


def test_the_view_shows_new_crashes_first_and_says_how_many_more_there_are() -> None:
    text = _text(render(_progress(crashes=20), now=120.0))
    titles = [line for line in text.splitlines() if _TITLE in line]
    assert f"{_TITLE}_1 " in titles[0]
    assert f"{_TITLE}_20 " in titles[1]
    assert "and 8 more" in text


def test_the_summary_lists_every_crash_with_its_directory() -> None:
    text = _text(summary(_progress(crashes=20), now=120.0))
    assert all(f"slug-{n}" in text for n in range(1, 21))
    assert "20 bugs confirmed, 0 seen, 0 evidence; 1 of them new" in text


def test_the_summary_says_how_fast_cases_ran_and_what_else_took_the_lanes_time() -> None:
    progress = _progress()
    progress.lanes[0].entered(Entered(LaneState.WAITING), now=112.0)
    progress.lanes[0].entered(Entered(LaneState.RUNNING), now=114.0)
    for lane in progress.lanes:
        lane.entered(Entered(LaneState.STOPPED), now=120.0)
    text = _text(summary(progress, now=140.0))
    assert "6.7, 3.3 a lane while it runs cases" in text
    assert "attributing 50 %, running 45 %, waiting 5 %" in text


@pytest.mark.parametrize("width", [20, 80, 200])
def test_the_view_fits_any_terminal(width: int) -> None:
    text = _text(render(_progress(crashes=3), now=120.0), width)
    assert max(map(len, text.splitlines())) <= width


def test_text_from_the_guest_is_not_taken_for_markup() -> None:
    progress = _progress()
    progress.crashes = {"slug-1": _crash(1, "BUG: [bold]oops[/bold] in [/x]")}
    assert "BUG: [bold]oops[/bold] in [/x]" in _text(render(progress, now=120.0))
    assert "BUG: [bold]oops[/bold] in [/x]" in _text(summary(progress, now=120.0))


def test_the_plain_line_is_one_line_with_the_numbers() -> None:
    line = plain_line(_progress(), now=110.0)
    assert "\n" not in line
    assert "devices 1,060 (6.0/s now, 6.7/s average)" in line
    assert "1 bugs confirmed, 0 seen, 0 evidence (1 hits)" in line
    assert "0 running, 1 attributing (oops in x)" in line


def test_the_plain_view_prints_a_line_only_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    out = io.StringIO()
    view = PlainView(Console(file=out, width=400), plain_line)
    for _ in range(61):
        view.update(_progress())
        now += 0.5
    assert len(out.getvalue().splitlines()) == 3


def test_the_live_view_leaves_nothing_but_what_it_said() -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None)
    view = LiveView(console, render)
    view.say("new crash")
    view.update(_progress())
    view.close()
    assert "new crash" in out.getvalue()
    assert out.getvalue().rstrip().endswith("\x1b[2K")


def test_a_frame_is_cheap() -> None:
    progress, console = _progress(crashes=12), Console(file=io.StringIO(), width=120, force_terminal=True)
    began = time.process_time()
    for _ in range(20):
        console.print(render(progress, now=120.0))
    assert (time.process_time() - began) / 20 < 0.030
