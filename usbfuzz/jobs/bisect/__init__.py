"""Between which kernels did a bug come or go?

::

    archive.py  many kernels ──search.py──▶ the next one to ask ─┐
    step.py     one commit   ──build.py───▶ its kernel ──────────┴─▶ regress.presence: the case on that kernel

Of a kernel that was not run nothing is concluded but that it lies between two that did the same.
"""
