"""The commands of ``usbfuzz shell``."""

from __future__ import annotations

import cmd
import contextlib
import difflib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from harness.guest.place import buses_of
from usbfuzz.errors import GuestError, InputError, QemuError
from usbfuzz.load import load_device
from usbfuzz.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from .terminal import Terminal
    from .watched import Watched

__all__ = ["Prompt"]

_PROMPT = "usbfuzz> "
_RUN_S = 60.0  #: guest seconds
_LEVEL = "<"


class Prompt(cmd.Cmd):
    """Reads commands and runs them; ``failures`` counts those that failed."""

    def __init__(self, watched: Watched, console: Console, terminal: Terminal | None) -> None:
        super().__init__()
        self.prompt = _PROMPT if terminal else ""
        self.use_rawinput = terminal is not None
        self.failures = 0
        self._watched = watched
        self._guest = watched.guest
        self._console = console
        self._terminal = terminal

    # cmd.Cmd

    def preloop(self) -> None:
        """Called before the first prompt is shown."""
        self._draw(self.prompt)

    def precmd(self, line: str) -> str:
        """Called with each line that was typed."""
        self._draw("")
        return line.strip()

    def postcmd(self, stop: bool, line: str) -> bool:
        """Show what the kernel has printed, before the next prompt."""
        del line
        if not stop:
            self._watched.show()
            self._draw(self.prompt)
        return bool(stop)

    def onecmd(self, line: str) -> bool:
        """Run one command; print its error, and replace the guest when it has ended."""
        with self._watched.busy:
            try:
                if self._watched.lost:
                    self._watched.recover()
                return bool(super().onecmd(line))
            except InputError as error:
                self._fail(str(error))
            except (GuestError, QemuError) as error:
                if not self._watched.lost:
                    self._fail(f"{error}; if the guest does not recover, restore gives a fresh one")
                else:
                    self._watched.recover()
                    self._fail(f"{line}: not done, the guest ended meanwhile")
            except KeyboardInterrupt:
                if self._terminal is None:
                    raise
                self._say("interrupted", "yellow")
        return False

    def emptyline(self) -> bool:
        """Do nothing for an empty line."""
        return False

    def default(self, line: str) -> None:
        """Answer a word that is no command."""
        word = line.split(maxsplit=1)[0]
        close = difflib.get_close_matches(word, self._commands(), n=1)
        raise InputError(f"{word}: no such command; " + (f"did you mean {close[0]}?" if close else "type help"))

    # Commands; the first line of each docstring is its help

    def do_plug(self, words: str) -> None:
        """plug DEVICE [PORT]: plug in a case file, mine.py, or a known device (mouse); ports are 0 and up"""
        match _split(words):
            case [spec]:
                port = next((n for n in self._ports() if n not in self._watched.plugged), 0)
            case [spec, number]:
                port = self._port(number)
            case _:
                raise InputError("plug DEVICE [PORT]: give a device, as in plug mouse")
        loaded = load_device(spec)
        device = loaded.make()
        if loaded.case and loaded.case.guest.kernel_params:
            self._say(f"the case wants a guest with {' '.join(loaded.case.guest.kernel_params)}", "yellow")
        self._watched.plugged[port] = loaded.name
        self._guest.plug(port, device)
        self._say(f"{loaded.name} is in port {port}; {self._drivers(port)}")

    def do_unplug(self, words: str) -> None:
        """unplug [PORT]: pull a device; without a number the one that was plugged in last"""
        port = self._chosen(words)
        self._guest.unplug(port)
        self._say(f"{self._watched.plugged.pop(port)} is out of port {port}")

    def do_reset(self, words: str) -> None:
        """reset [PORT]: have the host reset a device; without a number the one that was plugged in last"""
        port = self._chosen(words)
        self._guest.reset(port)
        self._say(f"{self._watched.plugged[port]} was reset; {self._drivers(port)}")

    def do_devices(self, words: str) -> None:
        """devices: what is plugged in, as the kernel sees it"""
        _none(words)
        found = self._guest.wait(self._guest.lane.agent.lsusb())
        table = Table.grid(padding=(0, 2))
        for port, name in sorted(self._watched.plugged.items()):
            seen = [sysfs for bus in buses_of(port) if (sysfs := f"{bus}-1") in found]
            ids = [f"{raw[9]:02x}{raw[8]:02x}:{raw[11]:02x}{raw[10]:02x}" for raw in map(found.get, seen) if raw]
            row = (" ".join(seen), " ".join(ids), self._drivers(port)) if seen else ("not there",)
            table.add_row(f"port {port}", name, *row)
        self._console.print(table if table.row_count else "nothing is plugged in")

    def do_drivers(self, words: str) -> None:
        """drivers: which driver has bound which interface"""
        _none(words)
        self._guest.settle()
        for name, driver in self._guest.drivers().items():
            self._say(f"{name} {driver}")

    def do_coverage(self, words: str) -> None:
        """coverage [MODULE]: the code that ran since the last time, by module; or the functions of one module."""
        covered = self._guest.covered()
        if covered is None:
            raise InputError("coverage: this guest cannot be looked into; `usbfuzz emulator list` shows which can")
        functions = covered.functions()
        if module := words.replace("-", "_"):
            if module not in functions:
                raise InputError(f"coverage: no code of {words} ran since the last time")
            self._console.print("\n".join(sorted(functions[module])), markup=False)
            return
        table = Table(box=None, pad_edge=False)
        for name in ("module", "blocks", "functions"):
            table.add_column(name, justify="left" if name == "module" else "right")
        for name, blocks in sorted(covered.modules().items(), key=lambda row: -row[1]):
            table.add_row(name, f"{blocks:,}", f"{len(functions.get(name, ())):,}")
        self._console.print(table)

    def do_dmesg(self, words: str) -> None:
        """dmesg [N]: the kernel's log, or its last N lines"""
        lines = [_unlevelled(line) for line in self._guest.wait(self._guest.lane.agent.kmsg()).splitlines()]
        match _split(words):
            case []:
                pass
            case [number] if number.isdecimal():
                lines = lines[-int(number) :] if int(number) else []
            case _:
                raise InputError("dmesg [N]: N is a number of lines")
        self._say("\n".join(lines))

    def do_run(self, line: str) -> None:
        """run COMMAND: a line for the guest's shell, with all of busybox; ! does the same"""
        if not line:
            raise InputError("run COMMAND: give a command, as in run ls /dev")
        ran = self._guest.run(("sh", "-s"), _RUN_S, line.encode())
        if ran.output:
            self._say(ran.output.decode("utf-8", "replace").removesuffix("\n"))
        if ran.status:
            self._fail(f"status {ran.status}")

    do_shell = do_run

    def do_transfers(self, words: str) -> None:
        """transfers on|off: show each transfer as it happens"""
        if words not in {"on", "off"}:
            raise InputError("transfers on|off: say which")
        self._watched.screen.transfers = words == "on"

    def do_restore(self, words: str) -> None:
        """restore: a fresh guest, as after booting"""
        _none(words)
        self._watched.restore()
        self._say("a fresh guest runs; nothing is plugged in")

    def do_help(self, arg: str) -> None:
        """help: this list"""
        del arg
        table = Table.grid(padding=(0, 2))
        for name in self._commands():
            usage, _, what = (getattr(self, f"do_{name}").__doc__ or name).partition(": ")
            table.add_row(usage, what)
        self._console.print(table, markup=False)

    def do_quit(self, words: str) -> bool:
        """quit: end the guest and leave; so does Ctrl-D"""
        _none(words)
        return True

    def do_EOF(self, _words: str) -> bool:  # noqa: N802  cmd.Cmd's name for Ctrl-D
        """Leave, as quit does."""
        if self._terminal:
            self._say("")
        return True

    # Completion

    def completenames(self, text: str, *_ignored: object) -> list[str]:
        """The commands that begin with ``text``."""
        return [f"{name} " for name in self._commands() if name.startswith(text)]

    def complete_plug(self, text: str, *_ignored: object) -> list[str]:
        """The known devices and the files that begin with ``text``."""
        known = [name for name in sorted(MODELS) if name.startswith(text)]
        return [*known, *_paths(text)]

    # Helpers of the commands

    def _commands(self) -> list[str]:
        hidden = {"EOF", "shell"}
        return [name[3:] for name in vars(Prompt) if name.startswith("do_") and name[3:] not in hidden]

    def _ports(self) -> range:
        return range(len(self._guest.lane.ports))

    def _port(self, number: str) -> int:
        if not number.isdecimal() or int(number) not in self._ports():
            raise InputError(f"{number}: is no port; they are 0 to {self._ports()[-1]}")
        return int(number)

    def _chosen(self, words: str) -> int:
        """The port that is named, else the one last plugged into. Raises InputError when it is empty."""
        match _split(words):
            case []:
                port = next(reversed(self._watched.plugged), -1)
            case [number]:
                port = self._port(number)
            case _:
                raise InputError("give one port")
        if port not in self._watched.plugged:
            raise InputError("nothing is plugged in" if port < 0 else f"port {port} is empty")
        return port

    def _drivers(self, port: int) -> str:
        """The drivers of the device in a port, as a sentence."""
        mine = tuple(f"{bus}-" for bus in buses_of(port))
        bound = [f"{driver} ({name})" for name, driver in self._guest.drivers().items() if name.startswith(mine)]
        return f"drivers: {', '.join(bound)}" if bound else "no driver has bound"

    def _say(self, text: str, style: str = "") -> None:
        self._watched.show()  # what led to it comes first
        self._console.print(text, style=style, markup=False, soft_wrap=True)

    def _fail(self, text: str) -> None:
        self.failures += 1
        self._say(text, "red")

    def _draw(self, prompt: str) -> None:
        if self._terminal:
            self._terminal.prompting(prompt)


def _split(words: str) -> list[str]:
    try:
        return shlex.split(words)
    except ValueError as error:
        raise InputError(f"{words}: {str(error).lower()}") from error


def _none(words: str) -> None:
    if words:
        raise InputError(f"{words}: nothing is expected there")


def _paths(text: str) -> Iterator[str]:
    """Files that can be plugged in, and directories to look further in, that begin with ``text``."""
    begun = text.rpartition("/")[2]
    folder = text.removesuffix(begun)
    with contextlib.suppress(OSError):
        for path in sorted(Path(folder or ".").iterdir()):
            if path.name.startswith(begun) and (path.is_dir() or path.suffix in {".toml", ".py"}):
                yield f"{folder}{path.name}{'/' if path.is_dir() else ''}"


def _unlevelled(line: str) -> str:
    """A line of the log without its priority, ``<6>``."""
    return line.partition(">")[2] if line.startswith(_LEVEL) else line
