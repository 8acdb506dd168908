"""use.c is C that compiles without a warning, holds the bytes that the agent gets, and plays them on this machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from attrs import evolve

from tests import KNOWN_BUGS
from usbfuzz.case import load
from usbfuzz.case.model import Action, Case, Event, Use
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.report.render import render
from usbfuzz.report.use import render_use
from usbfuzz.uses import compiled
from usbfuzz.uses.kernel.calls import CALLS

from .test_text import crash_of

_DEVICE = load(KNOWN_BUGS / "quatech2-bulk-null.toml").devices[0]
_FLAGS = ("-Wall", "-Wextra", "-Werror", "-O2", "-pthread")
#: Each call that programs know, and each word that is none.
_ALL = """\
fd = open("/dev/snd/pcmC*c", O_RDWR|O_NONBLOCK, 1)
n = node("/sys/class/net/*")
other = dup(fd)
read(fd, 64)
write(fd, input_event, type=EV_LED, value=1)
pread64(fd, 64, 512)
pwrite64(fd, "00 ff" * 64, 512)
lseek(fd, 0, SEEK_END)
b = ioctl(fd, VIDIOC_QUERYBUF, index=0, type=1)
ioctl(fd, 0x5401, "00" * 64)
ioctl(fd, 0x5401, 3)
m = mmap(fd, b.length, PROT_READ|PROT_WRITE, MAP_SHARED, b.offset)
touch(m)
poll(fd, POLLIN|POLLOUT, 10)
fsync(fd)
fcntl(fd, F_SETFL, O_NONBLOCK)
s = socket(AF_PACKET, SOCK_RAW, 768)
bind(s, sockaddr_ll, ifindex=n.ifindex)
connect(s, "00 01")
sendto(s, "00 01", 64)
recvfrom(s, 64)
setsockopt(s, 1, 9, "01 00 00 00")
thread
shutdown(s, SHUT_RDWR)
sleep(1)
repeat 2 times
repeat until unplugged
thread
hold until unplugged
munmap(m)
close(fd)"""
#: What needs no node: it runs here as in a guest.
_HERE = """\
s = socket(1, 2, 0)
setsockopt(s, 1, 9, "01 00 00 00")
none = open("/dev/nu*", O_RDWR)
read(none, 1)
thread
sleep(1)
repeat 3 times
thread
hold until unplugged
close(s)
close(s)"""


def _case(*events: Event, programs: tuple[str, ...]) -> Case:
    return Case((_DEVICE,), events, uses=tuple(Use(tuple(program.split("\n"))) for program in programs))


_PLUG, _USE = Event(Action.PLUG, device=0), Event(Action.USE, use=0)
_EVERYTHING = _case(_PLUG, _USE, programs=(_ALL,))


def _built(case: Case, tmp_path: Path, title: str = "a title") -> Path:
    source, program = tmp_path / "use.c", tmp_path / "use"
    source.write_text(render_use(case, title=title, kernel="debian:6.1"))
    subprocess.run(["cc", *_FLAGS, "-o", str(program), str(source)], check=True)
    return program


def _run(program: Path, *words: str) -> tuple[int, list[str]]:
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_every_call_compiles_and_without_a_device_it_says_so(tmp_path: Path) -> None:
    assert set(CALLS) <= set(re.findall(r"\b([a-z]\w+)\(", _ALL))
    status, lines = _run(_built(_EVERYTHING, tmp_path), "0")
    assert status == 3
    assert lines[-1] == "program 0 on port 0: no device came"
    assert lines[-2].startswith("nothing came in 0 s")


def test_calls_that_need_no_node_are_played_here(tmp_path: Path) -> None:
    events = (Event(Action.USE, use=0, after_ms=0), Event(Action.USE, use=1, after_ms=5), Event(Action.USE, use=0))
    programs = ("s = socket(1, 2, 0)\nclose(s)", "s = socket(1, 2, 0)\nrecvfrom(s, 64)\nsleep(1)")
    status, lines = _run(_built(_case(*events, programs=programs), tmp_path), "-v")
    assert [line for line in lines if line.startswith("program")] == [
        "program 0 on port 0: ended: 2 calls worked, 0 failed, 0 passed over",
        "program 1 on port 0: killed: blocked in recvfrom(s, 64); 1 calls worked, 0 failed, 0 passed over",
        "program 2 on port 0: ended: 2 calls worked, 0 failed, 0 passed over",
    ]
    assert "    recvfrom(s, 64): has not returned" in lines
    assert "    sleep(1): not reached" in lines
    assert status == 1, "one was killed"


def test_threads_repeat_and_what_is_not_there_is_passed_over(tmp_path: Path) -> None:
    status, lines = _run(_built(_case(Event(Action.USE, use=0), programs=(_HERE,)), tmp_path), "-v")
    assert "program 0 on port 0: ended: 6 calls worked, 1 failed, 2 passed over; no node came" in lines
    assert '    setsockopt(s, 1, 9, "01 00 00 00"): 0' in lines
    assert '    none = open("/dev/nu*", O_RDWR): passed over' in lines
    assert "    sleep(1): 0, 4 times" in lines
    assert "    close(s): Bad file descriptor" in lines
    assert status == 3


def test_when_all_programs_end_by_themselves_its_exit_status_is_zero(tmp_path: Path) -> None:
    assert _run(_built(_case(Event(Action.USE, use=0), programs=("sleep(1)",)), tmp_path))[0] == 0


def test_words_that_it_does_not_know_are_refused(tmp_path: Path) -> None:
    program = _built(_EVERYTHING, tmp_path)
    for words in (("x",), ("-1",), ("1", "2"), ("-v", "1", "2"), ("1x",)):
        status, lines = _run(program, *words)
        assert status == 2
        assert lines[0].startswith("usage: ")


def test_it_holds_what_the_agent_gets_and_each_line_as_text() -> None:
    text = render_use(_EVERYTHING, title="a title", kernel="debian:6.1")
    match = re.search(r"static const uint8_t program0\[\] = \{(.*?)\n\};", text, re.DOTALL)
    assert match is not None
    found = bytes.fromhex("".join(re.findall(r"\b0x([0-9a-f]{2})\b", re.sub(r"/\*.*?\*/", "", match[1]))))
    lines = _EVERYTHING.uses[0].program
    assert found == compiled(lines)
    assert all(f" *     {line}\n" in text for line in lines if "/*" not in line)
    assert "a title" in text.partition("#define")[0]


def test_hostile_titles_and_names_stay_comments(tmp_path: Path) -> None:
    case = evolve(_EVERYTHING, devices=(evolve(_DEVICE, name='*/ "\\ ??/ \n#error'),))
    _built(case, tmp_path, title="x */ int y; /* \n#error \\")


def _moments(*events: Event) -> list[str]:
    """Place, count of devices and wait of each program."""
    text = render_use(_case(*events, programs=("s = socket(1, 2, 0)",)), title="t")
    return re.findall(r"\{ \d+, \d+, (-?\d+, \d+, \w+, \w+), program0", text)


def test_programs_begin_as_near_to_their_moments_as_uevents_tell() -> None:
    def use(**when: int) -> Event:
        return Event(Action.USE, use=0, **when)

    again = Event(Action.PLUG, device=0, after_ms=30)
    assert _moments(_PLUG, use()) == ["0, 1, SETTLED, false"]
    assert _moments(_PLUG, use(after_requests=9)) == ["0, 1, 0, false"]
    assert _moments(_PLUG, use(after_ms=20, for_ms=9), again, use(after_ms=1)) == ["0, 1, 20, true", "0, 2, 1, false"]
    assert _moments(_PLUG, Event(Action.RESET, after_ms=7), use(after_ms=20)) == ["0, 1, 27, false"]
    other = Event(Action.PLUG, port=5, device=0, after_ms=0)
    assert _moments(_PLUG, other, use(port=5, after_ms=2), use(after_ms=3)) == ["1, 1, 2, false", "0, 1, 3, false"]
    assert _moments(use(after_ms=3), _PLUG) == ["0, 1, 3, false"], "it is there to wait for its device"
    assert _moments(_PLUG, use(port=2, after_ms=3)) == ["-1, 0, 3, false"]


def test_a_crash_directory_has_it_where_the_case_has_programs() -> None:
    without, unused = _case(_PLUG, programs=()), _case(_PLUG, programs=(_ALL,))
    for case, there in ((_EVERYTHING, True), (without, False), (unused, False)):
        rendered = render(SavedCrash(crash_of("a title"), case, ""))
        assert rendered.failures == {}
        assert ("use.c" in rendered.files) is there
        assert ("./use" in rendered.files["report.txt"]) is there
        assert ("use.c" in rendered.files["repro.c"]) is there
