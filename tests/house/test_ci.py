"""What other projects copy for their CI: the action, the recipes, and that all of it names what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT

from .commands import in_recipe, on_page, unknown_in
from .pages import PAGES

ACTION = ROOT / "action.yml"
EXAMPLES = sorted((ROOT / "examples" / "ci").glob("*.yml"))
RECIPES = [
    ACTION,
    *EXAMPLES,
    ROOT / "Containerfile",
    ROOT / "tests/house/from_cold",
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
]
#: How a workflow calls our action: from elsewhere, or from its own checkout.
_OURS = re.compile(r"OWNER/usbfuzz@REF|\./")


def _loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def _steps(workflow: Any) -> list[Any]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_every_input_of_the_action_is_used_and_every_one_used_is_declared() -> None:
    used = set(re.findall(r"\binputs\.([\w-]+)", ACTION.read_text()))
    assert used == set(_loaded(ACTION)["inputs"])


def test_every_input_of_the_action_says_what_it_is_and_is_required_or_has_a_default() -> None:
    for name, declared in _loaded(ACTION)["inputs"].items():
        assert declared["description"], name
        assert declared.get("required") or "default" in declared, name


def test_a_step_of_the_action_asks_only_steps_before_it() -> None:
    done: set[str] = set()
    for step in _loaded(ACTION)["runs"]["steps"]:
        asked = set(re.findall(r"\bsteps\.([\w-]+)\.outputs", yaml.safe_dump(step)))
        assert asked <= done, step["name"]
        done |= {step["id"]} if "id" in step else set()


def test_what_a_user_gives_reaches_the_actions_shell_by_its_environment_alone() -> None:
    for step in _loaded(ACTION)["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), step["name"]


@pytest.mark.parametrize("path", [path for path in RECIPES if ".github" in path.parts or "github" in path.stem])
def test_a_workflow_gives_the_action_what_it_takes(path: Path) -> None:
    declared = _loaded(ACTION)["inputs"]
    required = {name for name, each in declared.items() if each.get("required")}
    calls = [step for step in _steps(_loaded(path)) if _OURS.fullmatch(step.get("uses", ""))]
    assert calls
    for step in calls:
        assert required <= set(step["with"]) <= set(declared)


def test_what_gitlab_collects_is_what_the_job_writes() -> None:
    (job,) = _loaded(ROOT / "examples" / "ci" / "gitlab-ci.yml").values()
    junit = job["artifacts"]["reports"]["junit"]
    assert f"--junit {junit}" in " ".join(job["script"])
    assert job["artifacts"]["paths"] == [junit]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_command_of_a_recipe_exists_with_its_options(path: Path) -> None:
    assert [unknown for command in in_recipe(path.read_text()) for unknown in unknown_in(command)] == []


def test_the_recipes_run_commands_that_this_test_sees() -> None:
    commands = [command.split()[0] for command in in_recipe(ACTION.read_text())]
    assert commands == ["kernel", "emulator", "regress", "regress"]
    assert unknown_in("regress --junk usb.xml") == ["--junk"]
    assert unknown_in("kernel kay debian:6.1") == ["kay"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    assert {command: bad for command in on_page(page.read_text()) if (bad := unknown_in(command))} == {}


def test_the_container_copies_all_that_the_package_is_made_of() -> None:
    copied = set(re.findall(r"^COPY (.+) \S+$", (ROOT / "Containerfile").read_text(), re.MULTILINE))
    words = {word for line in copied for word in line.split()}
    assert {"pyproject.toml", "README.md", "usbfuzz", "strategies", "harness", "scripts"} <= words
    assert all((ROOT / word).exists() for word in words)
