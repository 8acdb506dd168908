"""Hangs: lockups, RCU stalls, hung tasks, stuck workqueues."""

from __future__ import annotations

import re

from attrs import evolve

from usbfuzz.triage.picks import hung_frame, stalled_frame
from usbfuzz.triage.printed import INTERRUPT, TICK
from usbfuzz.triage.shape import Shape, at_fault, at_pc, at_trace
from usbfuzz.triage.stack import CALL_TRACE, PC_LINE, STACK, Trail
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES"]

_STALL = ("stall in {frame}",)
_HANG = ("hang in {frame}",)

_TASK = r"INFO: task (?:.|\n){0,80}?:\d+"  #: a task's name may hold line breaks
_TICK = re.compile(f"{TICK}|rcu")
_IRQ_FRAME = Trail((re.compile(f"{TICK}|{INTERRUPT}"), STACK), _TICK, stalled_frame)
#: An RCU stall is found by the tick: what looped lies below the interrupt's own frames.
_BELOW_THE_TICK = Trail(
    (re.compile(TICK), PC_LINE, STACK), _TICK, stalled_frame,
    otherwise=_IRQ_FRAME,
)  # fmt: skip
#: A CPU that finds itself stalled dumps the interrupted registers first (5.19 and later).
_INTERRUPTED = evolve(
    _BELOW_THE_TICK, otherwise=evolve(_IRQ_FRAME, otherwise=Trail((PC_LINE, CALL_TRACE, STACK), _TICK, stalled_frame))
)

#: Of a report that is cut off there may be no more left than the program counter.
_LOOPING = evolve(
    at_fault(pick=stalled_frame),
    otherwise=evolve(at_trace(pick=stalled_frame), otherwise=evolve(at_pc(), last_resort=True)),
)

SHAPES = (
    Shape(
        "BUG:", "BUG: soft lockup", "BUG: soft lockup in {frame}",
        CrashType.HANG, _LOOPING, alt=_STALL,
    ),
    Shape(
        "INFO:", r"INFO: rcu_[a-z_]+ self-detected stall",
        "INFO: rcu detected stall in {frame}", CrashType.HANG, _INTERRUPTED, alt=_STALL,
    ),
    Shape(
        "INFO:", r"INFO: rcu_[a-z_]+ (?:self-)?detected(?: expedited)? stall",
        "INFO: rcu detected stall in {frame}", CrashType.HANG, _BELOW_THE_TICK, alt=_STALL,
    ),
    Shape(
        "INFO:", rf"{_TASK} blocked (?:in .* )?for more than \d+ seconds", "INFO: task hung in {frame}",
        CrashType.HANG, at_trace(pick=hung_frame), alt=_HANG,
    ),
    Shape(
        "INFO:", _TASK + " can't die for more than .* seconds", "INFO: task can't die in {frame}",
        CrashType.HANG, at_trace("schedule"), alt=_HANG,
    ),
    Shape(
        "hard LOCKUP", "hard LOCKUP", "BUG: hard lockup in {frame}",
        CrashType.HANG, _LOOPING, alt=_STALL,
    ),
    Shape("BUG:", "BUG: workqueue lockup", "BUG: workqueue lockup", traced=False),
    Shape(
        "unregister_netdevice: waiting for", "unregister_netdevice: waiting for .* to become free",
        "unregister_netdevice: waiting for DEV to become free", CrashType.DENIAL, traced=False,
    ),
)  # fmt: skip
