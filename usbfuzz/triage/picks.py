"""Which frame to blame for a hang: the topmost one differs from run to run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from .functions import is_generic
from .printed import STACK_BOTTOM, SYSCALL_ENTRY

__all__ = ["DISPATCHERS", "hung_frame", "overflowing_frame", "recurses", "stalled_frame", "stopped_frame"]

#: Functions that hand control to a driver, a protocol or a system call. In a loop that spans many functions the
#: one a dispatcher called stays the same from run to run.
DISPATCHERS: Mapping[str, tuple[str, ...]] = {
    "system call entry": (
        SYSCALL_ENTRY,
        "^(?:sys_)?(?:socketpair|connect|ioctl)",
    ),
    "threads and work items": (
        "process_one_work|run_ksoftirqd|smpboot_thread_fn|^kthread$|start_secondary|cpu_startup_entry|ret_from_fork",
    ),
    "interrupts and timers": (
        "do_softirq|tasklet_(?:hi_)?action|call_timer_fn|_run_timers|run_timer_softirq|hrtimer_run|smp_call_function",
    ),
    "file operations": (
        "vfs_(?:iter_)?(?:read|write)|vfs_(?:ioctl|open)|do_iter_read|do_iter_write|new_sync_(?:read|write)",
        "call_(?:read|write)_iter|(?:ksys|compat|compat_sys)_ioctl|blkdev_(?:driver_)?ioctl|do_dentry_open",
        "^call_mmap|mmap_region|do_mmap",
    ),
    "sockets": (
        "^(?:__)?sock_release|^sock_(?:sendmsg|recvmsg|mmap|do_ioctl|ioctl)|^compat_sock_ioctl|sk_common_release",
        "^(?:setsockopt|listen|accept)$|kernel_(?:setsockopt|listen|accept)|sock_common_setsockopt",
        "netif_receive_skb|^(?:nf|rt)netlink_rcv_msg|^netlink_dump",
    ),
    "page faults and leaving the kernel": (
        "__do_fault|do_page_fault|^page_fault$|__fput|task_work_run|exit_to_usermode",
    ),
    "USB: everything of a hub's work item is called below hub_event, so stop at the driver": (
        "^usb_(?:un)?(?:probe|bind)_interface$|^__?usb_hcd_giveback_urb$",
    ),
}

_DISPATCHER = re.compile("|".join(pattern for patterns in DISPATCHERS.values() for pattern in patterns))

#: Many unrelated tasks wait on these when one bug blocks them: the report is named after what is waited for.
_SHARED_WAITS: Mapping[str, str | None] = {
    "rtnl_lock": None,
    "synchronize_rcu": "synchronize_rcu",
    "synchronize_srcu": "synchronize_rcu",
    "synchronize_net": "synchronize_rcu",
    "synchronize_sched": "synchronize_rcu",
}

#: Functions by which a task goes to sleep.
_WAITING = re.compile(
    "sched|_lock|_slowlock|down|rwsem|completion|kthread|wait|synchronize|context_switch|__switch_to"
    "|cancel_delayed_work|rcu_barrier"
)

#: How a driver waits for its device. Less than above, since a driver's own names ("em28xx_wait") tell enough here.
_DEVICE_WAITS = re.compile(
    "_*(?:schedule|wait_for|usb_(?:start_wait|control_msg|bulk_msg|set_interface)|msleep|io_schedule|mutex_lock)"
)

#: What an idle processor runs, and the frames every stack begins with: never the cause.
_BOTTOM = re.compile(
    r"(?:default|do|arch_cpu)_idle|cpuidle_|cpu_startup_entry|(?:arch_call_)?rest_init|\w*start_kernel"
    r"|(?:secondary|common)_startup|start_secondary|kthread$|worker_thread|process_one_work|process_scheduled_works"
    rf"|ret_from_fork|{STACK_BOTTOM}"
)


#: A function that called itself so often did not stop. (arm names each function twice: as callee and as caller.)
_RECURSION = 4


def stalled_frame(frames: Sequence[str]) -> tuple[str, int] | None:
    """Blame the function a dispatcher called (or the cross-CPU call itself)."""
    called = 0
    for index, name in enumerate(frames):
        if _DISPATCHER.search(name):
            return ("smp_call_function", index) if "smp_call_function" in name else (frames[called], called)
        called = index
    return None


def overflowing_frame(frames: Sequence[str]) -> tuple[str, int] | None:
    """Blame the function that calls itself; when several call each other, what a dispatcher called, or one of them."""
    runs = [(name, len(list(run))) for name, run in groupby(frames)]
    direct = next((name for name, length in runs if length >= _RECURSION), None)
    if direct is not None:
        return direct, frames.index(direct)
    if called := stalled_frame(frames):
        return called
    seen = Counter(frames)
    often = max(seen.values(), default=0)
    # Where in the circle the stack ended, and where the trace is cut, differs from run to run; the alphabet does not.
    circle = sorted(name for name, count in seen.items() if count >= _RECURSION and count > often // 2)
    return (circle[0], frames.index(circle[0])) if circle else None


def recurses(frames: Sequence[str]) -> bool:
    """Whether a function is on the stack so often that it, or those it calls, must call it again."""
    return max(Counter(frames).values(), default=0) > _RECURSION


def hung_frame(frames: Sequence[str]) -> tuple[str, int] | None:
    """Blame a lock that many tasks share, or else the first function that is not part of waiting."""
    for index, name in enumerate(frames):
        for wait, title in _SHARED_WAITS.items():
            if wait in name:
                return title or name, index
    for index, name in enumerate(frames):
        if not _WAITING.search(name):
            return name, index
    return None


def stopped_frame(frames: Sequence[str]) -> tuple[str, int] | None:
    """Blame the first function that says what a stopped task was doing; None when it only waited or idled."""
    for index, name in enumerate(frames):
        if not (is_generic(name) or _DEVICE_WAITS.match(name) or _BOTTOM.match(name)):
            return name, index
    return None
