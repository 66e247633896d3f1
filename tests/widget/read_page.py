"""An exported page read by a slower way than the page's own."""

from __future__ import annotations

import json
import struct
import zlib
from html.parser import HTMLParser

import numpy as np

ALPHABET = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in "<>&"]


class Elements(HTMLParser):
    """Every element's attributes and text, as a browser would part them."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.found, self.inside = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append({"tag": tag, "text": "", **dict(attrs)})
        if tag != "meta":
            self.inside.append(self.found[-1])

    def handle_endtag(self, tag):
        assert self.inside.pop()["tag"] == tag

    def handle_data(self, data):
        if self.inside:
            self.inside[-1]["text"] += data

    def all(self, tag):
        return [each for each in self.found if each["tag"] == tag]

    def by_id(self, name):
        (one,) = [each for each in self.found if each.get("id") == name]
        return one


def from_text(text, n_bytes):
    """Two characters are 13 bits of one long number, the lowest first."""
    bits = "".join(
        f"{ALPHABET.index(a) * len(ALPHABET) + ALPHABET.index(b):013b}"[::-1]
        for a, b in zip(text[::2], text[1::2], strict=True)
    )
    return bytes(int(bits[8 * i : 8 * i + 8].ljust(8, "0")[::-1], 2) for i in range(n_bytes))


def unsort(data, dtype):
    size = np.dtype(dtype).itemsize
    n = len(data) // size
    return np.frombuffer(bytes(data[b * n + i] for i in range(n) for b in range(size)), dtype)


def as_float(ordered):
    bits = ordered ^ 0x80000000 if ordered >> 31 else ~ordered & 0xFFFFFFFF
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def read_block(block, text):
    """Give a block's numbers, flat."""
    data = zlib.decompress(from_text(text, block["bytes"]))
    if block["coding"] == "sparse":
        n_bits = -(-block["count"] // 8)
        rest = iter(unsort(data[n_bits:], "<f4"))
        there = [data[i // 8] >> i % 8 & 1 for i in range(block["count"])]
        return np.array([next(rest) if bit else 0 for bit in there], block["dtype"])
    if block["coding"] == "descending":
        steps = unsort(data, "<u4").reshape(block["columns"], -1).astype(object)
        ordered = [[column[0]] for column in steps.T]
        for row, column in zip(ordered, steps.T, strict=True):
            for step in column[1:]:
                row.append((row[-1] - step) % 2**32)
        return np.array([as_float(int(v)) for row in ordered for v in row], np.float32)
    return unsort(data, np.dtype(block["stored"]).newbyteorder("<")).astype(block["dtype"])


def read_page(html):
    """Give what a page holds, its arrays as NumPy has them."""
    elements = Elements(html)
    contents = json.loads(elements.by_id("contents")["text"])

    def read(value):
        if isinstance(value, dict) and {"dtype", "shape", "data"} <= value.keys():
            number = value["data"]
            flat = read_block(contents["blocks"][number], elements.by_id(f"block-{number}")["text"])
            assert flat.dtype.name == value["dtype"]
            return flat.reshape(value["shape"])
        if isinstance(value, dict):
            return {key: read(part) for key, part in value.items()}
        if isinstance(value, list):
            return [read(part) for part in value]
        return value

    return read(contents)
