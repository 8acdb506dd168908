"""What the guest does to a device that is plugged in: through sysfs, as an administrator or a power manager would.

Names and attributes are those of Documentation/ABI/testing/sysfs-bus-usb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from harness.guest.place import buses_of
from usbfuzz.case.model import Action
from usbfuzz.errors import GuestError
from usbfuzz.wire import Speed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.guest.agent_client import Agent
    from usbfuzz.case.model import Event
    from usbfuzz.device import Device

__all__ = ["Ways", "users_first"]

_DEVICES = "/sys/bus/usb/devices"
_RUN_S = 60.0  #: guest seconds for a module to be removed: its driver lets go of each device
_USERS = 3  #: column of /proc/modules that names the users of a module
#: The module of the driver of an interface, if it has any.
_MODULE_OF = 'm=$(readlink -f "/sys/bus/usb/devices/$0/driver/module") && echo "${m##*/}"'


@define
class Ways:
    """The ways of one guest. Each raises GuestError, with the guest's reason, when it cannot be gone."""

    agent: Agent
    unloaded: list[str] = field(factory=list)  #: modules that were removed, or are about to be
    dark: set[int] = field(factory=set)  #: ports without power

    async def go(self, event: Event, port: int, device: Device) -> None:
        """Do what ``event`` says to ``device`` in ``port``."""
        name = f"{_bus(port, device)}-1"
        match event.action:
            case Action.POWER_OFF | Action.POWER_ON:
                await self.power(port, _bus(port, device), on=event.action is Action.POWER_ON)
            case Action.UNBIND:
                await self._each(device, name, "driver/unbind")
            case Action.BIND:
                await self._each(device, name, "")
            case Action.UNLOAD:
                await self._unload(_interfaces(device, name))
            case Action.SUSPEND:
                await self._set(name, "power/autosuspend_delay_ms", "0")
                await self._set(name, "power/control", "auto")
            case Action.RESUME:
                status = await self._read(name, "power/runtime_status")
                await self._set(name, "power/control", "on")
                if status == "active":
                    raise GuestError("the device was not asleep")
            case Action.DEAUTHORIZE | Action.AUTHORIZE:
                await self._set(name, "authorized", "1" if event.action is Action.AUTHORIZE else "0")
            case Action.CONFIGURE:
                await self._set(name, "bConfigurationValue", str(event.configuration))

    async def power(self, port: int, bus: int, *, on: bool) -> None:
        """Give the port power, or take it away; kernels before 6.0 have no such attribute.

        The root hub stays awake meanwhile. To QEMU's xHCI a device without power is still connected, so that a hub that
        wakes up resumes its port, and newer kernels disable interrupts for that (IMAN.IE; ``xhci_bus_resume``). QEMU
        raises none for what happened until IE is set again, nor any later one, and every command would time out.
        """
        hub = f"{_DEVICES}/usb{bus}"
        await self._write(f"{hub}/power/control", "on")
        try:
            await self._write(f"{hub}/{bus}-0:1.0/usb{bus}-port1/disable", "0" if on else "1")
        except GuestError:
            await self._write(f"{hub}/power/control", "auto")
            raise
        if on:
            await self._write(f"{hub}/power/control", "auto")
        (self.dark.discard if on else self.dark.add)(port)

    async def restore(self, port: int) -> None:
        """Give a port its power back, for the next device."""
        for bus in buses_of(port) if port in self.dark else ():
            await self.power(port, bus, on=True)

    async def _set(self, name: str, attribute: str, text: str) -> None:
        await self._write(f"{_DEVICES}/{name}/{attribute}", text)

    async def _read(self, name: str, attribute: str) -> str:
        try:
            return (await self.agent.read(f"{_DEVICES}/{name}/{attribute}")).decode("ascii", "replace").strip()
        except GuestError as error:
            raise GuestError(f"{attribute}: {_reason(error)}") from error

    async def _write(self, path: str, text: str) -> None:
        try:
            await self.agent.write(path, text)
        except GuestError as error:
            raise GuestError(f"{path.rpartition('/')[2]}: {_reason(error)}") from error

    async def _each(self, device: Device, name: str, attribute: str) -> None:
        """Write the name of each interface to its attribute, or to ``drivers_probe``; one success is enough."""
        interfaces, failures = _interfaces(device, name), []
        for interface in interfaces:
            path = f"{_DEVICES}/{interface}/{attribute}" if attribute else "/sys/bus/usb/drivers_probe"
            try:
                await self._write(path, interface)
            except GuestError as error:
                failures.append(error)
        if len(failures) == len(interfaces):
            raise failures[-1] if failures else GuestError("the device has no interfaces yet")

    async def _unload(self, interfaces: list[str]) -> None:
        """Remove the modules of the drivers, those that need them first."""
        modules: dict[str, None] = {}
        for interface in interfaces:
            found = await self.agent.run(("sh", "-c", _MODULE_OF, interface), _RUN_S)
            modules |= dict.fromkeys(found.output.decode("ascii", "replace").split() if not found.status else ())
        if not modules:
            raise GuestError("no module's driver is bound")
        for module in users_first(modules, (await self.agent.read("/proc/modules")).decode("ascii", "replace")):
            self.unloaded.append(module)  # also if nobody waits for the end of it: it goes on in the guest
            try:
                await self.agent.unload(module)
            except GuestError as error:
                self.unloaded.remove(module)
                raise GuestError(f"{module} cannot be removed ({_reason(error)})") from error


def users_first(modules: Iterable[str], listing: str) -> list[str]:
    """``modules`` and those that use them, by ``listing``, a ``/proc/modules``; each behind all that use it."""
    rows = (line.split() for line in listing.splitlines())
    users = {row[0]: [user for user in row[3].split(",") if user not in {"", "-"}] for row in rows if len(row) > _USERS}
    order: dict[str, None] = {}
    path: set[str] = set()

    def visit(module: str) -> None:
        if module in path or module in order:
            return
        path.add(module)
        for user in users.get(module, ()):
            visit(user)
        order[module] = None

    for module in modules:
        visit(module)
    return list(order)


def _reason(error: Exception) -> str:
    """Why something could not be done, without the words it was asked for with."""
    return str(error).rpartition(": ")[2]


def _bus(port: int, device: Device) -> int:
    return buses_of(port)[device.speed is Speed.SUPER]


def _interfaces(device: Device, name: str) -> list[str]:
    """Sysfs names of the interfaces of the configuration that is set."""
    numbers = {interface.bInterfaceNumber for interface in device.layout().interfaces}
    return [f"{name}:{device.configuration}.{number}" for number in sorted(numbers)] if device.configuration else []
