"""Golden pictures for the reader of image folders: PNG files of every colour type, written with the standard library, and what their
pixels are on a white ground, in colour or grey, scaled in exact fractions.

usage: python3 image_folder.py > image_folder.json
"""

from __future__ import annotations

import base64
import json
import struct
import sys
import zlib
from fractions import Fraction
from math import floor

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
PALETTE = [(i * 37 % 256, i * 91 % 256, i * 53 % 256, 255 if i % 3 else i * 11 % 256) for i in range(256)]


def noise(seed: int):
    state = seed
    while True:
        state = (state * 1103515245 + 12345) % 2**31
        yield state >> 15


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack('>I', len(content)) + body + struct.pack('>I', zlib.crc32(body))


def packed(row: list[list[int]], depth: int) -> bytes:
    """A row of pixels as bytes, the first pixel in the highest bits."""
    bits = ''.join(format(sample, f'0{depth}b') for pixel in row for sample in pixel)
    bits += '0' * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows: list[bytes], step: int) -> bytes:
    """Every row with another of the five filters."""
    out = b''
    before = bytes(len(rows[0]))
    for y, row in enumerate(rows):
        kind = y % 5
        line = bytearray([kind])
        for i, value in enumerate(row):
            left, corner = (row[i - step], before[i - step]) if i >= step else (0, 0)
            up = before[i]
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda each: abs(guess - each))
            line.append((value - (0, left, up, (left + up) // 2, nearest)[kind]) % 256)
        out += bytes(line)
        before = row
    return out


def png(pixels: list[list[list[int]]], colour: int, depth: int, interlaced: bool) -> bytes:
    height, width = len(pixels), len(pixels[0])
    step = max(1, SAMPLES[colour] * depth // 8)
    parts = [[row[x::dx] for row in pixels[y::dy]] for x, y, dx, dy in PASSES] if interlaced else [pixels]
    data = b''.join(filtered([packed(row, depth) for row in part], step) for part in parts if part and part[0])
    header = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, int(interlaced))
    more = b''
    if colour == 3:
        colours = PALETTE[:2**depth]
        more = chunk(b'PLTE', bytes(v for rgba in colours for v in rgba[:3])) + chunk(b'tRNS', bytes(c[3] for c in colours))
    text = chunk(b'tEXt', b'Comment\0a picture')
    body = chunk(b'IHDR', header) + text + more + chunk(b'IDAT', zlib.compress(data, 9)) + chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + body


def rgba(pixel: list[int], colour: int, depth: int) -> tuple[int, int, int, int]:
    if colour == 3:
        return PALETTE[pixel[0]]
    most = 2**depth - 1
    values = [floor(Fraction(value * 255, most) + Fraction(1, 2)) for value in pixel]
    grey = values[:1] * 3 if colour in (0, 4) else values[:3]
    return (*grey, values[-1] if colour in (4, 6) else 255)


def on_white(colour: tuple[int, int, int, int], channels: int) -> list[int]:
    alpha = colour[3]
    rgb = [floor(Fraction(v * alpha + 255 * (255 - alpha), 255) + Fraction(1, 2)) for v in colour[:3]]
    return rgb if channels == 3 else [(19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16]


def weights(at: int, length: int, new: int) -> dict[int, Fraction]:
    """How much of each position of an axis is in a new one."""
    if new < length:
        begin, end = Fraction(at * length, new), Fraction((at + 1) * length, new)
        return {i: (min(end, i + 1) - max(begin, i)) / (end - begin) for i in range(length) if i < end and i + 1 > begin}
    centre = min(Fraction(length - 1), max(Fraction(0), Fraction((2 * at + 1) * length, 2 * new) - Fraction(1, 2)))
    first = floor(centre)
    found = {first: 1 - (centre - first), first + 1: centre - first}
    return {i: w for i, w in found.items() if w > 0}


def scaled(pixels: list[list[list[int]]], height: int, width: int) -> list[float]:
    result = []
    for y in range(height):
        for x in range(width):
            for channel in range(len(pixels[0][0])):
                result.append(float(sum(
                    wy * wx * pixels[sy][sx][channel]
                    for sy, wy in weights(y, len(pixels), height).items()
                    for sx, wx in weights(x, len(pixels[0]), width).items()
                )))
    return result


def main() -> None:
    files, wanted = {}, []
    for number, (colour, depth) in enumerate(
        [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)]
    ):
        for interlaced in (False, True):
            height, width = 5 + number % 4, 9 - number % 5
            words = noise(100 * number + interlaced)
            pixels = [
                [[next(words) % 2**depth for _ in range(SAMPLES[colour])] for _ in range(width)] for _ in range(height)
            ]
            path = f'{"even" if number % 2 == 0 else "odd"}/{colour}-{depth}{"-interlaced" if interlaced else ""}.png'
            files[path] = base64.b64encode(png(pixels, colour, depth, interlaced)).decode()
            flat = {c: [[on_white(rgba(p, colour, depth), c) for p in row] for row in pixels] for c in (1, 3)}
            for channels, size in ((3, (4, 4)), (1, (12, 3))):
                exact = [round(value, 9) for value in scaled(flat[channels], *size)]
                wanted.append({'file': path, 'size': size, 'channels': channels, 'pixels': exact})
    json.dump({'files': files, 'wanted': wanted}, sys.stdout, separators=(',', ':'))
    print()


main()
