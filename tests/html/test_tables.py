"""Tables that a reader may sort and filter."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from usbfuzz.jobs.html import Column, add, later, number, sortable


def test_a_cell_has_its_number_for_sorting_and_its_words_for_people() -> None:
    row = ET.Element("tr")
    number(row, 12345)
    number(row, 0.5, "1 of 2")
    number(row, None, "not tried")
    assert [(cell.text, cell.get("data-v")) for cell in row] == [
        ("12,345", "12345"),
        ("1 of 2", "0.5"),
        ("not tried", ""),
    ]


def test_a_field_above_a_table_is_hidden_until_a_script_can_use_it() -> None:
    body = ET.Element("body")
    sortable(body, "bugs", [Column("bug"), Column("hits", numbers=True, about="sightings")], filter_="Filter bugs")
    assert body[0].get("hidden")
    assert body[0].get("data-for") == "bugs"
    heads = [(head.text, head.get("class"), head.get("title")) for head in body.iter("th")]
    assert heads == [("bug", None, None), ("hits", "number", "sightings")]


def test_of_a_long_table_the_first_rows_are_laid_out() -> None:
    rows = sortable(ET.Element("body"), "bugs", [Column("bug")])
    for _ in range(301):
        add(rows, "tr")
    later(rows)
    assert [index for index, row in enumerate(rows) if row.get("hidden")] == [300]
    assert rows[300].get("class") == "later"
