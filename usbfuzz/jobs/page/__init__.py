"""The page of a campaign: ``usbfuzz report OUT``, and ``usbfuzz fuzz --page FILE`` while it runs.

::

    campaign.sqlite ──▶ courses.py ─┐                                          ┌─▶ export.py   JSON
    OUT/SLUG/       ──▶ bugs.py    ─┼▶ read.py ─▶ data.py: Account ─┬▶ words.py ┤
    OUT/coverage/   ──▶ reached.py ─┘              compare.py ──────┘          └─▶ page.py     HTML, in sections
                        ladder.py: usb.pcapng as steps                             live.py     while a campaign runs

Nothing is shown that was not measured; what is not known says so. All texts of guests and files are hostile.
"""
