"""The socket of ``serve``: only its owner can open it, and nothing of anybody's is ever replaced."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from usbfuzz.errors import InputError
from usbfuzz.jobs.serve.sockets import private_socket


def _abandoned(path: Path) -> None:
    """What a server that was killed leaves behind."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def test_the_socket_is_its_owners_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "s"
    mask = os.umask(0)
    try:
        with private_socket(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(mask)
    assert not path.exists()


def test_what_a_dead_server_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    _abandoned(path)
    with private_socket(path) as listening:
        listening.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_socket_put_in_its_place_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with private_socket(path):
        path.unlink()
        _abandoned(path)
    assert path.is_socket()


def test_a_socket_that_is_served_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with private_socket(path) as first:
        first.listen()
        with pytest.raises(InputError, match="somebody already serves there"), private_socket(path):
            pass
        assert path.is_socket()


@pytest.mark.parametrize("what", ["file", "link", "directory"])
def test_what_is_no_socket_is_refused_and_kept(what: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    match what:
        case "file":
            path.write_text("mine")
        case "link":
            _abandoned(tmp_path / "other")
            path.symlink_to(tmp_path / "other")
        case _:
            path.mkdir()
    with pytest.raises(InputError, match=f"{path}: exists and is not a socket"), private_socket(path):
        pass
    assert os.path.lexists(path)


def test_a_directory_others_can_write_to_is_refused_unless_it_is_sticky(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(InputError, match="others can write to"), private_socket(tmp_path / "s"):
        pass
    tmp_path.chmod(0o1777)
    with private_socket(tmp_path / "s"):
        pass


def test_a_path_that_does_not_fit_a_socket_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="longer than the 107 bytes"), private_socket(tmp_path / ("s" * 108)):
        pass


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing: No such file"), private_socket(tmp_path / "missing" / "s"):
        pass
