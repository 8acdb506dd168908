"""Devices to plug in: what a case holds, and what a user names: a file, a class of the user's own, a model.

A name that is a model's means the model; ``./NAME`` is always a path.
"""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from usbfuzz.case import ScriptedDevice, load, spec_of
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.device import Device
from usbfuzz.models import MODELS, find_model

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import ModuleType


__all__ = ["Loaded", "case_of", "in_bytes", "load_device", "player"]


@frozen
class Loaded:
    """The device a user named.

    ``make`` gives a new device each time; it raises InputError when the user's own class fails. For a case it is the
    device the schedule plugs first.
    """

    name: str  #: short, for messages
    source: str  #: what the user gave
    make: Callable[[], Device]
    case: Case | None = None  #: with the schedule and what the guest needs, when the device came from one


def player(spec: DeviceSpec) -> Device:
    """A new device that plays ``spec``: the model it names, else its bytes and scripts."""
    return find_model(spec.model)() if spec.model else ScriptedDevice(spec)


def in_bytes(case: Case) -> Case:
    """The case with the descriptors of each model it names in the model's place; what the model does is lost."""
    devices = (spec_of(player(spec), spec.name) if spec.model else spec for spec in case.devices)
    return evolve(case, devices=tuple(devices))


def load_device(spec: str) -> Loaded:
    """The device a user means by ``spec``; raises InputError (for a case file CaseError) that says what exists.

    ``headset.toml``, ``DIR``: a case or device file, a directory that holds ``case.toml``. ``mine.py``: the one public
    :class:`Device` class this file of the user's defines; ``mine.py:Headset``: the one of that name; the file is
    imported, and so runs. ``mouse``: a model that usbfuzz brings along.
    """
    if spec in MODELS:
        return Loaded(spec, spec, find_model(spec))
    path, _, name = spec.rpartition(":") if ".py:" in spec else (spec, "", "")
    if path.endswith(".py"):
        return _python(spec, Path(path), name)
    if "/" in spec or spec.endswith(".toml") or Path(spec).exists():
        return _case(spec)
    raise InputError(f"{spec}: is neither a file nor a device usbfuzz knows; {_meant(spec, MODELS)}")


def _case(spec: str) -> Loaded:
    case = load(spec)
    plugged = next((event.device for event in case.events if event.action is Action.PLUG), None)
    device: DeviceSpec = case.devices[plugged or 0]
    return Loaded(device.name, spec, partial(player, device), case)


def _python(spec: str, path: Path, name: str) -> Loaded:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    module = _imported(path)
    classes = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, Device) and value.__module__ == module.__name__
    }
    cls = _chosen(path, name, classes)
    try:
        inspect.signature(cls).bind()
    except TypeError as error:
        raise InputError(f"{path}: {cls.__name__}() cannot be made without arguments: {error}") from error
    return Loaded(cls.__name__, spec, partial(_made, path, cls))


def _chosen(path: Path, name: str, classes: Mapping[str, type[Device]]) -> type[Device]:
    """The class with this name, or the only public one."""
    public = {key: cls for key, cls in classes.items() if not key.startswith("_")}
    if name and name not in classes:
        raise InputError(f"{path}: defines no Device class {name!r}; {_meant(name, public)}")
    if name:
        return classes[name]
    if not public:
        raise InputError(f"{path}: defines no class derived from usbfuzz.device.Device")
    if len(public) > 1:
        choices = " or ".join(f"{path}:{key}" for key in public)
        raise InputError(f"{path}: defines {len(public)} devices; name one: {choices}")
    return next(iter(public.values()))


def _imported(path: Path) -> ModuleType:
    """The user's module, with its own directory searched first, as when Python runs it."""
    name = f"usbfuzz_user_{path.stem}"
    location = importlib.util.spec_from_file_location(name, path)
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    sys.modules[name] = module
    if (directory := str(path.parent.resolve())) not in sys.path:
        sys.path.insert(0, directory)
    try:
        location.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _blamed(path, error) from error
    return module


def _made(path: Path, cls: type[Device]) -> Device:
    try:
        return cls()
    except Exception as error:
        raise _blamed(path, error) from error


def _blamed(path: Path, error: Exception) -> InputError:
    """An exception of the user's code, at the innermost line of the user's file it went through."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        where, what = f"{error.filename}:{error.lineno}", error.msg
    else:
        ours = {str(path), str(path.resolve())}
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename in ours]
        where, what = f"{path}:{lines[-1]}" if lines else str(path), str(error)
    return InputError(f"{where}: {type(error).__name__}: {what}")


def _meant(name: str, known: Collection[str]) -> str:
    """The existing names for an error message: a similar one if there is any, else all."""
    close = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"there is {', '.join(sorted(known)) or 'none'}"


def case_of(loaded: Loaded) -> Case:
    """The case a user means; of a model, one that plugs it in. Raises InputError for a class of the user's own."""
    if loaded.case is not None:
        return loaded.case
    if ".py" in loaded.source:
        raise InputError(f"{loaded.source}: is a class, and only cases and models are run here; give one of these")
    return Case((DeviceSpec(loaded.name, b"", model=loaded.name),), (Event(Action.PLUG, device=0),))
