"""Races: how often a case shows its bug under which schedule of the guest's processors.

::

    way.py: Way ◀── seed       search.py: each way a few runs, then the better half, then the best many

A schedule is what QEMU is told, not what the guest does: a number brings it back.
"""
