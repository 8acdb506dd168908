"""What usbfuzz does with cases and guests, a room for each job; the command line starts them.

========== ===========================================================================================
campaign   fuzz until told to stop: workers, case queue, attribution of crashes, live view
minimize   the smallest case that shows the same bug, and which of its bytes matter
regress    kept cases over many kernels: run, judge against what is recorded, bless
bisect     between which kernels or commits a bug came or went
mail       the mail about a saved crash
coverage   what was executed: modules, functions, source lines
html       what all pages look like
check      the cases of a campaign's bugs again: is each shown, has each a cause of its own
replay     one case again on fresh guests
plug       one device in one guest, live
serve      a device for a QEMU or a Linux machine that is not ours
bridges    Facedancer scripts and boofuzz sessions at our guest
bench      devices per second, with ratios
pytest     fixtures for test suites of driver developers
========== ===========================================================================================
"""
