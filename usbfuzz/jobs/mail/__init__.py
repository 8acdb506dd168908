"""The mail about a saved crash: what is found out for it, before :mod:`usbfuzz.report.mail` writes it.

::

    kernel's source ──tree.py──▶ MAINTAINERS ─┐
    report, drivers ─guilty.py─▶ files ───────┴─▶ recipients ┐
    kernels in the cache ─regress.presence──▶ where it comes ┼──run.py──▶ Mail
    debug information ──triage.symbolize────▶ source lines ──┘
"""
