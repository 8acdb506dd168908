"""What guests and files say is text on a page, never markup, and the page may load nothing."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.page.bugs import Details
from usbfuzz.jobs.page.data import Account, Bug, Course, Driver, GaveUpAt, Manifested, Run, Source
from usbfuzz.jobs.page.ladder import Ladder, Step
from usbfuzz.jobs.page.page import Place, render_page
from usbfuzz.jobs.page.read import Whole
from usbfuzz.reading import plain

_MARKUP = ("</pre><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"'><svg onload=alert(1)>", "&lt;b&gt;")
_TEXTS = (
    st.text(min_size=1, max_size=40)
    | st.sampled_from(_MARKUP)
    | st.text(alphabet="<>&\"'/!-[]= \n\0scriptml", min_size=1)
)


class _Seen(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _whole(text: str) -> Whole:
    """An account in which everything that comes from outside is this text."""
    bug = Bug(
        slug="bug", title=text, standing="confirmed", doubt=text, type=text, driver=text, subsystem=text,
        hits={text: 3}, reproduced=1, runs=2, how=text, real=1, real_runs=1, before=9, after=3, complete=True,
        kernel=text, first_seen=text, last_seen=text, manifestations=(Manifested(text, text, 2, text),), source=text,
    )  # fmt: skip
    step = Step(1.0, asks=True, device=1, text=text, data=text, status=text)
    ladder = Ladder((step, evolve(step, asks=None), evolve(step, asks=False, fatal=True)), head=3)
    details = Details(
        listing=(text, f"[12 34] {text}"), marked=True, lsusb=(text,), oops=(text,), ladder=ladder, died=True,
        function=text, file=text, devices=(text,), files=(f"f{text.replace('/', '')}",), problem=text,
    )  # fmt: skip
    facts = {"machine": {"processor": text, "cores": text}, "kernel": {"release": text}, "options": {"lanes": text}}
    course = Course(
        kernel=text, params=(text,), seed=1, totals={"plugs": 3}, samples=(), runs=(Run(text, text, text, 0.0, facts),),
        drivers=(Driver(text, (f"other {text}",), 1, None, (GaveUpAt(text, 2),), 3),),
        sources=(Source(text, False, 1, 2, 3),), skipped=1, modules=2,
    )  # fmt: skip
    account = Account(text, text, "killed", 1, (course,), (bug,), {text: 2}, (text,), {"blocks": 1})
    return Whole(account, {"bug": details})


@given(_TEXTS)
def test_no_text_from_outside_becomes_markup(text: str) -> None:
    place = Place(Path("/pages/page.html"), Path("/pages/out"))
    seen, harmless = _Seen(), _Seen()
    seen.feed(render_page(_whole(text), place).decode())
    harmless.feed(render_page(_whole("word"), place).decode())
    # A word may be broken behind a slash or a colon.
    broken = text.count("/") + text.count(":")
    assert Counter(tag for tag, _ in seen.elements) == Counter(tag for tag, _ in harmless.elements) + Counter(
        {"wbr": broken, "span": broken}
    )
    assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)
    assert all((attributes.get("href") or "#").startswith(("#", "out/bug/")) for _, attributes in seen.elements)
    assert plain(text) in seen.text


def test_the_page_allows_its_own_script_and_nothing_else() -> None:
    page = render_page(_whole("word"), Place(Path("/p/page.html"), Path("/p/out"))).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert re.fullmatch(r"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[\w+/=]{44}'", policy)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
    assert "@import" not in page
    assert "url(" not in page
