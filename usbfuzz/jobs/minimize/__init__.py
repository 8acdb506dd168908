"""Make a case that shows a bug as small as it can be, and say which of its bytes matter.

::

    usbfuzz minimize ── search.py  passes over the case until nothing more can go
                          │  passes.py, structure.py …   what might go: changes, independent of each other
                          │  reduce.py                   which of them can go together (delta debugging)
                          ▼
                        oracle.py  still the same bug? remembers, asks again, believes no late answer
                          ▼
                        trials.py  guests to ask: a lane in this process, or one process for each core
"""
