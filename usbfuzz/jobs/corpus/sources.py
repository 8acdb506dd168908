"""From what a user names to cases: case files and directories of them, models, own classes, dumps and captures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from usbfuzz.case import spec_of
from usbfuzz.case.files import CASE_FILE
from usbfuzz.case.model import Action, Case, Event, Provenance
from usbfuzz.errors import InputError
from usbfuzz.importers.cases import as_case
from usbfuzz.importers.facedancer.script import looks_facedancer
from usbfuzz.importers.several import import_several
from usbfuzz.jobs.regress.collect import collect
from usbfuzz.load import case_of, load_device
from usbfuzz.models import MODELS

__all__ = ["cases_of"]

_LOOK = 256 << 10  #: bytes of a script that are looked at

Found = tuple[str, Case]  #: what the user gave, and a case from it


def cases_of(given: Sequence[str], errors: list[InputError], say: Callable[[str], None]) -> list[Found]:
    """The cases of everything that can be read, each with what it is from.

    ``say`` is told what a case does not hold of its source; what is wrong with the others is put into ``errors``.
    """
    found: list[Found] = []
    dumps: list[str] = []
    for spec in given:
        try:
            some = _own(spec, errors, say)
        except InputError as error:
            errors.append(error)
        else:
            dumps += [spec] if some is None else []
            found += some or ()
    if dumps:
        found += _imported(dumps, errors, say)
    return found


def _own(spec: str, errors: list[InputError], say: Callable[[str], None]) -> list[Found] | None:
    """What is a case, a directory of them, a model or a class; None for what has to be imported. Raises InputError."""
    path = Path(spec)
    if spec in MODELS or ".py:" in spec or (path.suffix == ".py" and not _is_facedancer(path)):
        return [(spec, _of_device(spec, say))]
    if spec == "-" or (path.exists() and path.suffix != ".toml" and not path.is_dir()):
        return None
    if not path.exists():
        if path.name == spec:
            load_device(spec)  # which says what there is
        raise InputError(f"{spec}: there is no such file or directory")
    if path.is_dir() and not (path / CASE_FILE).exists() and not any(path.rglob("*.toml")):
        return None
    return list(_kept(path, errors))


def _kept(path: Path, errors: list[InputError]) -> Iterator[Found]:
    for entry in collect((path,)):
        if entry.case is None:
            errors.append(InputError(str(entry.error)))
        else:
            yield str(entry.path), entry.case


def _of_device(spec: str, say: Callable[[str], None]) -> Case:
    """A model by its name; a class as what it says of itself."""
    loaded = load_device(spec)
    if spec in MODELS:
        return case_of(loaded)
    say(f"{spec}: kept are the descriptors and scripts of {loaded.name}; what its methods answer is code, and is not")
    device = spec_of(loaded.make(), loaded.name)
    source = f"descriptors of the class {loaded.name} in {Path(spec.partition('.py:')[0]).name}"
    return Case((device,), (Event(Action.PLUG, device=0),), title=loaded.name, provenance=Provenance(source=source))


def _is_facedancer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return looks_facedancer(file.read(_LOOK))
    except OSError:
        return False  # who loads it says what is wrong


def _imported(names: Sequence[str], errors: list[InputError], say: Callable[[str], None]) -> Iterator[Found]:
    try:
        devices = import_several(names, errors)
    except InputError as error:
        errors.append(error)
        return
    for source, imported in devices:
        if imported.synthesised or imported.problems:
            lacks = [f"{len(imported.synthesised)} made up", f"{len(imported.problems)} unreadable"]
            say(f"{source}: {imported.device.name}: {', '.join(lacks)}; the case's provenance lists them")
        yield source, as_case(imported, Path(source).name)
