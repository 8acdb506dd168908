"""The machine's package sources in both formats, and the mirror a suite is asked from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.kernels.archives import DEBIAN, UBUNTU, AptFiles, NoMirrorError, mirrors
from harness.guest.kernels.deb822 import paragraphs
from harness.guest.kernels.sources import Source, parse_deb822, parse_one_line
from harness.guest.kernels.versions import upstream_of, version_key

ONE_LINE = """\
# deb http://old/debian buster main
deb http://mirror/debian/ bookworm main contrib  # the main one
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg,/b.gpg]  https://mirror/security bookworm-security main
deb-src http://mirror/debian bookworm main
deb mirror+file:/etc/apt/mirrors.list trixie main
nonsense
"""
DEB822 = """\
# written by the installer
Types: deb deb-src
URIs: http://mirror/debian https://other/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off/debian
Suites: trixie
Components: main

types: deb
uris: http://inline/debian/
suites: trixie
components: main
signed-by: -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_one_line_sources_are_read_with_options_comments_and_mirror_lists() -> None:
    assert list(parse_one_line(ONE_LINE)) == [
        Source("http://mirror/debian", "bookworm", ("main", "contrib")),
        Source("https://mirror/security", "bookworm-security", ("main",), ("/usr/share/keyrings/a.gpg", "/b.gpg")),
        Source("mirror+file:/etc/apt/mirrors.list", "trixie", ("main",)),
    ]


def test_deb822_sources_are_read_with_lists_disabled_ones_and_inline_keys() -> None:
    keyring = ("/usr/share/keyrings/debian-archive-keyring.gpg",)
    assert list(parse_deb822(DEB822)) == [
        Source("http://mirror/debian", "bookworm", ("main",), keyring),
        Source("http://mirror/debian", "bookworm-updates", ("main",), keyring),
        Source("https://other/debian", "bookworm", ("main",), keyring),
        Source("https://other/debian", "bookworm-updates", ("main",), keyring),
        Source("http://inline/debian", "trixie", ("main",)),
    ]


@given(st.text())
def test_any_text_is_read_as_sources_without_an_error(text: str) -> None:
    assert all(isinstance(source, Source) for source in [*parse_one_line(text), *parse_deb822(text)])


WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#[]"), min_size=1).filter(
    lambda word: word.rstrip("/")
)


@given(WORD, WORD, st.lists(WORD, max_size=3))
def test_both_formats_give_the_same_source(uri: str, suite: str, components: list[str]) -> None:
    line = f"deb {uri} {suite} {' '.join(components)}"
    fields = f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {' '.join(components)}\n"
    assert list(parse_one_line(line)) == list(parse_deb822(fields))


NAME = st.sampled_from(["package", "version", "depends", "pre-depends", "size"])
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


@given(st.lists(st.dictionaries(NAME, VALUE, min_size=1), max_size=4))
def test_paragraphs_come_back_as_they_were_written(written: list[dict[str, str]]) -> None:
    text = "\n".join("".join(f"{name.title()}: {value}\n" for name, value in fields.items()) for fields in written)
    assert list(paragraphs(text)) == written


@pytest.fixture
def apt_files(tmp_path: Path) -> AptFiles:
    (tmp_path / "sources.list.d").mkdir()
    return AptFiles(etc_apt=tmp_path, templates=tmp_path / "templates")


def configure(apt_files: AptFiles, *lines: str) -> None:
    (apt_files.etc_apt / "sources.list.d" / "some.list").write_text("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("suite", ["bookworm", "bullseye", "bookworm-backports", "sid", "experimental"])
def test_one_main_entry_leads_to_every_main_suite(apt_files: AptFiles, suite: str) -> None:
    configure(apt_files, "deb http://mirror/debian bookworm main", "deb http://mirror/security bookworm-security main")
    assert mirrors(DEBIAN, suite, apt_files) == ["http://mirror/debian"]
    assert mirrors(DEBIAN, "bullseye-security", apt_files) == ["http://mirror/security"]


def test_the_entry_of_the_suite_itself_comes_first(apt_files: AptFiles) -> None:
    configure(apt_files, "deb http://a/debian bookworm main", "deb http://b/debian trixie main")
    assert mirrors(DEBIAN, "trixie", apt_files) == ["http://b/debian", "http://a/debian"]


def test_third_parties_are_left_out_or_come_last(apt_files: AptFiles) -> None:
    configure(
        apt_files,
        "deb http://vendor/apt bookworm main",
        "deb [signed-by=/etc/apt/keyrings/shop.gpg] http://shop/debian bookworm main",
        "deb http://container/linux/debian bookworm stable",
        "deb http://node/x nodistro main",
        "deb cdrom:[Debian]/ bookworm main",
        "deb http://mirror/debian bookworm main",
    )
    assert mirrors(DEBIAN, "bookworm", apt_files) == ["http://mirror/debian", "http://vendor/apt"]


def test_a_machine_without_a_security_entry_tries_beside_its_main_mirror(apt_files: AptFiles) -> None:
    configure(apt_files, "deb http://mirror/debian bookworm main")
    assert mirrors(DEBIAN, "bookworm-security", apt_files) == ["http://mirror/debian-security"]


def test_ubuntu_serves_security_from_its_main_archive(apt_files: AptFiles) -> None:
    configure(apt_files, "deb http://mirror/ubuntu noble main restricted")
    assert mirrors(UBUNTU, "noble-security", apt_files) == ["http://mirror/ubuntu"]


def test_a_machine_of_another_distribution_asks_the_usual_mirror(apt_files: AptFiles) -> None:
    configure(apt_files, "deb http://mirror/ubuntu noble main restricted")
    apt_files.templates.mkdir()
    entry = (
        "Suite: {}\nRepositoryType: deb\nBaseURI-arm64: http://ports/\nBaseURI: https://usual/debian/\nMatchURI: x\n\n"
    )
    (apt_files.templates / "Debian.info").write_text(
        "_ChangelogURI: y\n\n" + entry.format("sid") + entry.format("trixie")
    )
    assert mirrors(DEBIAN, "bookworm", apt_files) == ["https://usual/debian"]
    assert mirrors(DEBIAN, "bullseye-security", apt_files) == ["https://usual/debian-security"]
    configure(apt_files, "deb http://mirror/debian bookworm main")
    assert mirrors(DEBIAN, "bullseye", apt_files) == ["http://mirror/debian"]


def test_without_a_mirror_the_line_to_add_is_told(apt_files: AptFiles) -> None:
    configure(apt_files, "deb http://mirror/ubuntu noble main restricted")
    with pytest.raises(NoMirrorError, match=r"add one, for instance in .*debian\.list: deb MIRROR bookworm main"):
        mirrors(DEBIAN, "bookworm", apt_files)


VERSION = st.from_regex(r"[0-9][0-9a-z.+~]{0,6}(-[0-9a-z.+~]{1,4})?", fullmatch=True)


@given(VERSION, VERSION)
def test_versions_sort_as_dpkg_sorts_them(a: str, b: str) -> None:
    relation = "lt" if version_key(a) < version_key(b) else "eq" if version_key(a) == version_key(b) else "gt"
    subprocess.run(["dpkg", "--compare-versions", a, relation, b], check=True)


@pytest.mark.parametrize(
    ("version", "upstream"),
    [("6.1.192-2", "6.1.192"), ("6.12.43-1~bpo12+1", "6.12.43"), ("2:7.3~rc7-1~exp1", "7.3~rc7"), ("6.6", "6.6")],
)
def test_the_upstream_version_has_no_epoch_and_no_revision(version: str, upstream: str) -> None:
    assert upstream_of(version) == upstream
