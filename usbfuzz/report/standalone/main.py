"""The command line of repro.py."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path

from .machine import Machine, usable_kvm
from .schedule import play
from .spec import Reproducer

__all__ = ["main"]


def main(case: Reproducer, argv: list[str] | None = None) -> int:
    """Boot, plug, watch. Exit status 0: it crashed in the same way; 1: it did not; 2: wrong use; 3: no boot."""
    options = _parser(case).parse_args(argv)
    for path in (options.kernel, options.initrd):
        if not Path(path).is_file():
            print(f"{path}: there is no such file", file=sys.stderr)
            return 2
    emulated = "tcg" if options.real_time else "warp"
    for accel in ["kvm", emulated] if usable_kvm() else [emulated]:
        text = asyncio.run(_run(case, options, accel))
        if text:
            break
        print(f"=== the guest did not boot ({accel})", flush=True)
    else:
        return 3
    found = re.search(case.key_line, text)
    print(f"\n=== {case.title}")
    print(f"=== {'reproduced' if found else 'not reproduced'} ({accel}); looked for: {case.key_line}")
    return 0 if found else 1


async def _run(case: Reproducer, options: argparse.Namespace, accel: str) -> str:
    """Everything the guest printed; nothing when it did not start to boot."""
    append = " ".join(filter(None, (case.append, case.append_warped if accel == "warp" else "", options.append)))
    ports = 1 + max((event.port for event in case.events), default=0)
    hardware = replace(case.hardware, qemu=options.qemu)
    with Machine(hardware, options.kernel, options.initrd, append, accel, ports, options.memory) as machine:
        try:
            channels = await machine.start()
            if not await machine.booted(options.boot_quiet) and accel == "kvm":
                return ""  # there is KVM that does not run a guest: one inside another machine
            if not machine.ended:
                await play(case, machine, channels, options.calm)
        except (asyncio.TimeoutError, OSError) as error:
            print(f"=== QEMU does not answer any more: {error!r}", flush=True)
        machine.echo()
        return machine.text()


def _parser(case: Reproducer) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=f"Reproduce: {case.title}",
        epilog=f"Seen on {case.kernel}. The initrd must load the xHCI driver (xhci_pci) and the driver that crashes: "
        "a distribution's own does when it was built with all modules; usbfuzz's image always does.",
    )
    parser.add_argument("--kernel", required=True, metavar="VMLINUZ", help="the kernel to boot")
    parser.add_argument("--initrd", required=True, help="its initrd")
    parser.add_argument("--append", default="", metavar="WORDS", help="more words for the kernel command line")
    parser.add_argument("--qemu", default=case.hardware.qemu, help="QEMU with usb-redir (%(default)s)")
    parser.add_argument("--memory", type=int, default=1024, metavar="MIB", help="of the guest (%(default)s)")
    parser.add_argument("--real-time", action="store_true", help="without KVM, do not let the guest skip idle time")
    parser.add_argument(
        "--boot-quiet",
        type=float,
        default=6.0,
        metavar="SECONDS",
        help="the guest counts as booted when it printed nothing for so long (%(default)s)",
    )
    parser.add_argument(
        "--calm",
        type=float,
        default=3.0,
        metavar="SECONDS",
        help="seconds without requests after which a device counts as quiet (%(default)s)",
    )
    return parser
