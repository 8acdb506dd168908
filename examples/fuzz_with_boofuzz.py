"""A boofuzz session whose target is the kernel of a guest: each message is the configuration descriptor of a modem.

::

    python examples/fuzz_with_boofuzz.py --kernel debian:5.10.223 --cases 20

boofuzz decides what comes next and shows the crashes by title on http://localhost:26000 while it runs. The modem is one
of the devices of ``corpus/known-bugs``; the field that is fuzzed is the type of one of its endpoints.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from boofuzz import Byte, Bytes, Request, Session, Target

from harness.guest.qemu import Mode
from harness.lane.prepare import prepare
from harness.workbench import Workbench
from usbfuzz.case import load
from usbfuzz.jobs.bridges.boofuzz_session import DescriptorConnection, GuestMonitor

MODEM = Path(__file__).parents[1] / "corpus" / "known-bugs" / "cxacru-bogus-urb.toml"
TYPES = [0, 1, 2, 3]  #: what bmAttributes may say of an endpoint: control, isochronous, bulk, interrupt


def configuration(raw: bytes) -> Request:
    """The modem's configuration, of which boofuzz changes bmAttributes of the last endpoint but one."""
    at = len(raw) - 2 * 7 + 3
    before, after = Bytes("before", raw[:at], fuzzable=False), Bytes("after", raw[at + 1 :], fuzzable=False)
    return Request("configuration", children=(before, Byte("bmAttributes", raw[at], fuzz_values=TYPES), after))


def main() -> None:
    """Boot a guest, fuzz, and print what crashed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kernel", default="debian:5.10.223")
    options.add_argument("--cases", type=int, default=20)
    options.add_argument("--web-port", type=int, default=26000)
    given = options.parse_args()
    modem = load(MODEM).devices[0]
    config = asyncio.run(prepare(given.kernel, mode=Mode.AUTO))
    with Workbench(config) as guest, tempfile.TemporaryDirectory() as scratch:
        session = Session(
            target=Target(DescriptorConnection(guest, modem), monitors=[GuestMonitor(guest)]),
            db_filename=f"{scratch}/boofuzz.db",
            fuzz_loggers=[],
            index_end=given.cases,
            keep_web_open=False,
            restart_sleep_time=0,
            web_port=given.web_port,
        )
        session.connect(configuration(modem.configurations[0]))
        session.fuzz()
        for case, synopses in sorted(session.monitor_results.items()):
            print(f"case {case}: {synopses[0].splitlines()[0]}")


if __name__ == "__main__":
    main()
