"""Realistic console logs to test triage with: reports as Linux prints them, in the prefixes of several kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["BOOT", "STYLES", "Style", "addressed", "frames", "oops", "slub", "styled", "warning"]

Style = Callable[[int, str], str]


def _plain(number: int, line: str) -> str:
    return f"[{12 + number / 1000:12.6f}] {line}"


def _with_caller(number: int, line: str) -> str:
    return f"[{12 + number / 1000:12.6f}][   T45] {line}"


def _with_level(number: int, line: str) -> str:
    return f"<4>[{12 + number / 1000:12.6f}] {line}"


def _with_carriage_return(number: int, line: str) -> str:
    return _plain(number, line) + "\r"


#: Ways a console prints the same kernel line.
STYLES: dict[str, Style] = {
    "timestamp": _plain,
    "caller": _with_caller,
    "level": _with_level,
    "crlf": _with_carriage_return,
    "bare": lambda _number, line: line,
}

BOOT = (
    "usb 1-1: new high-speed USB device number 2 using xhci_hcd",
    "usb 1-1: New USB device found, idVendor=061d, idProduct=c120, bcdDevice= 1.00",
    "usb 1-1: New USB device strings: Mfr=0, Product=0, SerialNumber=0",
)


def styled(lines: Sequence[str], style: str = "timestamp") -> str:
    """The lines as one console log."""
    return "".join(STYLES[style](number, line) + "\n" for number, line in enumerate(lines))


def frames(*names: str) -> tuple[str, ...]:
    """Stack frames; "name [module]" is code of a module."""
    placed = (name.partition(" ") for name in names)
    return tuple(
        f" {name}+0x{16 + n:x}/0x1c0{f' {module}' if module else ''}" for n, (name, _, module) in enumerate(placed)
    )


def addressed(*names: str, address: str = "[<80a1b2c0>]") -> tuple[str, ...]:
    """Stack frames with an address before each."""
    return tuple(f"{address}{frame}" for frame in frames(*names))


def oops(head: Sequence[str], rip: str, *callers: str) -> tuple[str, ...]:
    """An x86 oops: its first lines, the faulting function, and who called it."""
    name, _, module = rip.partition(" ")
    return (
        *BOOT,
        *head,
        "CPU: 0 PID: 45 Comm: kworker/0:2 Not tainted 6.1.0-56-amd64 #1  Debian 6.1.192-2",
        "Hardware name: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2-debian-1.16.2-1 04/01/2014",
        "Workqueue: usb_hub_wq hub_event [usbcore]",
        f"RIP: 0010:{name}+0x97/0x350{f' {module}' if module else ''}",
        "Code: 48 8b 40 08 <48> 8b 80 88 00 00 00 c3",
        "RSP: 0018:ffffb2a0001e7c50 EFLAGS: 00010246",
        "RAX: 0000000000000000 RBX: ffff9d0441c5a000 RCX: 0000000000000000",
        "Call Trace:",
        " <TASK>",
        " ? __die_body.cold+0x1a/0x1f",
        *frames(*callers),
        " hub_event+0xc3f/0x1940 [usbcore]",
        " process_one_work+0x1e5/0x3b0",
        " worker_thread+0x50/0x3a0",
        " kthread+0xd8/0x100",
        " ret_from_fork+0x22/0x30",
        " </TASK>",
        "Modules linked in: quatech2 usbserial xhci_pci xhci_hcd usbcore",
        "---[ end trace 0000000000000000 ]---",
    )


def warning(head: str, *stack: str, before: Sequence[str] = ()) -> tuple[str, ...]:
    """A WARN() of kernels that trap: the topmost function is in RIP and not in the stack."""
    return oops(("------------[ cut here ]------------", *before, head), *stack)


def slub(what: str, cache: str, *tracks: str, rip: str = "check_bytes_and_report") -> tuple[str, ...]:
    """A SLUB report with the tracks given, found when a worker validates the cache."""
    return (
        *BOOT,
        "=" * 77,
        f"BUG {cache} (Not tainted): {what}",
        "-" * 77,
        "",
        "0xff11000005702100-0xff11000005702103 @offset=256. First byte 0x2 instead of 0xcc",
        *tracks,
        "Slab 0xffd4000000158080 objects=16 used=9 fp=0x0000000000000000 flags=0x100000000000200",
        "Object 0xff11000005702040 @offset=64 fp=0x0000000000000000",
        "",
        "Redzone  ff11000005702000: cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  ................",
        "CPU: 0 PID: 11 Comm: kworker/0:1 Tainted: G    B              6.12.43+deb12-amd64 #1",
        "Call Trace:",
        " <TASK>",
        *frames("dump_stack_lvl", rip, "check_object", "validate_slab_cache", "validate_store"),
        " </TASK>",
        "Disabling lock debugging due to kernel taint",
        "FIX kmalloc-192: Restoring Right Redzone 0xff11000005702100-0xff11000005702103=0xcc",
    )
