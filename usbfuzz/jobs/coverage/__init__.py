"""What people see of coverage: modules and functions, and with debug information at hand source lines.

::

    blocks.tsv ─┬▶ Blocks ─cover─▶ Cover (of a section) ┬─ functions of the kernel's .ko ──modules──▶ table, data (JSON)
    case ──run──┘                                       └─ line tables of its -dbg ────────sources─▶ lcov, pages (HTML)
"""
