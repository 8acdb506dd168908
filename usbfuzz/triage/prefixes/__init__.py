"""What stands before the kernel's words in the logs that people send, found once a log and cut.

Journals, syslog, `dmesg -T`, terminals with time stamps, test labs, quoted mails and phone makers each put something
before every line. :func:`plain_log` learns it from the lines that are surely the kernel's (:mod:`.learn`), and writes
the log as a console prints it: lines of programs are left out, lines that a mailer wrapped are joined
(:mod:`.lines`). Journals of records (JSON, export) are read as such (:mod:`.records`).
"""

from .plain import Plain, plain_log

__all__ = ["Plain", "plain_log"]
