"""The texts of a crash directory, for the maintainer of the driver: a saved crash in, texts out.

::

    render.py     every text of a :class:`usbfuzz.crashes.saved.SavedCrash`; nothing here reads or writes the directory
      ├─ text.py    report.txt, ready to mail; annotate.py lists the case in it, words.py has what the mail says alike
      ├─ lsusb/     lsusb.txt
      ├─ repro.py   repro.py: bundle.py joins standalone/*.py, the case follows as data
      ├─ gadget.py  repro.c for raw-gadget, joined from raw_gadget/; served.py says what the device answers
      ├─ syzkaller.py  repro.syz
      └─ use.py     use.c: the case's programs of user space, joined from the guest agent's files and user_space/;
                    programs.py lists them
    c_source.py   what repro.c and use.c are written with
    losses.py     what of a device a text does not carry: it is read again; requests.py is what is asked then
    mail.py       the mail about a crash, with what was found out about it; maintainers.py: to whom
    capture.py    the conversation of a run as usb.pcapng; pcapng.py is the file format
"""
