"""A bug is a title and a driver to blame; what else it leads to is listed inside it."""

from __future__ import annotations

import io
from pathlib import Path

from attrs import evolve
from rich.console import Console

from tests.campaign.pretend import report
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.manifestation import Manifestation, Where
from usbfuzz.crashes.record import Crash, How, Standing, slug_of
from usbfuzz.report.listing import crash_list, standings

from .saving import evidence, store_in

_TITLE = "BUG: unable to handle kernel NULL pointer dereference in input_event"


def _of(guilty: str, title: str = _TITLE) -> Evidence:
    return evidence(report=evolve(report(title, module=None), guilty=guilty))


def test_one_title_of_three_drivers_is_three_bugs_in_directories_of_their_own(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    slugs = [store.sighted(_of(driver))[0].slug for driver in ("hid_sony", "hid_elo", "wacom", "hid_elo")]
    assert len(set(slugs)) == 3
    assert store.crashes[slugs[1]].total == 2
    again = store_in(tmp_path)
    assert {again.sighted(_of(driver))[0].slug for driver in ("wacom", "hid_sony", "hid_elo")} == set(slugs)


def test_the_directory_s_name_tells_the_driver_only_where_the_title_does_not(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    own = evidence(report=evolve(report("oops in wacom_probe", module="wacom"), guilty="wacom"))
    assert store.sighted(own)[0].slug == slug_of("oops in wacom_probe")
    assert store.sighted(_of("hid_elo"))[0].slug == slug_of(_TITLE, "hid_elo") != slug_of(_TITLE)


def test_a_report_that_names_no_driver_is_a_sighting_of_what_has_its_title(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    elo, _ = store.sighted(_of("hid_elo"))
    assert store.sighted(_of(""))[0].slug == elo.slug


def test_what_a_bug_leads_to_is_counted_inside_it_and_read_back(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    for title in ("BUG: corrupted list in kfree", "BUG: Bad page state", "BUG: Bad page state"):
        store.manifested(crash.slug, Manifestation.of(report(title), Where.AFTER))
    store.flush()
    read = Crash.read(tmp_path / crash.slug)
    assert read == store.crashes[crash.slug]
    assert [(row.title, row.count, row.where) for row in read.manifestations] == [
        ("BUG: Bad page state", 2, "after it, in the same guest"),
        ("BUG: corrupted list in kfree", 1, "after it, in the same guest"),
    ]


def test_new_evidence_keeps_what_the_bug_led_to(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    store.manifested(crash.slug, Manifestation.of(report("oops"), Where.AFTER))
    assert store.attributed(crash.slug, evidence(how=How.ALONE, hits=3, runs=3)).manifestations


def test_a_record_with_broken_manifestations_is_left_alone_like_any_that_is_not_whole(tmp_path: Path) -> None:
    crash, _ = store_in(tmp_path).sighted(evidence())
    path = tmp_path / crash.slug / "crash.toml"
    path.write_text(path.read_text() + '\n[[manifestation]]\ntitle = 5\ncount = "many"\nwhere = ""\n')
    assert Crash.read(tmp_path / crash.slug) is None


def test_an_unreproduced_report_that_may_be_a_consequence_is_evidence_until_it_is_reproduced(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    seen, _ = store.sighted(evidence("oops in b"))
    doubted, _ = store.sighted(evidence(doubt="no driver is on its stack"))
    assert (seen.standing, doubted.standing) == (Standing.SEEN, Standing.EVIDENCE)
    assert standings(store.crashes.values()) == "0 bugs confirmed, 1 seen, 1 evidence"
    again = store.attributed(doubted.slug, evidence(how=How.ALONE, hits=1, runs=3, doubt="no driver is on its stack"))
    assert (again.standing, again.doubt) == (Standing.CONFIRMED, "")


def test_the_list_fits_80_columns_and_shows_what_belongs_to_a_bug(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence(f"{_TITLE} {'of_a_driver_with_a_long_name ' * 3}"))
    for nth in range(7):
        store.manifested(crash.slug, Manifestation.of(report(f"oops number {'i' * nth} " * 5), Where.OWN_RUNS))
    store.sighted(evidence("BUG: corrupted list in kfree", doubt="no driver is on its stack"))
    screen = Console(file=io.StringIO(), width=80, record=True)
    screen.print(crash_list(store.crashes.values()))
    text = screen.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert crash.slug in text
    assert "and 2 more" in text
    assert "no driver is on its stack" in text


def test_the_report_names_what_the_bug_leads_to(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    store.manifested(crash.slug, Manifestation.of(report("BUG: Bad page state"), Where.AFTER))
    store.attributed(crash.slug, evidence(how=How.ALONE, hits=3, runs=3))
    text = (tmp_path / crash.slug / "report.txt").read_text()
    assert "Leads to:      BUG: Bad page state (after it, in the same guest)" in text
