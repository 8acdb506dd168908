"""The pages of a report: links lead somewhere, what is data stays text, no file outside of the tree is shown."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from attrs import define, evolve, field

from usbfuzz.coverage import Block
from usbfuzz.jobs.coverage.code import source_lines
from usbfuzz.jobs.coverage.read import read_sources
from usbfuzz.jobs.coverage.site import pages

from .built import Built

_CASE = 'format = 1\n\n[[device]]\nname = "<script>alert(1)</script>"\n'


@define
class _Seen(HTMLParser):
    """What a page has: addresses, names, elements, text."""

    links: list[str] = field(factory=list)
    names: set[str] = field(factory=set)
    tags: set[str] = field(factory=set)
    text: str = ""

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"href", "src"}:
                self.links.append(value or "")
            elif name == "id":
                self.names.add(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def _written(built: Built, tmp_path: Path, *blocks: Block) -> Mapping[str, _Seen]:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "mouse.toml").write_text(_CASE)
    coverage = built.coverage(*blocks)
    found = {}
    for path, content in pages(
        coverage, read_sources(coverage, lambda _: None), lambda name: tmp_path / "cases" / f"{name}.toml"
    ):
        seen = _Seen()
        seen.feed(content.decode())
        assert b"default-src 'none'" in content
        found[path] = seen
    return found


def test_each_link_leads_to_a_page_and_a_place_in_it(built: Built, tmp_path: Path) -> None:
    found = _written(built, tmp_path, built.whole("probe_it", 5, "mouse"), built.whole("fail", 1, "gone+1"))
    assert {"index.html", "modules/usb_dummy.html", "cases/mouse.html", "cases/gone+1.html"} < set(found)
    for path, seen in found.items():
        for link in seen.links:
            parts = urlsplit(link)
            assert not parts.scheme
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
            assert target in found, link
            assert not parts.fragment or parts.fragment in found[target].names, link


def test_an_executed_line_leads_to_the_case_that_reached_it(built: Built, tmp_path: Path) -> None:
    page = _written(built, tmp_path, built.whole("probe_it", 5, "mouse"))["source/drivers/usb/dummy.c.html"]
    assert page.links.count("../../../cases/mouse.html") == 5
    assert f"     5        5  {8 * ' '}if (urb > 3)" in page.text


def test_sources_and_cases_are_text_and_no_elements(built: Built, tmp_path: Path) -> None:
    found = _written(built, tmp_path, built.whole("probe_it", 5, "mouse"))
    assert all("script" not in seen.tags and "b" not in seen.tags for seen in found.values())
    assert "</pre><script>alert(1)</script>" in found["source/drivers/usb/dummy.c.html"].text
    assert "return urb * 2; /* <b>&amp; */" in found["source/include/linux/twice.h.html"].text
    assert _CASE in found["cases/mouse.html"].text


def test_a_case_that_is_not_there_is_said_to_be_missing(built: Built, tmp_path: Path) -> None:
    page = _written(built, tmp_path, built.whole("fail", 1, "gone"))["cases/gone.html"]
    assert "gone.toml: cannot be read: No such file or directory" in page.text


def test_without_the_source_only_lines_with_code_are_shown(built: Built, tmp_path: Path) -> None:
    coverage = built.coverage(built.whole("idle", 12345))
    bare = evolve(coverage, objects=evolve(coverage.objects, source=None))
    written = dict(pages(bare, read_sources(bare, lambda _: None), lambda name: tmp_path / "cases" / f"{name}.toml"))
    page = written["source/drivers/usb/dummy.c.html"].decode()
    assert "The source of this kernel is not here" in page
    assert 'id="L10"' in page
    assert "12k" in page
    assert 'id="L9"' not in page


@pytest.mark.parametrize("path", ["../secret.c", "link.c", "/etc/passwd", "folder", "none.c", "a\0b.c"])
def test_no_file_outside_of_the_tree_is_read(path: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tmp_path / "secret.c").write_text("secret")
    (tree / "link.c").symlink_to(tmp_path / "secret.c")
    assert source_lines(tree, path) is None
