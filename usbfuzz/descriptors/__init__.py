"""USB descriptors: any bytes in, the same bytes out, typed as far as they are known.

``split`` and ``join`` cut and glue; the typed views live in a module per specification (:mod:`.standard`, :mod:`.bos`,
:mod:`.hid`, :mod:`.uac1`, …); :mod:`.tree` shows a configuration as interfaces and endpoints; :mod:`.layout` and
:mod:`.kernel` say what the guest will make of it.
"""

from .base import Descriptor, RawDescriptor
from .codec import cut, join, split, typed
from .context import Context
from .hid_report import ReportItem, report_items
from .strings import language_descriptor, language_ids, string_descriptor, string_text
from .text import describe

__all__ = [
    "Context",
    "Descriptor",
    "RawDescriptor",
    "ReportItem",
    "cut",
    "describe",
    "join",
    "language_descriptor",
    "language_ids",
    "report_items",
    "split",
    "string_descriptor",
    "string_text",
    "typed",
]
