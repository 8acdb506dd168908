"""Reading what people send: compressed or not, in whatever encoding their tools wrote.

:func:`unpack` takes compression off. :func:`text_of` gives a file's characters, for importers; :func:`log_of` its bytes
as UTF-8, for triage, which works on bytes. What is no text at all is an InputError that says what it seems to be.
"""

from .packed import MAX_BYTES, unpack
from .text import log_of, text_of

__all__ = ["MAX_BYTES", "log_of", "text_of", "unpack"]
