"""/proc/net/fib_triestat: how large and how deep the tables of IPv4 routes are.

    Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.
    Main:
            Aver depth:     2.42
            Max depth:      3
            Leaves:         7
            Prefixes:       7
            Internal nodes: 5
              1: 1  2: 3  3: 1
            Pointers: 22
    Null ptrs: 11
    Total size: 2  kB

https://docs.kernel.org/networking/fib_trie.html
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, group, label
from procpulse.source import File, Source
from procpulse.text import decimal, inert, kib, lines, number, shorten


class FibTable(msgspec.Struct, frozen=True, gc=False):
    """One table of routes."""

    table: Annotated[str, label("Main, Local, or Id and the number of the table; the two may share one trie.")]
    average_depth: Annotated[float | None, gauge("Nodes above a leaf, on average.")]
    max_depth: Annotated[int | None, gauge("Nodes above the deepest leaf.")]
    leaves: Annotated[int | None, gauge("Leaves: addresses of networks.")]
    prefixes: Annotated[int | None, gauge("Routes; several may have the same address of a network.")]
    internal_nodes: Annotated[int | None, gauge("Nodes that lead to others.")]
    nodes_by_bits: Annotated[dict[int, int], gauge("Nodes that lead to others, by the bits of the address they tell.")]
    pointers: Annotated[int | None, gauge("Places in nodes for others below.")]
    null_pointers: Annotated[int | None, gauge("Places in nodes with nothing below.")]
    size_bytes: Annotated[int | None, gauge("Memory of the table.")]
    counters: Annotated[
        dict[str, int],
        counter("Lookups, such as gets and backtracks; empty where the kernel does not count them.", bits=32),
    ]


class NetFibTriestat(msgspec.Struct, frozen=True, gc=False):
    """The tables of IPv4 routes."""

    leaf_bytes: Annotated[int | None, gauge("Memory of a leaf.")]
    node_bytes: Annotated[int | None, gauge("Memory of a node without its places.")]
    tables: Annotated[list[FibTable], group("By table.")]


_SIZES = re.compile(rb"Basic info: size of leaf: ([0-9]+) bytes, size of tnode: ([0-9]+) bytes")
_FACTS: dict[bytes, tuple[str, Callable[[bytes], float]]] = {
    b"Aver depth": ("average_depth", decimal), b"Max depth": ("max_depth", number), b"Leaves": ("leaves", number),
    b"Prefixes": ("prefixes", number), b"Internal nodes": ("internal_nodes", number),
    b"Pointers": ("pointers", number), b"Null ptrs": ("null_pointers", number), b"Total size": ("size_bytes", kib),
}  # fmt: skip


def parse(file: File) -> NetFibTriestat:
    leaf = node = None
    tables: list[dict[str, Any]] = []
    for row in lines(file.data):
        sizes = _SIZES.match(row)
        key, colon, rest = (part.strip() for part in row.partition(b":"))
        table = tables[-1] if tables else None
        if sizes:
            leaf, node = (file.parsed("sizes", number, size) for size in sizes.groups())
        elif colon and not rest and key != b"Counters" and not row[:1].isspace():
            tables.append({"table": inert(key), "nodes_by_bits": {}, "counters": {}})
        elif table is None:
            file.lose("rows", ValueError(f"a row of no table: {shorten(row)}"))
        elif b"=" in row:
            name, _, count = row.partition(b"=")
            value = file.parsed("counters", number, count.strip())
            if value is not None:
                table["counters"][inert(name.strip())] = value
        elif key.isdigit():
            table["nodes_by_bits"].update(file.parsed("nodes_by_bits", _bits, row) or {})
        elif key in _FACTS:
            field, parse = _FACTS[key]
            if field in table:  # the name of the next table is missing
                file.lose("rows", ValueError("a table without a name"))
                tables.append({"table": "", "nodes_by_bits": {}, "counters": {}})
            tables[-1][field] = file.parsed(field, parse, rest)
    if leaf is None and not tables:
        raise ValueError(f"no tables: {shorten(file.data)}")
    facts: dict[str, Any] = dict.fromkeys(field for field, _ in _FACTS.values())
    return NetFibTriestat(leaf, node, [FibTable(**facts | table) for table in tables if table["table"]])


def _bits(row: bytes) -> dict[int, int]:
    pairs = row.split()
    return {number(k.removesuffix(b":")): number(v) for k, v in zip(pairs[::2], pairs[1::2], strict=True)}


# The kernel walks all routes to count them, which may be a million.
NET_FIB_TRIESTAT = Source(
    "net_fib_triestat", "/proc/net/fib_triestat", NetFibTriestat, parse, slow=True, cadence=10, whole=True
)
