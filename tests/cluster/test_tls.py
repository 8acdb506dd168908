"""A lab in which only who has a certificate of its authority may do anything, as docs/cluster.md sets it up."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import dask
import pytest
import yaml

from tests import ROOT
from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.supervisor import Campaign

from .lab import Lab

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

_PAGE = ROOT / "docs" / "cluster.md"
_TLS = "distributed.comm.tls"
_ROLES = ("scheduler", "worker", "client")


def _make_certificates(directory: Path) -> None:
    """By the commands of the page."""
    commands = re.findall(r"^    (openssl .*)$", _PAGE.read_text(), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        given = b""
        for part in command.split(" | "):
            given = subprocess.run(
                shlex.split(part), cwd=directory, input=given, capture_output=True, check=True
            ).stdout


def _settings(directory: Path) -> dict[str, object]:
    """Dask's configuration on a machine of the lab, by its keys."""
    host = {"cert": str(directory / "host.pem"), "key": str(directory / "host.key")}
    roles = {f"{_TLS}.{role}.{what}": path for role in _ROLES for what, path in host.items()}
    return {"distributed.comm.require-encryption": True, f"{_TLS}.ca-file": str(directory / "ca.pem"), **roles}


def _written(settings: dict[str, object], path: Path) -> Path:
    """The same as a file, for other processes."""
    tree: dict[str, object] = {}
    for key, value in settings.items():
        dask.config.set({key: value}, config=tree)
    path.write_text(yaml.safe_dump(tree))
    return path


def test_a_campaign_runs_at_a_lab_with_tls_and_who_has_no_certificate_is_refused(
    lab: Lab, run: Callable[..., Campaign], write_script: Callable[..., str], tmp_path: Path
) -> None:
    write_script(seconds=0.01)
    _make_certificates(tmp_path)
    settings = _settings(tmp_path)
    lab.environment["DASK_CONFIG"] = str(_written(settings, tmp_path / "security.yaml"))
    lab.start(2, protocol="tls")
    assert lab.address.startswith("tls://")
    with pytest.raises(InputError, match=re.escape(lab.address)):
        run(cases=32)
    with dask.config.set(settings):
        assert run(cases=32).progress.session.cases == 32
        lab.address = lab.address.replace("tls://", "tcp://")
        with pytest.raises(InputError, match="encryption"):
            run(cases=64)
