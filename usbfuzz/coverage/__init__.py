"""Coverage as data: which blocks of a kernel's code were executed, how often, and by which case first.

A block is a run of instructions that QEMU translates as one. Its identity does not depend on where the guest loaded its
module: module, section, offset in the section, size. A campaign keeps its blocks in ``OUT/coverage/blocks.tsv``
(:func:`read_blocks`, :func:`write_blocks`), and the cases that they name in ``OUT/coverage/cases/NAME.toml``.
"""

from .blocks import Block, Blocks, merge
from .drivers import module_of
from .file import (
    BLOCKS_FILE,
    CASES,
    COVERAGE,
    append_blocks,
    blocks_file,
    blocks_in,
    case_path,
    distinct_in,
    lines_of,
    read_blocks,
    text_of,
    write_blocks,
)
from .reached import Reached, parse_reached, reached_text

__all__ = [
    "BLOCKS_FILE",
    "CASES",
    "COVERAGE",
    "Block",
    "Blocks",
    "Reached",
    "append_blocks",
    "blocks_file",
    "blocks_in",
    "case_path",
    "distinct_in",
    "lines_of",
    "merge",
    "module_of",
    "parse_reached",
    "reached_text",
    "read_blocks",
    "text_of",
    "write_blocks",
]
