"""Who is told of a file, by MAINTAINERS: patterns as its first lines explain them, the closest section first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.report.maintainers import Person, parse_maintainers, recipients

MAINTAINERS = """\
List of maintainers
===================

Descriptions of section entries and preferred order
---------------------------------------------------

	M: *Mail* patches to: FullName <address@domain>
	F: *Files* and directories wildcard patterns.

Maintainers List
----------------

HID CORE LAYER
M:	Hanna Core <hanna@core.example>
M:	"Ben Q. Other" <ben@core.example>
L:	linux-input@lists.example
S:	Maintained
T:	git git://git.example/hid.git
F:	drivers/hid/
F:	include/linux/hid*

HID WIDGET DRIVER
M:	Wim Driver <wim@widget.example>
R:	Rea Viewer <rea@widget.example>
L:	widget-devel@lists.example (subscribers-only)
L:	widget@lists.example (moderated for non-subscribers)
S:	Odd Fixes
F:	drivers/hid/hid-widget*

OLD SOUND
M:	Ole Gone <ole@sound.example>
L:	sound@lists.example
S:	Orphan
F:	sound/usb/
X:	sound/usb/line6/

LINE6
M:	hanna@core.example
S:	Maintained
F:	sound/*/line6/*.c
N:	line6[^/]*

UNICODE
M:	Jürgen Ähnlich <juergen@u.example>
S:	Maintained
F:	drivers/net/**/uni*.c

USB SUBSYSTEM
M:	Uma Serial <uma@usb.example>
L:	linux-usb@lists.example
S:	Supported
F:	drivers/usb/

BROKEN
M:	nobody at all
N:	(((
F:	drivers/broken

THE REST
M:	Linus Torvalds <torvalds@rest.example>
L:	linux-kernel@lists.example
S:	Buried alive in reporters
F:	*
F:	*/
"""
SECTIONS = parse_maintainers(MAINTAINERS)


def _to(*paths: str) -> tuple[list[str], list[str]]:
    found = recipients(SECTIONS, paths)
    return [person.address for person in found.to], [person.address for person in found.cc]


def test_sections_are_those_of_the_list_and_not_of_its_explanation() -> None:
    assert [section.title for section in SECTIONS] == [
        *("HID CORE LAYER", "HID WIDGET DRIVER", "OLD SOUND", "LINE6", "UNICODE", "USB SUBSYSTEM", "BROKEN", "THE REST")
    ]


def test_the_closest_sections_maintainers_get_it_and_all_others_copies() -> None:
    to, cc = _to("drivers/hid/hid-widget.c")
    assert to == ["wim@widget.example"]
    assert cc == [
        *("rea@widget.example", "hanna@core.example", "ben@core.example", "widget@lists.example"),
        *("linux-input@lists.example", "linux-usb@lists.example", "linux-kernel@lists.example"),
    ]


def test_a_list_for_subscribers_only_and_the_person_for_everything_are_left_out() -> None:
    everybody = [
        address for path in ("drivers/hid/hid-widget.c", "README") for addresses in _to(path) for address in addresses
    ]
    assert not {"widget-devel@lists.example", "torvalds@rest.example"} & set(everybody)


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        ("drivers/hid/hid-core.c", ["HID CORE LAYER"]),
        ("drivers/hid/usbhid/hid-core.c", ["HID CORE LAYER"]),
        ("drivers/hid/hid-widget/core.c", ["HID CORE LAYER"]),
        ("drivers/hid/", ["HID CORE LAYER"]),
        ("include/linux/hidraw.h", ["HID CORE LAYER"]),
        ("sound/usb/card.c", ["OLD SOUND"]),
        ("sound/usb/", ["OLD SOUND"]),
        ("sound/usb/line6/driver.c", ["LINE6"]),
        ("sound/usb/line6/deep/driver.c", ["LINE6"]),
        ("drivers/net/a/b/unix.c", ["UNICODE"]),
        ("drivers/net/a/b/other.c", []),
        ("drivers/broken/x.c", ["BROKEN"]),
        ("drivers/usbx/hub.c", []),
        ("lib/list.c", []),
    ],
)
def test_a_path_belongs_to_the_sections_whose_patterns_it_fits(path: str, titles: list[str]) -> None:
    assert list(recipients(SECTIONS, [path]).sections) == titles


def test_of_what_nobody_looks_after_the_list_is_told_and_the_sender() -> None:
    found = recipients(SECTIONS, ["sound/usb/card.c"])
    assert found.to == ()
    assert found.orphaned == ("OLD SOUND",)
    assert found.cc[0].address == "sound@lists.example"


def test_the_first_files_maintainers_get_it_and_the_others_copies() -> None:
    to, cc = _to("drivers/hid/hid-widget.c", "drivers/usb/core/hub.c")
    assert to == ["wim@widget.example"]
    assert "uma@usb.example" in cc


def test_the_list_for_usb_is_told_of_each_bug_and_its_maintainer_is_not() -> None:
    _, cc = _to("drivers/hid/hid-core.c")
    assert "linux-usb@lists.example" in cc
    assert "uma@usb.example" not in cc


def test_names_are_read_without_their_quotation_marks() -> None:
    core = SECTIONS[0]
    assert core.maintainers == (Person("Hanna Core", "hanna@core.example"), Person("Ben Q. Other", "ben@core.example"))
    assert SECTIONS[4].maintainers == (Person("Jürgen Ähnlich", "juergen@u.example"),)
    assert SECTIONS[6].maintainers == ()


def test_nobody_is_told_twice() -> None:
    to, cc = _to("drivers/hid/hid-core.c", "sound/usb/line6/driver.c")
    assert len({*to, *cc}) == len([*to, *cc])


@given(st.text(alphabet="MLFXNS:\t *?/[(\nab@<>.", max_size=200), st.text(alphabet="abc/.*", max_size=20))
def test_any_text_is_read(text: str, path: str) -> None:
    recipients(parse_maintainers(text), [path])
