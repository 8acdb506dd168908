"""Saved crashes: what a crash directory holds, how it is written, and how it is read back.

::

    evidence.py  a report, the input behind it, how sure that is
        │
        ▼
    store.py     all crashes of one directory: new, seen again, attributed, minimized, confirmed
        │          ├─ record.py      crash.toml; manifestation.py  what else the same cause leads to
        │          ├─ causes.py      directories of one cause become one
        │          │    companions.py  what a case shows besides its bug; joining.py  how directories move
        │          ├─ by_hand.py     by-hand.toml: what the user has joined and parted
        │          ├─ minimized.py   minimized.toml
        │          ├─ suppress.py    suppress.txt, suppressed.toml: titles that are counted and not saved
        │          ├─ layout.py      the name of every file
        │          └─ directory.py   the files of one crash written, or saved elsewhere when the disk is full
        ▼
    OUT/SLUG/    written whole or not at all (usbfuzz.atomic), by the process that holds the lock (lock.py)
        │
        ▼
    saved.py     a crash directory read back, for a renderer to make its texts from

    minimization_files.py   the files that `usbfuzz minimize` reads and writes, in a crash directory or elsewhere
    verdicts.py             what a minimization has found out so far, kept for when it is interrupted

The texts for people are made by :mod:`usbfuzz.report`, which is above this room: the store is given its ``render``.
"""
