"""Symbols of Rust code: the path of a mangled name, as a developer writes it.

Source: the Rust "v0" symbol mangling (RFC 2603). Generic arguments and types are left out of titles, so only
paths are decoded; a symbol that needs more than this keeps its mangled name.
"""

from __future__ import annotations

from functools import lru_cache

from attrs import define

__all__ = ["demangle"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_DEPTH = 32


@lru_cache(maxsize=1024)
def demangle(symbol: str) -> str:
    """``_RNvMs_NtCs1_4core3fooNtB4_3Bar3baz`` as ``<core::foo::Bar>::baz``; any other name as it is."""
    if not symbol.startswith("_R") or len(symbol) < 4:
        return symbol
    try:
        return _Demangler(symbol, 2).path(0) or symbol  # a crate may be said to have a name of 0 characters
    except (IndexError, ValueError, RecursionError):
        return symbol


@define
class _Demangler:
    """Recursive descent over a mangled name; ValueError or IndexError when it is not one we decode."""

    symbol: str
    at: int

    def path(self, depth: int) -> str:
        """<path>: crate root, nested name, inherent or trait impl, back reference."""
        if depth > _MAX_DEPTH:
            raise ValueError(self.symbol)
        tag = self._take()
        if tag == "C":
            self._disambiguator()
            return self._identifier()
        if tag == "N":
            return self._nested(depth)
        if tag == "M":
            self._disambiguator()
            self.path(depth + 1)
            return f"<{self.type_path(depth + 1)}>"
        if tag in "XY":
            if tag == "X":
                self._disambiguator()
                self.path(depth + 1)
            return f"<{self.type_path(depth + 1)} as {self.path(depth + 1)}>"
        if tag == "I":
            inner = self.path(depth + 1)
            while self.symbol[self.at] != "E":
                self.type_path(depth + 1)
            self.at += 1
            return inner
        if tag == "B":
            return _Demangler(self.symbol, 2 + self._base62()).path(depth + 1)
        raise ValueError(self.symbol)

    def type_path(self, depth: int) -> str:
        """<type>, as far as it is a named one."""
        if self.symbol[self.at] in "CNMXYI":
            return self.path(depth)
        if self.symbol[self.at] == "B":
            self.at += 1
            return _Demangler(self.symbol, 2 + self._base62()).type_path(depth + 1)
        raise ValueError(self.symbol)

    def _nested(self, depth: int) -> str:
        namespace = self._take()
        parent = self.path(depth + 1)
        number = self._disambiguator()
        name = self._identifier()
        if namespace.isupper():
            kind = {"C": "closure", "S": "shim"}.get(namespace, namespace)
            return f"{parent}::{{{kind}{':' + name if name else ''}#{number}}}"
        return f"{parent}::{name}" if name else parent

    def _identifier(self) -> str:
        if self.symbol[self.at] == "u":
            raise ValueError(self.symbol)  # punycode: no kernel code has such names
        length = 0
        digits = 0
        while self.at < len(self.symbol) and self.symbol[self.at].isdigit() and not (digits == 1 and length == 0):
            length = length * 10 + int(self._take())
            digits += 1
        if not digits:
            raise ValueError(self.symbol)
        if length and self.symbol[self.at] == "_":
            self.at += 1
        name = self.symbol[self.at : self.at + length]
        if len(name) < length:
            raise ValueError(self.symbol)
        self.at += length
        return name

    def _disambiguator(self) -> int:
        if self.at < len(self.symbol) and self.symbol[self.at] == "s":
            self.at += 1
            return self._base62() + 1
        return 0

    def _base62(self) -> int:
        """<base-62-number>: "_" is 0, "0_" is 1, and so on."""
        value = 0
        if self.symbol[self.at] == "_":
            self.at += 1
            return 0
        while (digit := self._take()) != "_":
            value = value * 62 + _DIGITS.index(digit)
        return value + 1

    def _take(self) -> str:
        character = self.symbol[self.at]
        self.at += 1
        return character
