"""What ``usbfuzz corpus`` does with corpora (:mod:`usbfuzz.corpus`).

``sources.py`` turns what a user names into cases, ``merging.py`` joins corpora and coverage of campaigns, ``trim.py``
drops what reaches nothing of its own, ``shown.py`` and ``table.py`` say what there is.

``minimizing.py`` makes a corpus smaller in guests (``guests.py``, ``worker.py``, ``messages.py``): ``kernel.py`` and
``measured.py`` know what each case reaches on a kernel, ``cover.py`` says which are enough.
"""
