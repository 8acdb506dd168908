"""Campaigns' directories for pages, made without a guest."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from harness.channel.conversation import Conversation, Utterance
from harness.channel.events import Completed, Connected, Submitted
from harness.guest.qemu import Timing
from usbfuzz.case import spec_of
from usbfuzz.case.model import Action, Case, Event, Provenance
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.crashes.store import CrashStore
from usbfuzz.jobs.campaign.history import Now
from usbfuzz.jobs.campaign.messages import Bound, GaveUp, LaneState, RoundDone
from usbfuzz.jobs.campaign.state import CampaignState
from usbfuzz.models.hid.pointers import BootMouse
from usbfuzz.report.capture import render_capture
from usbfuzz.report.render import render
from usbfuzz.triage import extract
from usbfuzz.wire import Setup, Status, TransferType

__all__ = ["KERNEL", "OOPS", "campaign", "crashes", "said"]

KERNEL = "debian:5.10.1-1"  #: one that no cache has
OOPS = (
    "BUG: unable to handle page fault for address: ffffc90000000000\n"
    "#PF: supervisor read access in kernel mode\n"
    "Oops: 0000 [#1] SMP\n"
    "CPU: 0 PID: 7 Comm: kworker/0:1 Not tainted 5.10.0\n"
    "RIP: 0010:{function}+0x12/0x90 [wacom]\n"
    "Call Trace:\n"
    " {function}+0x12/0x90 [wacom]\n"
    " hub_event+0x1/0x2 [usbcore]\n"
    "Kernel panic - not syncing: Fatal exception\n"
)
_FACTS = {
    "machine": {"processor": "A processor", "cores": 2, "memory": 8 << 30, "kernel": "6.1", "system": "Debian"},
    "kernel": {"name": KERNEL, "release": "5.10.0-32", "digest": "0123456789abcdef"},
    "emulator": {"name": "system", "version": "QEMU emulator version 10.0"},
    "guest": {"timing": "warp", "ports": 8, "memory_mib": 512, "heap": "report", "coverage": True},
    "options": {"lanes": 2, "minimize": True, "confirm": True},
    "modules": ["asix", "uvcvideo", "wacom", "yurex"],
}
_ROUND = RoundDone(
    (1, 2), None, 2, 2, 30, 0.5, 1, 0, 0.1, (Bound("wacom", "wacom", 2),), (),
    gave_up=(GaveUp("asix", "vendor request 0x2d IN", 3),),
    sources={"vendor": 150, "hid field sweep": 50},
    guest_seconds=30.0,
)  # fmt: skip


def campaign(out: Path, *, kernel: str = KERNEL, samples: int = 20, ended: bool = True) -> None:
    """A campaign of ``samples`` times a minute, which ended or was killed."""
    out.mkdir(exist_ok=True)
    state = CampaignState.open(out, kernel=kernel, params=("slub_debug=FZ",), seed=7, new_seed=7)
    state.history.begin(_FACTS)
    for step in range(samples):
        done = evolve(_ROUND, sources=_ROUND.sources if step == 0 else {})
        state.totals.add(done)
        state.round_done(done, 60.0 * step)
        state.history.sample(
            Now(
                wall=60.0 * step,
                devices=10 * step,
                cases=9 * step,
                drivers=1,
                blocks=1000 + min(step, 10),
                bugs=min(step, 2),
                seen=3,
                lanes={LaneState.RUNNING: 60.0 * step, LaneState.ATTRIBUTING: 30.0 * step},
            )
        )
    state.save(64, [])
    if ended:
        state.history.yielded(("fresh", 150, 30.0, 4500, 2), ("havoc", 50, 10.0, 500, 0))
        state.history.end()
    state.close()


def said(number: int = 3) -> Conversation:
    """A plug, requests with answers, and one request that is never answered."""
    setup = Setup(0xC0, 0x2D, 1, 2, 8)
    spoken: list[Utterance] = [Utterance(100.0, 0, Connected(0x056A, 0x0001))]
    for step in range(1, number + 1):
        asked = Submitted(step, TransferType.CONTROL, 0x80, 8, setup)
        spoken.append(Utterance(100.0 + step / 100, 0, asked))
        spoken.append(Utterance(100.0 + step / 100, 0, Completed(step, Status.OK, 8, bytes((step % 256,) * 8))))
    spoken.append(Utterance(101.0, 0, Submitted(99, TransferType.CONTROL, 0x80, 8, setup)))
    return Conversation(tuple(spoken))


def crashes(out: Path, *functions: str, name: str = "wacom 056a:0001", hits: int = 3) -> list[str]:
    """A crash directory for each function; their names."""
    out.mkdir(exist_ok=True)
    store = CrashStore.open(out, kernel=KERNEL, timing=Timing.WARP, render=render)
    slugs = []
    for function in functions:
        console = OOPS.format(function=function)
        (report,) = extract(console)
        case = Case(
            (evolve(spec_of(BootMouse()), name=name),),
            (Event(Action.PLUG, device=0),),
            provenance=Provenance("campaign", seed=7, index=4, strategy="vendor"),
        )
        capture = render_capture(said(), report.title)
        evidence = Evidence(report, case, console, ("wacom",), How.ALONE, hits, 3, capture)
        slugs.append(store.sighted(evidence)[0].slug)
    return slugs
