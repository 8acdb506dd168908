"""A boofuzz Session that fuzzes a guest's kernel: each message it sends is a descriptor of a device plugged in.

::

    from boofuzz import Block, Byte, Bytes, Request, Session, Target, Word
    from harness.workbench import Workbench
    from usbfuzz.jobs.bridges.boofuzz_session import DescriptorConnection, GuestMonitor

    with Workbench(config) as workbench:
        connection = DescriptorConnection(workbench, mouse, "configurations[0]")
        target = Target(connection, monitors=[GuestMonitor(workbench)])
        session = Session(target=target, restart_sleep_time=0)
        session.connect(Request("configuration", children=(Byte("bLength", 9), Byte("bDescriptorType", 2), …)))
        session.fuzz()                       # http://localhost:26000 shows the crashes by title

boofuzz decides what comes next and keeps the results; for speed and triage there is ``usbfuzz fuzz``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boofuzz import BaseMonitor, ITargetConnection

from usbfuzz.case.parts import parts, with_part
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.errors import GuestError, QemuError

if TYPE_CHECKING:
    from harness.workbench import Workbench
    from usbfuzz.case.model import DeviceSpec

__all__ = ["DescriptorConnection", "GuestMonitor"]

_EXERCISE_MS = 60  #: guest milliseconds that device nodes stay open
_REPORT_LINES = 40


class DescriptorConnection(ITargetConnection):  # type: ignore[misc]
    """Each message sent is plugged in: a device like ``template`` whose ``part`` has the message's bytes.

    ``part`` is a name as :func:`usbfuzz.case.parts.parts` gives them: ``device``, ``configurations[0]``,
    ``strings[1]``, ``reports[0]``, ``bos``. Raises ValueError for one that ``template`` does not have.
    """

    def __init__(
        self, workbench: Workbench, template: DeviceSpec, part: str = "configurations[0]", port: int = 0
    ) -> None:
        names = [name for name, _ in parts(template)]
        if part not in names:
            raise ValueError(f"{template.name} has no {part!r}; it has {', '.join(names)}")
        self._workbench = workbench
        self._template = template
        self._part = part
        self._port = port
        self._read = 0

    @property
    def info(self) -> str:
        """What is fuzzed, for boofuzz's log."""
        return f"{self._part} of {self._template.name}, plugged into {self._workbench.lane.config.kernel.name}"

    def open(self) -> None:
        """Do nothing: the guest runs already."""

    def close(self) -> None:
        """Do nothing: :meth:`send` has unplugged the device."""

    def send(self, data: bytes) -> int:
        """Plug the device in, open its nodes, unplug it, and have the kernel check its slabs.

        Raises nothing when the guest dies of it: the monitor reports that.
        """
        workbench = self._workbench
        self._read = len(workbench.kernel_log())
        try:
            workbench.plug(self._port, ScriptedDevice(with_part(self._template, self._part, data)))
            workbench.wait(workbench.lane.agent.exercise(_EXERCISE_MS))
            workbench.unplug(self._port)
            workbench.wait(workbench.lane.agent.validate())
        except (QemuError, GuestError):
            workbench.kernel_log()
        return len(data)

    def recv(self, max_bytes: int) -> bytes:
        """What the kernel printed since the last send."""
        log = self._workbench.kernel_log()
        text = log[self._read :].encode()[:max_bytes]
        self._read = len(log)
        return text


class GuestMonitor(BaseMonitor):  # type: ignore[misc]
    """Tells boofuzz of crashes and warnings in the guest's log, and gives it a fresh guest after each."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self._workbench = workbench

    def post_send(self, target: object = None, fuzz_data_logger: object = None, session: object = None) -> bool:
        """Whether the kernel has reported nothing and the guest answers."""
        del target, fuzz_data_logger, session
        return not self._workbench.reports() and self._answers()

    def get_crash_synopsis(self) -> str:
        """Titles, and the first lines of the first report."""
        reports = self._workbench.reports()
        if not reports:
            return "the guest went silent"
        lines = reports[0].text.splitlines()[:_REPORT_LINES]
        return "\n".join(["; ".join(report.title for report in reports), *lines])

    def retrieve_data(self) -> bytes:
        """The kernel's log since the guest was restored."""
        return self._workbench.kernel_log().encode()

    def restart_target(self, target: object = None, fuzz_data_logger: object = None, session: object = None) -> bool:
        """Restore the guest from its snapshot; always True."""
        del target, fuzz_data_logger, session
        self._workbench.restore()
        return True

    def start_target(self) -> bool:
        """Restore the guest; always True."""
        return self.restart_target()

    def stop_target(self) -> bool:
        """Do nothing: a restore ends the guest; always True."""
        return True

    def _answers(self) -> bool:
        try:
            self._workbench.wait(self._workbench.lane.agent.ping())
        except (QemuError, GuestError):
            return False
        return True
