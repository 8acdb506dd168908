"""What a lane says is held to what it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.pretend import case
from usbfuzz.case import dumps
from usbfuzz.coverage import BLOCKS_FILE, Blocks, blocks_in, case_path, read_blocks, text_of
from usbfuzz.coverage import Block as CodeBlock
from usbfuzz.errors import ProtocolError
from usbfuzz.jobs.campaign.messages import Block, Lesson, Order, SightingSaved
from usbfuzz.jobs.campaign.reach import LANE_FILES
from usbfuzz.jobs.cluster.arriving import Arriving
from usbfuzz.jobs.cluster.leases import Leases
from usbfuzz.jobs.cluster.messages import MESSAGES, CaseFile, Covered, FoundFile, LearnedFile
from usbfuzz.jobs.cluster.outgoing import Outgoing
from usbfuzz.jobs.cluster.private import Private

from .lies import GIVEN, LIES, TRUTHS, Lie

KERNEL = ("debian:5.10.223-1", "5.10.0-32-amd64")


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    leases = Leases(Outgoing(None, ()), Arriving(tmp_path, KERNEL))
    orders: tuple[Order, ...] = (Block(GIVEN), SightingSaved("known", attribute=True), Lesson("rsi_usb"))
    for order in orders:
        assert list(leases.sent(order)) == [order]
    return leases


def test_what_can_be_true_is_passed_on(leases: Leases) -> None:
    assert [leases.heard(said) for said in TRUTHS] == list(TRUTHS)


@pytest.mark.parametrize("said", LIES.values(), ids=list(LIES))
def test_what_cannot_be_true_is_refused(leases: Leases, tmp_path: Path, said: Lie) -> None:
    line = MESSAGES.replies.encode(said.reply)  # as it would come over the network
    with pytest.raises(ProtocolError) as refused:
        leases.heard(MESSAGES.replies.decode(line))  # type: ignore[arg-type]
    assert said.words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_case_that_was_run_cannot_be_run_again(leases: Leases) -> None:
    done = next(said for said in TRUTHS if leases.heard(said) and getattr(said, "indices", ()) == (3, 4))
    with pytest.raises(ProtocolError, match="case 3"):
        leases.heard(done)


def test_files_go_out_once_before_the_cases_that_may_be_made_of_them(tmp_path: Path) -> None:
    corpus, shelf = tmp_path / "corpus", tmp_path / "learned"
    (corpus / "cases").mkdir(parents=True)
    shelf.mkdir()
    (corpus / "cases" / "0123456789abcdef.toml").write_text("one")
    (shelf / "rsi_usb.toml").write_text("two")
    outgoing = Outgoing(corpus, (shelf,))
    first, second = Leases(outgoing, None), Leases(outgoing, None)
    sent = [LearnedFile(0, "rsi_usb", "two"), CaseFile("0123456789abcdef", "one")]
    assert list(first.sent(Block((1,)))) == [*sent, Block((1,))]
    assert list(first.sent(Block((2,)))) == [Block((2,))]
    assert list(second.sent(Block((3,)))) == [*sent, Block((3,))]


def test_what_cases_reached_arrives_as_it_was_written_hits_and_cases_too(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    private, arriving = Private(there, 1), Arriving(here, KERNEL)
    file = private.coverage / LANE_FILES.replace("*", "1")
    courses = (
        [CodeBlock("uvcvideo", ".text", 16, 4, 3)],
        [CodeBlock("uvcvideo", ".text", 16, 4, 9, "case-000003"), CodeBlock("hid", ".text", 0, 8, 1, "case-000003")],
        [CodeBlock("uvcvideo", ".text", 16, 4, 11, "case-000003"), CodeBlock("hid", ".text", 0, 8, 5, "case-000003")],
    )
    for nth, course in enumerate(courses):
        file.write_text(text_of(Blocks.of(*KERNEL, course)))
        if nth == 1:
            path = case_path(private.coverage / BLOCKS_FILE, "case-000003")
            path.parent.mkdir()
            path.write_text(dumps(case(3)))
        for message in private.reached(last=True):
            match message:
                case FoundFile():
                    arriving.case(message)
                case Covered():
                    arriving.blocks(message)
    (arrived,) = here.glob(LANE_FILES)
    assert read_blocks(arrived) == blocks_in(file.read_text(), "there")
    assert case_path(here / BLOCKS_FILE, "case-000003").read_text() == dumps(case(3))
