"""Pages that need no other file and run nothing: what all of them look like, and how they are written.

What came from outside (names, logs, sources) goes through :func:`add`; the writer of the library escapes it.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from usbfuzz.reading import plain

__all__ = ["add", "document"]

#: Colours: text on tinted background, each pair above 4.5:1 in both schemes.
_STYLE = """
:root { color-scheme: light dark; --bg: #fbfbfa; --fg: #1d2125; --dim: #5d666f; --line: #dcdfe3; --card: #fff;
  --ok: #116329; --ok-bg: #e3f4e7; --new: #0b5a75; --new-bg: #e1f1f6; --crash: #a40e26; --crash-bg: #fde7e9;
  --changed: #7a4b00; --changed-bg: #fbefd6; --gone: #6b2fb3; --gone-bg: #f0e8fb; }
@media (prefers-color-scheme: dark) { :root { --bg: #15181b; --fg: #e4e7ea; --dim: #98a2ab; --line: #31373d;
  --card: #1c2024; --ok: #7ee2a0; --ok-bg: #153021; --new: #7fd0ec; --new-bg: #132d38; --crash: #ff9aa5;
  --crash-bg: #42171d; --changed: #f3c66b; --changed-bg: #392b10; --gone: #cdb0ff; --gone-bg: #2c2142; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 76rem; background: var(--bg); color: var(--fg);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .75rem; }
p.summary { margin: .25rem 0 1.5rem; color: var(--dim); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .45rem .8rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; white-space: normal; overflow-wrap: anywhere; }
a { color: inherit; text-decoration: none; }
pre, code { font: 13px/1.45 ui-monospace, monospace; }
""".strip()
#: The page loads and runs nothing, even if text of a guest were not escaped.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, style: str, body: ET.Element) -> bytes:
    """A page in UTF-8: ``style`` is CSS of its own, behind what all pages have."""
    html = ET.Element("html", lang="en")
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    ET.SubElement(head, "meta", name="viewport", content="width=device-width")
    add(head, "title", title)
    add(head, "style", f"{_STYLE}\n{style}")
    html.append(body)
    written: bytes = ET.tostring(html, "utf-8", method="html")
    return b"<!doctype html>\n" + written + b"\n"


def add(parent: ET.Element, tag: str, text: str = "", classes: str = "", **attributes: str) -> ET.Element:
    """A new element at the end of ``parent``; control characters of the text are replaced."""
    given = {"class": classes, **attributes} if classes else attributes
    child = ET.SubElement(parent, tag, {name: plain(value) for name, value in given.items()})
    child.text = plain(text)
    return child
