"""The names of all files of a directory of crashes; crashes/README.md says what each is for."""

from __future__ import annotations

from pathlib import Path

from usbfuzz.case.files import CASE_FILE
from usbfuzz.coverage import COVERAGE

__all__ = [
    "BY_HAND_FILE",
    "CAMPAIGN_FILE",
    "CAPTURE_FILE",
    "CASE_FILE",
    "CONSOLE_FILE",
    "CORPUS",
    "CRASH_FILE",
    "DEFAULT_DIRECTORY",
    "FUNCTIONS_FILE",
    "GADGET_FILE",
    "JOINED_DIRECTORY",
    "LESSONS",
    "LOCK_FILE",
    "LSUSB_FILE",
    "MINIMIZED_FILE",
    "NO_CRASHES",
    "ORIGINAL_FILE",
    "REPORT_FILE",
    "REPRO_FILE",
    "SUPPRESSED_FILE",
    "SUPPRESS_FILE",
    "SWEPT_FILE",
    "SYZ_FILE",
    "USE_FILE",
    "VERDICTS_FILE",
    "may_be_case",
]

DEFAULT_DIRECTORY = Path("crashes")  #: where crashes are saved and looked for unless the user names a directory

# In the directory itself

CAMPAIGN_FILE = "campaign.sqlite"  #: how far the campaign came
LOCK_FILE = "campaign.lock"  #: locked by the process that may write
BY_HAND_FILE = "by-hand.toml"  #: which reports the user has said to be one bug, or not to be
SWEPT_FILE = "swept.toml"  #: the case whose single-field faults the campaign runs, if it is a sweep
SUPPRESS_FILE = "suppress.txt"  #: the user's list of titles that are counted and not saved
SUPPRESSED_FILE = "suppressed.toml"  #: how often each of them was seen, by kernel
CORPUS = "corpus"  #: directory of the cases that reached something new
LESSONS = "learned"  #: directory of what the campaign learned of drivers
NO_CRASHES = frozenset({COVERAGE, CORPUS, LESSONS})  #: directories that are a campaign's, and no crash directories

# In each crash directory below it, with CASE_FILE: what is known

CRASH_FILE = "crash.toml"  #: the record; makes a directory a crash directory
ORIGINAL_FILE = "original.toml"  #: the case as it was found, once case.toml is the minimized one
MINIMIZED_FILE = "minimized.toml"  #: what minimizing found
CONSOLE_FILE = "console.log"  #: what the guest printed in the run that showed the crash
JOINED_DIRECTORY = "also"  #: crash directories that turned out to be this bug
CAPTURE_FILE = "usb.pcapng"  #: the conversation of that run; not always there
FUNCTIONS_FILE = "coverage.tsv"  #: what it reached of the driver's code; not always there
VERDICTS_FILE = "minimize.state"  #: the end of a hidden file's name: what an unfinished minimization has found out

# There too: texts made from that

REPORT_FILE = "report.txt"
LSUSB_FILE = "lsusb.txt"
REPRO_FILE = "repro.py"
GADGET_FILE = "repro.c"
SYZ_FILE = "repro.syz"
USE_FILE = "use.c"  #: where the case has programs of user space


def may_be_case(name: str, *, in_crash_directory: bool) -> bool:
    """Whether a search takes a file of this name for a case: what is known of crashes has the same suffix."""
    if name in (CRASH_FILE, MINIMIZED_FILE) and in_crash_directory:
        return False
    return (
        name.endswith(".toml") and not name.startswith(".") and name not in (SUPPRESSED_FILE, BY_HAND_FILE, SWEPT_FILE)
    )
