"""What objdump says of instructions (AT&T syntax), in the words of insn_driver.c."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from attrs import frozen

__all__ = ["Line", "disassemble", "expectation"]

_LINE = re.compile(r" *([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\t(.+)")
#: Lines of data between code that are no instructions, whatever objdump makes of them, and what QEMU has not either.
_NO_INSTRUCTION = (
    r"\(bad\)|\((?:8087|287) only\)|\.byte",
    r"\t[^,]*\brex[.WRXB]* *$",  # a prefix alone
    r"\t(?:\w\w )*9b \w\w [^\t]*\t",  # fwait, taken as part of the next
    r"\t(?:\w\w )*4\w (?:c[45]|62) [^\t]*\t(?:rex.*|.* rex\S*) v",  # REX before VEX
    r"\t(?:\w\w )*6[45] (?:[23]6|[23]e) ",  # a segment after fs or gs: of no effect, but QEMU takes it
    r"\t66 e[89] [^\t]*\t(?:jmp|call)w",  # AMD's 16-bit branches
    r"\t8f .[89a-f] .*%[xy]mm",  # AMD's XOP
)
_SKIPPED = re.compile("|".join(_NO_INSTRUCTION))
_PREFIX = re.compile(
    r"(?:lock|repn?z?|bnd|notrack|data16|addr32|[c-gs]s|rex(?:\.[WRXB]+)?|xacquire|xrelease|\{\w+\}) +(?=\S)"
)
_MEMORY = re.compile(r"(?:%([c-gs]s):)?(-?0x[0-9a-f]+)?(?:\((%\w+)?(?:,(%\w+)?(?:,([1248]))?)?\))?$")

_LETTERS = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
#: Name → ("rax", width in bytes, whether it is the high byte).
REGISTERS: dict[str, tuple[str, int, bool]] = {
    **{
        prefix + name: ("r" + name, width, False)
        for name in _LETTERS
        for prefix, width in (("r", 8), ("e", 4), ("", 2))
    },
    **{name + "l": ("r" + name, 1, False) for name in _LETTERS[4:]},
    **{name[0] + "l": ("r" + name, 1, False) for name in _LETTERS[:4]},
    **{name[0] + "h": ("r" + name, 1, True) for name in _LETTERS[:4]},
    **{
        f"r{number}{suffix}": (f"r{number}", width, False)
        for number in range(8, 16)
        for suffix, width in (("", 8), ("d", 4), ("w", 2), ("b", 1))
    },
}
_WIDTHS = {"b": 1, "w": 2, "l": 4, "q": 8}

_OTHER = re.compile(
    r"(?:int[13]?|int3|hlt|ud[012].*|syscall|sysret.*|sysenter|sysexit.*|iret.*|uiret|lret.*|ljmp.*|lcall.*|xabort|icebp"
    r"|vmcall|vmgexit|vmlaunch|vmresume|vmxoff|vmmcall|vmrun|vmfunc|rsm|getsec|eret[su]|encl[vu])$"
)
_STACK = re.compile(r"(?:push.*|pop(?!cnt).*|l?call.*|l?ret.*|iret.*|enter.*|leave.*)$")
_STRING = re.compile(r"(?:movs[bwlq]|(?:cmps|scas|lods|stos|ins|outs)[bwlq]?)$")
_NOTHING = re.compile(r"(?:lea[wlq]?|nop[wlq]?|prefetch.*|cldemote|invlpg|ud[01].*)$")
_OTHER_ACCESS = re.compile(
    r"(?:xlat.*|v?maskmov(?:q|dqu)|clzero|vmload|vmsave|vmrun|movdir64b|enqcmds?|xstore-rng|xcrypt-.*|xsha.*|montmul)$"
)


@frozen
class Line:
    """One line of objdump."""

    address: int
    raw: str  #: bytes in hex
    text: str  #: prefixes, mnemonic and operands, without the comment
    comment: str  #: behind "#"

    @property
    def length(self) -> int:
        return len(self.raw) // 2


@frozen
class _Text:
    """The text of an instruction, split."""

    prefixes: tuple[str, ...]
    mnemonic: str
    operands: tuple[str, ...]

    def memory(self) -> str | None:
        """The operand in memory, if there is one; (%dx) is a port."""
        if self.mnemonic in ("in", "out"):
            return None
        for operand in self.operands:
            if not re.match(r"[$*]?%(?![c-gs]s:)|\$|\{", operand) and (found := operand.lstrip("*")):
                return found
        return None


def disassemble(path: Path, step: int = 1) -> Iterator[Line]:
    """Every ``step``-th instruction of the file's code, without those that are none: _NO_INSTRUCTION."""
    with subprocess.Popen(["objdump", "-d", "-w", str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in islice(process.stdout, 0, None, step):
            if (match := _LINE.match(line)) and not _SKIPPED.search(line):
                text, _, comment = match[3].partition(" # ")
                yield Line(
                    int(match[1], 16), match[2].replace(" ", ""), text.partition(" <")[0].strip(), comment.strip()
                )


def expectation(line: Line) -> str:
    """What insn_driver.c should print for it."""
    text = _split(line.text)
    flow, target = _flow(text)
    access = _access(text)
    memory = _memory(text, line) if "operand" in access else "-"
    return f"{line.length} {flow} {target:x} {'+'.join(access) or '-'} {memory} {_compare(text)}"


def _split(text: str) -> _Text:
    prefixes = []
    while match := _PREFIX.match(text):
        prefixes.append(match[0].strip())
        text = text[match.end() :]
    mnemonic, _, rest = re.sub(r",p[nt]\b", "", text, count=1).partition(" ")
    operands = tuple(re.split(r",(?![^(]*\))", rest.strip())) if rest.strip() else ()
    return _Text(tuple(prefixes), mnemonic, operands)


def _flow(text: _Text) -> tuple[str, int]:
    name = text.mnemonic
    if _OTHER.match(name):
        return "other", 0
    if re.match(r"retq?$|retw$", name):
        return "ret", 0
    if re.match(r"(?:j\w+|call[qw]?|loop\w*|xbegin)$", name):
        kind = "jmp" if name.startswith("jmp") else "call" if name.startswith("call") else "jcc"
        if text.operands[0].startswith("*"):
            return f"indirect-{kind}", 0
        return kind, int(text.operands[0], 16)
    return "none", 0


def _access(text: _Text) -> list[str]:
    name, found = text.mnemonic, []
    string = bool(_STRING.match(name)) and not any("mm" in operand for operand in text.operands)
    direct = _flow(text)[0] in ("jcc", "jmp", "call")
    memory = text.memory()
    gather = "mm" in (memory or "")
    implicit = bool(_OTHER_ACCESS.match(name))
    if memory and not (string or direct or _NOTHING.match(name) or (implicit and not re.match("movdir|enqcmd", name))):
        found.append("operand")
    if _STACK.match(name):
        found.append("stack")
    if string:
        found.append("string")
    if implicit or gather:
        found.append("other")
    return found


def _memory(text: _Text, line: Line) -> str:
    operand = text.memory()
    assert operand is not None
    match = _MEMORY.match(re.sub(r"\{.*", "", operand))
    assert match, line
    segment, displacement, base, index, scale = match.groups()
    value = int(displacement or "0", 16)
    width = 8
    if base == "%rip" or base == "%eip":
        value, base_name = int(line.comment.split()[0], 16), "rip"
        width = 8 if base == "%rip" else 4
    else:
        base_name = "-"
        if base:
            base_name, width, _ = REGISTERS[base[1:]]
    index_name = "-"
    if index and "mm" not in index and not re.match(r"%[re]iz", index):
        index_name, width, _ = REGISTERS[index[1:]]
    if "addr32" in text.prefixes:
        width = 4
    scale = scale if index_name != "-" else "1"
    segment = segment if segment in ("fs", "gs") else "-"
    return f"{segment}:{base_name},{index_name},{scale or 1},{value & (1 << 64) - 1:x},{width}"


def _compare(text: _Text) -> str:
    none = "none 0 - -"
    match = re.match(r"(cmp|test|sub|bt|cmps|scas)([bwlq]?)$", text.mnemonic)
    if not match or any("mm" in operand for operand in text.operands):
        return none
    kind, right, left = match[1], *text.operands
    if kind == "sub" and (right[0] != "$" or left in ("%rsp", "%esp", "%sp")):
        return none
    if kind in ("cmps", "scas") and re.search(r"%[fg]s:|\(%e", "".join(text.operands)):
        return none
    width = _WIDTHS[match[2]] if match[2] else next(REGISTERS[o[1:]][1] for o in (left, right) if o[1:] in REGISTERS)
    words = [_operand(operand, width, string=kind in ("cmps", "scas")) for operand in (left, right)]
    if kind == "cmps":
        words.sort(reverse=True)
    if kind == "test" and words[0] == words[1] != "memory":
        return f"zero {width} {words[0]} 0"
    if kind == "bt" and right[0] == "$":
        words[1] = f"{int(right[1:], 16) & (8 * width - 1):x}"
    return f"{'cmp' if kind in ('cmps', 'scas') else kind} {width} {words[0]} {words[1]}"


def _operand(text: str, width: int, *, string: bool) -> str:
    if text[0] == "$":
        return f"{int(text[1:], 16) & (1 << 8 * width) - 1:x}"
    if text[1:] in REGISTERS:
        name, _, high = REGISTERS[text[1:]]
        return f"high-{name}" if high else name
    return f"[{REGISTERS[text.partition('(%')[2][:-1]][0]}]" if string else "memory"
