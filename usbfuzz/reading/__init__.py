"""Reading what people send: compressed or not, in whatever encoding their tools wrote, and as a mail.

:func:`unpack` takes compression off. :func:`log_of` gives a file's bytes as UTF-8; what is no text at all is an
InputError that says what it seems to be. :func:`unwrapped` and :func:`unmailed` take off what mailers and browsers add,
:func:`unmarked` what stands before each line.
:func:`printable` is what may be shown of a line, :func:`plain` of a text. :func:`small_text` is for files of ours, of
which it is known how large they may be; :func:`stamp_of` says whether one is still what it was.
"""

from .marks import unmarked
from .packed import MAX_BYTES, unpack
from .show import plain, printable
from .small import small_text
from .stamps import Stamp, stamp_of
from .text import foreign, log_of
from .wrapping import decoded, joined, unmailed, unwrapped

__all__ = [
    "MAX_BYTES",
    "Stamp",
    "decoded",
    "foreign",
    "joined",
    "log_of",
    "plain",
    "printable",
    "small_text",
    "stamp_of",
    "unmailed",
    "unmarked",
    "unpack",
    "unwrapped",
]
