"""Writes a folder of PNG files with the standard library, as any other program might: pictures of four classes in folders of their names.

usage: png_folder.py FOLDER COUNT PIXELS

COUNT pictures of 20 x 20 in colour. PIXELS gets those of the first 256 as uint8, one after another, and is followed by their labels.
"""

from __future__ import annotations

import pathlib
import random
import struct
import sys
import zlib

SIDE = 20
CHECKED = 256


def disc(x: float, y: float) -> bool:
    return x * x + y * y < 36


def bars(x: float, y: float) -> bool:
    return int(x + SIDE) // 3 % 2 == 0


def cross(x: float, y: float) -> bool:
    return min(abs(x), abs(y)) < 2.5


def frame(x: float, y: float) -> bool:
    return 5 < max(abs(x), abs(y)) < 8


CLASSES = [bars, cross, disc, frame]


def picture(shape, chance: random.Random) -> bytes:
    """The shape at a random place, in a random colour on a random ground, with noise."""
    right, down = chance.uniform(7, 13), chance.uniform(7, 13)
    ground = [chance.randrange(90) for _ in range(3)]
    colour = [chance.randrange(140, 256) for _ in range(3)]
    pixels = bytearray()
    for y in range(SIDE):
        for x in range(SIDE):
            for level in colour if shape(x - right, y - down) else ground:
                pixels.append(min(255, max(0, level + chance.randrange(-25, 26))))
    return bytes(pixels)


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack('>I', len(content)) + body + struct.pack('>I', zlib.crc32(body))


def png(pixels: bytes) -> bytes:
    header = struct.pack('>IIBBBBB', SIDE, SIDE, 8, 2, 0, 0, 0)
    rows = b''.join(b'\0' + pixels[3 * SIDE * y:3 * SIDE * (y + 1)] for y in range(SIDE))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def main(folder: str, count: str, checked: str) -> None:
    chance = random.Random(1)
    pictures, labels = b'', b''
    for number in range(int(count)):
        label = number % len(CLASSES)
        shape = CLASSES[label]
        pixels = picture(shape, chance)
        place = pathlib.Path(folder) / shape.__name__
        place.mkdir(parents=True, exist_ok=True)
        (place / f'{number:05}.png').write_bytes(png(pixels))
        if number < CHECKED:
            pictures, labels = pictures + pixels, labels + bytes([label])
    pathlib.Path(checked).write_bytes(pictures + labels)


main(*sys.argv[1:])
