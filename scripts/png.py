"""Reads PNG files (ISO/IEC 15948) with the standard library alone: what emoji packages have, which is not interlaced."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

SIGNATURE = b'\x89PNG\r\n\x1a\n'

# Samples of a pixel, by colour type.
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class Picture(NamedTuple):
    width: int
    height: int
    # Red, green, blue and alpha of each pixel, row by row, 0..255.
    pixels: list[tuple[int, int, int, int]]


class Unreadable(ValueError):
    """The file is damaged, or of a kind that is not read here."""


def chunks(data: bytes) -> dict[bytes, bytes]:
    """The content of each kind of chunk; those of IDAT in one piece."""
    if not data.startswith(SIGNATURE):
        raise Unreadable('no PNG file')
    found: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack_from('>I', data, at)
        kind, content = data[at + 4:at + 8], data[at + 8:at + 8 + length]
        (checksum,) = struct.unpack_from('>I', data, at + 8 + length)
        if zlib.crc32(kind + content) != checksum:
            raise Unreadable(f'chunk {kind!r} has another checksum')
        found[kind] = found.get(kind, b'') + content if kind == b'IDAT' else content
        at += 12 + length
    return found


def paeth(left: int, up: int, corner: int) -> int:
    """The neighbour that is nearest to left + up - corner."""
    guess = left + up - corner
    to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def unfiltered(data: bytes, rows: int, stride: int, step: int) -> list[bytearray]:
    """The bytes of each row. `step` is the distance of a byte from its neighbour to the left."""
    before = bytearray(stride)
    result = []
    for row in range(rows):
        start = row * (stride + 1)
        kind, line = data[start], bytearray(data[start + 1:start + 1 + stride])
        if kind == 1:
            for i in range(step, stride):
                line[i] = (line[i] + line[i - step]) & 255
        elif kind == 2:
            for i in range(stride):
                line[i] = (line[i] + before[i]) & 255
        elif kind == 3:
            for i in range(stride):
                left = line[i - step] if i >= step else 0
                line[i] = (line[i] + (left + before[i]) // 2) & 255
        elif kind == 4:
            for i in range(stride):
                left, corner = (line[i - step], before[i - step]) if i >= step else (0, 0)
                line[i] = (line[i] + paeth(left, before[i], corner)) & 255
        elif kind != 0:
            raise Unreadable(f'row {row} has filter {kind}')
        result.append(line)
        before = line
    return result


def samples_of(line: bytearray, count: int, depth: int) -> list[int]:
    """The first samples of a row, each of `depth` bits."""
    if depth == 8:
        return list(line[:count])
    each, mask = 8 // depth, (1 << depth) - 1
    return [line[i // each] >> (8 - depth - depth * (i % each)) & mask for i in range(count)]


def decode(data: bytes) -> Picture:
    """The picture in the bytes of a file. Raises Unreadable."""
    found = chunks(data)
    width, height, depth, kind, _, _, interlaced = struct.unpack('>IIBBBBB', found[b'IHDR'])
    if interlaced or kind not in SAMPLES or depth > 8:
        raise Unreadable(f'colour type {kind} of {depth} bits, interlaced: {bool(interlaced)}')
    samples = SAMPLES[kind]
    stride = -(-width * samples * depth // 8)
    rows = unfiltered(zlib.decompress(found[b'IDAT']), height, stride, max(1, samples * depth // 8))
    colours = palette(found) if kind == 3 else None
    transparent = found.get(b'tRNS')
    pixels = []
    for line in rows:
        values = samples_of(line, width * samples, depth)
        for x in range(0, len(values), samples):
            pixels.append(pixel(kind, depth, values[x:x + samples], colours, transparent))
    return Picture(width, height, pixels)


def palette(found: dict[bytes, bytes]) -> list[tuple[int, int, int, int]]:
    colours, alpha = found[b'PLTE'], found.get(b'tRNS', b'')
    return [
        (colours[3 * i], colours[3 * i + 1], colours[3 * i + 2], alpha[i] if i < len(alpha) else 255)
        for i in range(len(colours) // 3)
    ]


def pixel(kind, depth, values, colours, transparent) -> tuple[int, int, int, int]:
    if kind == 3:
        return colours[values[0]]
    if kind == 6:
        return tuple(values)
    # One colour may be transparent as a whole; its samples have 16 bits.
    clear = transparent is not None and list(struct.unpack(f'>{len(values)}H', transparent)) == values
    if kind == 2:
        return (*values, 0 if clear else 255)
    grey = values[0] * 255 // ((1 << depth) - 1)
    return (grey, grey, grey, values[1] if kind == 4 else 0 if clear else 255)
