"""What devices leave behind in a kernel: counts after each of some plug cycles, judged, and told as a report."""

from .census import Census, Counted, Sort
from .growth import CYCLES, Grown, grown
from .text import is_leak, leak_reports

__all__ = ["CYCLES", "Census", "Counted", "Grown", "Sort", "grown", "is_leak", "leak_reports"]
