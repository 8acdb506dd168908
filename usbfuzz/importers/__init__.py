"""Devices read from files: `lsusb -v` text, binary descriptors, sysfs directories, recordings, captures, programs.

:func:`usbfuzz.importers.detect.import_file` recognises a file by its content; there is a module or folder per format,
which turns bytes into :class:`Imported` devices. What a file does not hold is made up, and listed as such.
"""

from .detect import add_capture, holds_answers_only, import_bytes, import_file
from .model import Imported, Importer, Problem

__all__ = ["Imported", "Importer", "Problem", "add_capture", "holds_answers_only", "import_bytes", "import_file"]
