"""A corpus: cases that reached something new, as plain files that campaigns, lanes and kernels share.

::

    DIR/
        cases/NAME.toml      a case; NAME is the beginning of the digest of what it does
        KERNEL.tsv           which blocks the cases reached on a kernel, each with the case that reached it first
        KERNEL.tried         the cases that were run on it and reached nothing first, a name a line
        KERNEL.smallest      the cases that minimizing could make no smaller, a name a line
        lock                 held for the moment in which a .tsv is written

Whatever does not belong there, is broken or half written is left out and told in one line. A case file is never
changed: what is smaller has another name. Several processes may add at the same time: case files appear whole, and a
``.tsv`` is read again before it is written. The files of a kernel are read by :mod:`.kernel_files`.
"""

from .corpus import Corpus
from .entries import Reader, entry_path, keep, name_of, names_in, read_case

__all__ = ["Corpus", "Reader", "entry_path", "keep", "name_of", "names_in", "read_case"]
