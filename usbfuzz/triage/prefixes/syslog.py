"""How the lines of journals, syslogs and X servers begin. Known by form, for logs without reports.

Sources: RFC 3164 and RFC 5424, rsyslog's templates, output modes of journalctl(1), logread(1) of OpenWrt; Xorg(1).
"""

from __future__ import annotations

import re

from usbfuzz.triage.console import STAMP

__all__ = ["HEADED", "KERNEL"]

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = r"[^\s\[\]<>:|]{2,12}"  #: in any language
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9}+)?+"
_TIME = (
    rf"(?:(?:{_DAY} +)?{_MONTH} +\d{{1,2}} +(?:\d{{4}} +)?{_CLOCK}(?: \d{{4}})?(?: [A-Z]{{3,4}})?"
    rf"|(?:{_DAY} )?\d{{4}}-\d\d-\d\d[T ]{_CLOCK}(?:Z|[+-]\d\d:?\d\d| [A-Z]{{3,4}})?"
    r"|\d{10}\.\d{6})"
)
#: A machine's name, or what somebody put in its place: "[redacted]", "<host name>".
_MACHINE = r"(?:(?!kernel\b)[\w.-]++|(?!\[ *\d+\.\d+\])[\[<(][^\[\]<>()\n]{1,40}[\]>)])"
#: An X server's line, alone in a log or between others: its stamp has milliseconds, and signs tell what it is about.
_X_SERVER = r"\[ *\d+\.\d{3}\] |\((?:II|WW|EE|NI|DB|--|\*\*|==|\+\+|!!|\?\?)\) "
#: A line that some program wrote: a machine and the program, or a program and its number. A device of the kernel's
#: ("usb 1-1:") is neither: programs' names begin with no digit.
HEADED = re.compile(
    rf"{_X_SERVER}|(?:<\d{{1,3}}>(?:\d )?)?{_TIME} +(?!kernel\b|kern\b|\[ *\d+\.\d+\])"
    rf"(?:{_MACHINE} +(?!/?kernel\b|klogd\b|vmunix\b)[A-Za-z_/(][\w./@+()-]{{0,80}}+(?:\[\d+\])?(?::| \d+ - )"
    r"|[A-Za-z_/(][\w./@+()-]{0,80}+\[\d+\]:)"
)

#: A line of the kernel's.
KERNEL = re.compile(
    rf"(?:<\d{{1,3}}>(?:\d )?)?{_TIME} +(?:{_MACHINE} +){{0,2}}kernel(?:\[\d+\])?: "
    rf"(?:(?P<stamp>{STAMP}) )?"
)
