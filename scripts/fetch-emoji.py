"""Makes two data sets of emoji and puts them into the cache, in the format of MNIST.

usage: fetch-emoji.py

The pictures are those of Google (Noto) and Twitter (Twemoji) in the npm packages emoji-datasource-google and -twitter: 64 x 64 pixels,
laid over white and averaged to 32 x 32 x 3.

  emoji-identities   7,480 pictures; the label is one of 1,870 emoji. Its pictures are those of both artists in every skin tone, 2 to 52.
                     For verification: `data: { kind: idx, name: emoji-identities, split: identities }`
  emoji-classes      3,740 pictures of both artists, without skin tones; the label is one of nine categories, in the order of their names

The test files have a fifth of the emoji, chosen by a hash of the code points: no emoji of theirs is in the training files. An
emoji that has a picture in common with one before it, as the flags of Norway and of Bouvet Island, is left out.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tarfile
from typing import NamedTuple

import data_sets
import npm
import png
from cache import building, fail

VERSION = '16.0.0'
INTEGRITY = {
    'google': 'sha512-ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==',
    'twitter': 'sha512-7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==',
}

SIDE = 32
# The colours of skin themselves.
NO_CATEGORY = 'Component'
# Of 256.
TEST_SHARE = 51


class Emoji(NamedTuple):
    # Its code points: the identity.
    name: str
    category: str
    # Pictures of all artists without skin tones, then in every skin tone.
    plain: list[bytes]
    toned: list[bytes]


def pictures_in(archive: pathlib.Path, artist: str) -> tuple[dict[str, bytes], list[dict]]:
    """The picture files by name, and the list of emoji."""
    files, emoji = {}, []
    with tarfile.open(archive) as package:
        for member in package:
            folder, _, name = member.name.rpartition('/')
            if member.isfile() and folder == f'package/img/{artist}/64':
                files[name] = package.extractfile(member).read()
            elif member.name == 'package/emoji.json':
                emoji = json.load(package.extractfile(member))
    return files, emoji


def halved(data: bytes) -> bytes:
    """A picture over white, each pixel the mean of four: SIDE x SIDE x 3 bytes."""
    width, height, pixels = png.decode(data)
    if (width, height) != (2 * SIDE, 2 * SIDE):
        raise png.Unreadable(f'{width} x {height} pixels')
    # Of 255 x 255.
    white = [[alpha * colour + (255 - alpha) * 255 for colour in colours] for *colours, alpha in pixels]
    result = bytearray()
    for y in range(0, height, 2):
        for at in range(y * width, (y + 1) * width, 2):
            four = white[at], white[at + 1], white[at + width], white[at + width + 1]
            for channel in range(3):
                result.append((sum(colour[channel] for colour in four) + 510) // 1020)
    return bytes(result)


def emoji_of(packages: list[tuple[dict[str, bytes], list[dict]]]) -> list[Emoji]:
    """All emoji that each artist has drawn, in the order of their code points."""
    _, listed = packages[0]
    drawn: dict[str, list[bytes]] = {}

    def draw(name: str) -> list[bytes]:
        if name not in drawn:
            drawn[name] = [halved(files[name]) for files, _ in packages if name in files]
        return drawn[name] if len(drawn[name]) == len(packages) else []

    result, seen = [], set()
    for entry in sorted(listed, key=lambda each: each['unified']):
        if entry['category'] == NO_CATEGORY:
            continue
        plain = draw(entry['image'])
        toned = [picture for tone in entry.get('skin_variations', {}).values() for picture in draw(tone['image'])]
        pictures = {*plain, *toned}
        if plain and not pictures & seen:
            result.append(Emoji(entry['unified'], entry['category'], plain, toned))
        seen |= pictures
    return result


def is_for_test(emoji: Emoji) -> bool:
    return hashlib.sha256(emoji.name.encode()).digest()[0] < TEST_SHARE


def write_set(name: str, folder: pathlib.Path, examples: list[tuple[bool, int, bytes]], wide: bool) -> None:
    """Writes the four files of examples (for the test, label, picture). Wide labels have four bytes."""
    for part, tested in (('train', False), ('t10k', True)):
        own = [(label, picture) for test, label, picture in examples if test == tested]
        images = struct.pack('>IIIII', 0x0804, len(own), SIDE, SIDE, 3) + b''.join(picture for _, picture in own)
        kind, form = (0x0C01, 'i') if wide else (0x0801, 'B')
        labels = struct.pack(f'>II{len(own)}{form}', kind, len(own), *(label for label, _ in own))
        for file, content in ((f'{part}-images-idx3-ubyte', images), (f'{part}-labels-idx1-ubyte', labels)):
            expected, actual = data_sets.files_of(name)[file], hashlib.sha256(content).hexdigest()
            if actual != expected:
                fail(f'{name}/{file} would hold other data: sha256 {actual}, expected {expected}')
            (folder / f'{file}.gz').write_bytes(gzip.compress(content, mtime=0))


def main() -> None:
    if shutil.which('npm') is None:
        fail('npm is not on PATH; install it with Node.js 18 or newer, any origin')
    with building('emoji-identities') as identities, building('emoji-classes') as classes:
        if identities is None and classes is None:
            return
        print('fetching emoji, 136 MB, and making data sets of them: some minutes', flush=True)
        packages = []
        for artist, integrity in INTEGRITY.items():
            scratch = (identities or classes).scratch
            archive = npm.download(f'emoji-datasource-{artist}', VERSION, integrity, scratch)
            packages.append(pictures_in(archive, artist))
        emoji = emoji_of(packages)
        if identities is not None:
            shown = [
                (is_for_test(each), label, picture)
                for label, each in enumerate(emoji) for picture in each.plain + each.toned
            ]
            write_set('emoji-identities', identities.result, shown, wide=True)
        if classes is not None:
            names = sorted({each.category for each in emoji})
            shown = [(is_for_test(each), names.index(each.category), picture) for each in emoji for picture in each.plain]
            write_set('emoji-classes', classes.result, shown, wide=False)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        fail(f'{error.cmd[0]} ended with status {error.returncode}')
