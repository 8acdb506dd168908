"""The paragraph format of Debian control files, Packages lists and ``*.sources`` files (RFC 822 style)."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["paragraphs"]


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Each paragraph as a dict of lower-case field names; continuation lines keep their line breaks.

    Lines starting with ``#`` are comments. A line that is neither field nor continuation is passed over.
    """
    fields: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, current = {}, ""
        elif line[0] in " \t":
            if current:
                fields[current] += "\n" + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            current = name.strip().lower()
            fields[current] = value.strip()
    if fields:
        yield fields
