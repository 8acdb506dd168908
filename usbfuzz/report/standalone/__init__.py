"""The parts of ``repro.py``: a case played to a guest by Python's standard library and QEMU alone.

The modules are joined to one file by :mod:`usbfuzz.report.repro`, lowest first. So they import nothing but the
standard library and each other, share one namespace, and run on Python 3.8.
"""
