"""Pages in HTML: what all of them look like, and how they are written. Each needs no other file and loads nothing.

::

    document.py   a page and its elements; style.css is what all pages have
    tables.py     tables that a reader may sort and filter: table.js, without which they are plain tables
    plots.py      curves, drawn by matplotlib, as SVG in the page's own colours

What came from outside (names, logs, sources) goes through :func:`add`; the writer of the library escapes it.
"""

from .document import add, document
from .tables import Column, later, number, sortable

__all__ = ["Column", "add", "document", "later", "number", "sortable"]
