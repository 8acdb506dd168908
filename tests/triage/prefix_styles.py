"""Forty ways in which people send a kernel's log: what their tools put before its lines."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping

from attrs import frozen

__all__ = ["STYLES", "Printed", "behind", "printed"]

_STAMPED = re.compile(r"(?:<\d+>)?\[ *(\d+)\.(\d{6})\](?:\[ *([CT]\d+)\])? ")


@frozen
class Printed:
    """A line of the kernel."""

    number: int
    seconds: int
    micros: str
    caller: str
    text: str

    @property
    def stamp(self) -> str:
        """As printk() has it."""
        return f"[{self.seconds:5d}.{self.micros}]{f'[{self.caller:>6}]' if self.caller else ''}"

    @property
    def clock(self) -> str:
        """Time of the day."""
        minutes, seconds = divmod(self.seconds, 60)
        return f"{10 + minutes // 60 % 10:02d}:{minutes % 60:02d}:{seconds:02d}"

    @property
    def level(self) -> str:
        """Of any importance, as far as a prefix tells."""
        return ("warn", "emerg", "info", "alert", "err", "notice")[self.number * 7 % 6]


def _number(line: Printed) -> int:
    return ("emerg", "alert", "crit", "err", "warn", "notice", "info").index(line.level)


def _record(line: Printed) -> dict[str, str]:
    return {"PRIORITY": "4", "_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel", "MESSAGE": line.text}


def _fields(line: Printed, indentation: str = "") -> str:
    return "".join(f"{indentation}{key}={value}\n" for key, value in _record(line).items())


def _dmesg_e(line: Printed) -> str:
    return f"[Feb17 {line.clock[:5]}]" if line.number % 20 == 0 else f"[  +0.{line.number:06d}]"


def _dmesg_json(line: Printed) -> str:
    head = '{\n   "dmesg": [\n' if not line.number else ""
    time = f"{line.seconds:5d}.{line.micros}"
    fields = ",\n         ".join(('"pri": 4', f'"time": {time}', f'"msg": {json.dumps(line.text)}'))
    return f"{head}      {{\n         {fields}\n      }},"


def _kmsg(line: Printed) -> str:
    caller = f",caller={line.caller}" if line.caller else ""
    device = "\n SUBSYSTEM=usb\n DEVICE=c189:1" if line.number % 17 == 0 else ""
    return f"{_number(line)},{line.number},{line.seconds}{line.micros},-{caller};{line.text}{device}"


def _mediatek(line: Printed) -> str:
    task = ("insmod", "kworker/u16:3", "swapper/0")[line.number % 3]
    return f"<{_number(line)}>[{line.seconds:5d}.{line.micros}]-({line.number % 8})[{7000 + line.number % 7}:{task}]"


#: What is printed for a line; a string stands for that and the line's text.
STYLES: Mapping[str, Callable[[Printed], str]] = {
    "journalctl short": lambda line: f"Feb 17 {line.clock} host kernel: {line.text}",
    "journalctl short, with stamps": lambda line: f"Feb 17 {line.clock} a-host.lan kernel: {line.stamp} {line.text}",
    "journalctl short-full": lambda line: f"Tue 2026-02-17 {line.clock} UTC host kernel: {line.text}",
    "journalctl short-iso": lambda line: f"2026-02-17T{line.clock}+0100 host kernel: {line.text}",
    "journalctl short-iso-precise": lambda line: (
        f"2026-02-17T{line.clock}.{line.micros}+01:00 host kernel: {line.text}"
    ),
    "journalctl short-precise": lambda line: f"Feb 17 {line.clock}.{line.micros} host kernel: {line.text}",
    "journalctl short-monotonic": lambda line: f"[{line.seconds:5d}.{line.micros}] host kernel: {line.text}",
    "journalctl short-unix": lambda line: f"{1771326606 + line.seconds}.{line.micros} host kernel: {line.text}",
    "journalctl --no-hostname": lambda line: f"Feb 17 {line.clock} kernel: {line.text}",
    "journalctl short, in another language": lambda line: f"Mär 17 {line.clock} host kernel: {line.text}",
    "journalctl json": lambda line: json.dumps(_record(line)),
    "journalctl json-pretty": lambda line: json.dumps(_record(line), indent=8),
    "journalctl json-sse": lambda line: f"data: {json.dumps(_record(line))}\n",
    "journalctl export": lambda line: f"__CURSOR=s=1;i={line.number}\n{_fields(line)}_HOSTNAME=host\n",
    "journalctl verbose": lambda line: (
        f"Tue 2026-02-17 {line.clock}.{line.micros} UTC [s=12ab;i={line.number:x};b=aabb]\n{_fields(line, '    ')}"
    ).rstrip(),
    "RFC 3164": lambda line: f"<{_number(line)}>Feb  7 {line.clock} host kernel: {line.stamp} {line.text}",
    "RFC 5424": lambda line: f"<4>1 2026-02-17T{line.clock}.{line.micros}Z host kernel - - - {line.stamp} {line.text}",
    "rsyslog": lambda line: f"2026-02-17T{line.clock}.{line.micros}+00:00 host kernel: {line.stamp} {line.text}",
    "syslog-ng": lambda line: f"Feb 17 {line.clock} 192.0.2.5 kern.warning kernel: {line.stamp} {line.text}",
    "busybox syslogd": lambda line: f"Feb 17 {line.clock} host kern.{line.level} kernel: {line.stamp} {line.text}",
    "logread": lambda line: f"Tue Feb 17 {line.clock} 2026 kern.{line.level} kernel: {line.stamp} {line.text}",
    "dmesg -T": lambda line: f"[Tue Feb 17 {line.clock} 2026] {line.text}",
    "dmesg -x": lambda line: f"kern  :{line.level:<6}: {line.stamp} {line.text}",
    "dmesg -xT": lambda line: f"kern  :{line.level:<6}: [Tue Feb 17 {line.clock} 2026] {line.text}",
    "dmesg -d": lambda line: f"[{line.seconds:5d}.{line.micros} <{line.number / 1000:12.6f}>] {line.text}",
    "dmesg -e": lambda line: f"{_dmesg_e(line)} {line.text}",
    "dmesg -r": lambda line: f"<{_number(line)}>{line.stamp} {line.text}",
    "dmesg --time-format iso": lambda line: f"2026-02-17T{line.clock},{line.micros}+01:00 {line.text}",
    "dmesg -J": _dmesg_json,
    "colours": lambda line: f"\x1b[32m[{line.seconds:5d}.{line.micros}] \x1b[0m\x1b[33m{line.text}\x1b[0m",
    "carriage returns on both sides": lambda line: f"\r{line.stamp} {line.text}\r",
    "HTML": lambda line: f"{html.escape(f'{line.stamp} {line.text}')}<br>",
    "a list in HTML": lambda line: f"<li>{html.escape(f'{line.stamp} {line.text}')}</li>",
    "blanks that do not break": lambda line: f"{line.stamp} {line.text}".replace(" ", "\u00a0"),
    "/dev/kmsg": _kmsg,
    "netconsole, extended": lambda line: (
        f"6.12.0,{_number(line)},{line.number},{line.seconds}{line.micros},-;{line.text}"
    ),
    "logcat threadtime": lambda line: f"02-17 {line.clock}.{line.micros[:3]}     0     0 W kernel  : {line.text}",
    "logcat brief": lambda line: f"{line.level[0].upper()}/kernel  (    0): {line.text}",
    "minicom": lambda line: f"[2026-02-17 {line.clock}] {line.stamp} {line.text}",
    "ts": lambda line: f"Feb 17 {line.clock} {line.stamp} {line.text}",
    "GitHub": lambda line: f"2026-02-17T{line.clock}.{line.micros}1Z {line.stamp} {line.text}",
    "LAVA": lambda line: f'- {{"dt": "2026-02-17T{line.clock}", "lvl": "target", "msg": "{line.stamp} {line.text}"}}',
    "a quoted mail": lambda line: f"> {line.stamp} {line.text}",
    "a quoted quote": lambda line: f"> > | {line.stamp} {line.text}",
    "a quote without stamps": lambda line: f"| {line.text}",
    "line numbers": lambda line: f"{line.number + 1:5d}: {line.stamp} {line.text}",
    "grep -n": lambda line: f"dmesg.txt:{line.number + 1}:{line.stamp} {line.text}",
    "MediaTek": lambda line: f"{_mediatek(line)}{line.text}",
    "Samsung": lambda line: (
        f"<{_number(line)}>[{line.seconds:5d}.{line.micros}]  [{line.number % 8}: kworker/0:1: {line.number}] "
        f"{line.text}"
    ),
    "Amlogic": lambda line: f"[{line.seconds:5d}.{line.micros}@{line.number % 4}] {line.text}",
    "levels alone": lambda line: f"<{_number(line)}>{line.text}",
    "callers alone": lambda line: f"[{line.caller or 'T45':>6}] {line.text}",
    "nobody's": lambda line: f"rack-07/usb3 {1771326606 + line.seconds} >> {line.stamp} {line.text}",
}


def printed(log: str) -> list[Printed]:
    """The lines of a console log that the kernel printed."""
    found = ((number, line, _STAMPED.match(line)) for number, line in enumerate(log.splitlines()))
    return [
        Printed(number, int(stamp[1]), stamp[2], stamp[3] or "", line[stamp.end() :])
        for number, line, stamp in found
        if stamp
    ]


def behind(style: str, log: str) -> str:
    """The kernel's lines of a console log in another style."""
    return "".join(f"{STYLES[style](line)}\n" for line in printed(log))
