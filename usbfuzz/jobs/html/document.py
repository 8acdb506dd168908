"""Pages that need no other file: their head, and how elements are made."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from usbfuzz.reading import plain

__all__ = ["add", "document", "own"]


@cache
def own(name: str) -> str:
    """The text of a file of this room: a stylesheet, a script."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8").strip()


def document(title: str, style: str, body: ET.Element, script: str = "", refresh: int = 0) -> bytes:
    """A page in UTF-8: ``style`` is CSS of its own, behind what all pages have.

    With ``refresh`` a browser without scripts loads it anew every so many seconds.
    """
    html = ET.Element("html", lang="en")
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _policy(script)})
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    ET.SubElement(head, "meta", name="color-scheme", content="light dark")
    noscript = ET.SubElement(head, "noscript")
    add(noscript, "style", "tr.later { display: table-row !important; }")
    if refresh:
        ET.SubElement(noscript, "meta", {"http-equiv": "refresh", "content": str(refresh)})
    add(head, "title", title)
    add(head, "style", f"{own('style.css')}\n{style}")
    if script:
        # Behind the body, which it works on; the writer leaves the text of scripts and styles as it is.
        add(body, "script", script)
    html.append(body)
    written: bytes = ET.tostring(html, "utf-8", method="html")
    return b"<!doctype html>\n" + written + b"\n"


def add(parent: ET.Element, tag: str, text: str = "", classes: str = "", **attributes: str) -> ET.Element:
    """A new element at the end of ``parent``; control characters of the text are replaced."""
    given = {"class": classes, **attributes} if classes else attributes
    child = ET.SubElement(parent, tag, {name: plain(value) for name, value in given.items()})
    child.text = plain(text)
    return child


def _policy(script: str) -> str:
    """The page loads nothing and runs only its own script, even if text of a guest were not escaped."""
    if not script:
        return "default-src 'none'; style-src 'unsafe-inline'"
    digest = base64.b64encode(hashlib.sha256(plain(script).encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
