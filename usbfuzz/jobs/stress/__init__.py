"""Every moment of an unplug: one device's conversation is recorded, and the device leaves at each moment of it.

::

    subjects.py   what the user named, as single devices
    plan.py       recorded packets by ways to leave: a list of numbered moments, each a case
    sweep.py      one plan, run to its end: rounds, judgement, the case of a bad moment confirmed
    books.py      what is known of each moment, so that a run goes on where the last one ended
    worker.py     a guest, in a process of its own
"""
