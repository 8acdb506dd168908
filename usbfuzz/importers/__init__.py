"""Devices from what people have: `lsusb -v` mails, descriptor blobs, sysfs, recordings, captures, programs.

:func:`usbfuzz.importers.detect.import_file` tells by the content what a file is; there is a module per format, each of
which turns bytes into :class:`Imported` devices. What a file does not say is synthesised and listed as such.
"""

from .detect import add_capture, import_bytes, import_file
from .model import Imported, Importer, Problem

__all__ = ["Imported", "Importer", "Problem", "add_capture", "import_bytes", "import_file"]
