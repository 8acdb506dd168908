"""What a crash directory holds for the maintainer of the driver: report.txt, lsusb.txt, usb.pcapng, repro.py, repro.c.

::

    crash.py      crash.toml: what a crash is, and the directories that hold one
    render.py     a directory's texts, made from its case, console and crash.toml
      ├─ text.py    report.txt, ready to mail
      ├─ lsusb/     lsusb.txt
      ├─ repro.py   repro.py: bundle.py joins standalone/*.py, the case follows as data
      └─ gadget.py  repro.c for raw-gadget, from gadget.c
    capture.py    the conversation of a run as usb.pcapng
    suppress.py   known titles nobody wants to see again
"""
