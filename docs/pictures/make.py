"""Makes the pictures of README.md: a frame of a real campaign, and the report of a crash it found.

::

    .venv/bin/python docs/pictures/make.py --kernel debian:5.10.223 --minutes 3 --seed 2026 --report Right-Redzone

The campaign is an ordinary one in a directory of its own; ``--out DIR`` keeps it. The frame is the last one in which
a lane ran cases and none had stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from io import StringIO
from pathlib import Path

from attrs import define
from rich.console import Console, RenderableType
from rich.text import Text

from harness.guest.probe.probing import Probing
from harness.guest.qemu import Mode
from harness.lane.prepare import prepare
from strategies import Identities
from usbfuzz.jobs.campaign.messages import LaneState
from usbfuzz.jobs.campaign.options import HEAP, CampaignOptions, for_campaign
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.view import render

HERE = Path(__file__).parent
CAMPAIGN_COLUMNS, REPORT_COLUMNS = 100, 84
REPORT_LINES = 48  #: of report.txt; the picture's last line says how many follow

#: As rich's own, without the fonts that one loads from the network.
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
  <style>
    .{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
      font-size: {char_height}px; line-height: {line_height}px; }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
  </style>
  <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
    </clipPath>
    {lines}
  </defs>
  {chrome}
  <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
  </g>
</svg>
"""


@define
class Camera:
    """A campaign's view that keeps a frame."""

    frame: RenderableType = ""

    def update(self, progress: Progress) -> None:
        """Keep the frame when a lane runs cases and none has stopped."""
        states = {lane.state for lane in progress.lanes}
        if LaneState.RUNNING in states and LaneState.STOPPED not in states:
            self.frame = render(progress, time.monotonic())

    def say(self, text: str) -> None:
        """What a live view prints above itself."""
        print(text)

    def close(self) -> None:
        """Nothing is open."""


def picture(name: str, title: str, what: RenderableType, columns: int) -> None:
    """Write ``name``.svg beside this file."""
    console = Console(record=True, width=columns, file=StringIO(), force_terminal=True, highlight=False)
    console.print(what)
    console.save_svg(str(HERE / f"{name}.svg"), title=title, code_format=SVG, unique_id=f"usbfuzz-{name}")


def report_of(out: Path, part: str) -> tuple[str, Text]:
    """The first lines of the report of the first crash whose directory's name has ``part`` in it."""
    path = min(out.glob(f"*{part}*/report.txt"))
    lines = path.read_text().splitlines()
    shown = [line[: REPORT_COLUMNS - 1] + "…" if len(line) > REPORT_COLUMNS else line for line in lines[:REPORT_LINES]]
    return path.parent.name, Text("\n".join([*shown, f"… {len(lines) - REPORT_LINES} more lines"]))


async def campaign(kernel: str, options: CampaignOptions, camera: Camera) -> None:
    """Run it as ``usbfuzz fuzz`` does."""
    config = for_campaign(await prepare(kernel, mode=Mode.AUTO, probing=Probing(heap=HEAP), on_progress=print))
    modules = Identities.parse(config.image.aliases.read_text()).modules
    await run_campaign(options, config, modules, camera)


def main() -> None:
    """Run a campaign, then draw."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--kernel", default="debian:5.10.223")
    words.add_argument("--minutes", type=float, default=3.0)
    words.add_argument("--seed", type=int, default=2026)
    words.add_argument("--out", type=Path)
    words.add_argument("--report", default="", metavar="PART", help="Draw the report whose directory has this in it.")
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out: Path = given.out or Path(scratch) / "crashes"
        camera = Camera()
        options = CampaignOptions(out=out, seconds=60 * given.minutes, seed=given.seed)
        asyncio.run(campaign(given.kernel, options, camera))
        picture("campaign", f"usbfuzz fuzz --kernel {given.kernel}", camera.frame, CAMPAIGN_COLUMNS)
        slug, text = report_of(out, given.report)
        picture("report", f"{slug}/report.txt", text, REPORT_COLUMNS)


if __name__ == "__main__":
    main()
