"""Golden JPEG files for the reader of image folders, written by Pillow, with the pixels that Pillow reads in them.

usage: python3 jpeg_pillow.py > jpeg_pillow.json      (after pip install pillow)
"""

from __future__ import annotations

import base64
import io
import json
import math

from PIL import Image

WIDTH, HEIGHT = 23, 19
KINDS = {
    'baseline': ('RGB', {'subsampling': 0}),
    'progressive': ('RGB', {'subsampling': 0, 'progressive': True}),
    'restart markers': ('RGB', {'subsampling': 0, 'restart_marker_blocks': 2}),
    'half the resolution of colour': ('RGB', {'subsampling': 2}),
    'grey': ('L', {}),
    'CMYK': ('CMYK', {}),
}


def picture() -> Image.Image:
    image = Image.new('RGB', (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            waves = (x / 5 + y / 9, y / 4, (x + y) / 7)
            image.putpixel((x, y), tuple(round(127 + 110 * math.sin(wave)) for wave in waves))
    return image


def main() -> None:
    found = {}
    for kind, (mode, options) in KINDS.items():
        file = io.BytesIO()
        picture().convert(mode).save(file, 'JPEG', quality=90, **options)
        pixels = Image.open(io.BytesIO(file.getvalue())).convert('RGB').tobytes()
        found[kind] = {name: base64.b64encode(data).decode() for name, data in (('file', file.getvalue()), ('pixels', pixels))}
    print(json.dumps({'height': HEIGHT, 'width': WIDTH, 'kinds': found}, indent=1))


main()
