"""Is a campaign's directory whole? Its books against its crash directories, its corpus, its coverage, what it learned.

::

    audit.py    all of it, as findings in words
      │  books.py     campaign.sqlite: every number that was handed out was run, is unfinished, or was skipped, once
      │  evidence.py  every crash directory loads, and the books know of it
      │  reached.py   corpus, coverage and lessons can be read, and name no case that is not there
"""

from .audit import Audited, audit
from .books import Books, read_books

__all__ = ["Audited", "Books", "audit", "read_books"]
