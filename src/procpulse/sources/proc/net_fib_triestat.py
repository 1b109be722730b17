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
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, label
from procpulse.source import File, Source
from procpulse.text import decimal, inert, kib, lines, number


class FibTable(msgspec.Struct, frozen=True, gc=False):
    """One table of routes."""

    table: Annotated[str, label("Main, Local, or Id and the number of the table; the two may share one trie.")]
    average_depth: Annotated[float, gauge("Nodes above a leaf, on average.")]
    max_depth: Annotated[int, gauge("Nodes above the deepest leaf.")]
    leaves: Annotated[int, gauge("Leaves: addresses of networks.")]
    prefixes: Annotated[int, gauge("Routes; several may have the same address of a network.")]
    internal_nodes: Annotated[int, gauge("Nodes that lead to others.")]
    nodes_by_bits: Annotated[dict[int, int], gauge("Nodes that lead to others, by the bits of the address they tell.")]
    pointers: Annotated[int, gauge("Places in nodes for others below.")]
    null_pointers: Annotated[int, gauge("Places in nodes with nothing below.")]
    size_bytes: Annotated[int, gauge("Memory of the table.")]
    counters: Annotated[
        dict[str, int],
        counter("Lookups, such as gets and backtracks; empty where the kernel does not count them.", bits=32),
    ]


class NetFibTriestat(msgspec.Struct, frozen=True, gc=False):
    """The tables of IPv4 routes."""

    leaf_bytes: Annotated[int, gauge("Memory of a leaf.")]
    node_bytes: Annotated[int, gauge("Memory of a node without its places.")]
    tables: Annotated[list[FibTable], group("By table.")]


def parse(file: File) -> NetFibTriestat:
    header, *rows = lines(file.data)
    leaf, node = re.findall(rb"(?<![0-9])([0-9]{1,20}) bytes", header)
    tables: list[FibTable] = []
    facts: dict[bytes, bytes] = {}
    bits: dict[int, int] = {}
    for row in rows:
        key, colon, rest = (part.strip() for part in row.partition(b":"))
        if b"=" in row:
            name, _, count = row.partition(b"=")
            tables[-1].counters[inert(name.strip())] = number(count.strip())
        elif colon and not rest and key != b"Counters":
            facts, bits = {b"table": key}, {}
        elif key.isdigit():
            pairs = row.split()
            bits = {number(k.removesuffix(b":")): number(v) for k, v in zip(pairs[::2], pairs[1::2], strict=True)}
        elif colon:
            facts[key] = rest
        if key == b"Total size":
            tables.append(_table(facts, bits))
    return NetFibTriestat(number(leaf), number(node), tables)


def _table(facts: dict[bytes, bytes], bits: dict[int, int]) -> FibTable:
    return FibTable(
        inert(facts[b"table"]),
        decimal(facts[b"Aver depth"]),
        number(facts[b"Max depth"]),
        number(facts[b"Leaves"]),
        number(facts[b"Prefixes"]),
        number(facts[b"Internal nodes"]),
        bits,
        number(facts[b"Pointers"]),
        number(facts[b"Null ptrs"]),
        kib(facts[b"Total size"]),
        {},
    )


# The kernel walks all routes to count them, which may be a million.
NET_FIB_TRIESTAT = Source(
    "net_fib_triestat", "/proc/net/fib_triestat", NetFibTriestat, parse, slow=True, cadence=10, whole=True
)
