"""Make a case that shows a bug as small as it can be, and say which of its bytes matter.

::

    usbfuzz minimize ─▶ run.py      from files to files, resumable
                          ▼
    a campaign ───────▶ search.py   passes over the case, from coarse to fine, until nothing more can go
                          │  contents.py, structure.py, plain.py   what a pass may remove or simplify
                          │  cut.py                                removes bytes, keeps lengths and counts in step
                          │  reduce.py                             which changes can be made together (delta debugging)
                          │  marks.py                              in the end: which bytes matter
                          ▼
                        oracle.py   does a candidate still show the same bug? remembers answers, repeats runs
                          ▼
                        guests.py   one guest in this process (in a campaign)
                        pool.py     one guest for each core, each in a process of its own (worker.py, messages.py)

``confirm.py`` runs a case in real time.
"""
