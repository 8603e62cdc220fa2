"""Makes a data set of patches of free photographs and puts it into the cache, in the format of MNIST. It needs a build.

usage: fetch-photo-patches.py

The photographs are in the Python package scikit-image: seven that are in the public domain or under CC0. Nothing else of the package is
used. `photo-patches.ts` cuts the patches.
"""

from __future__ import annotations

import gzip
import hashlib
import pathlib
import subprocess
import zipfile

import data_sets
from cache import building, fail, named_failures
from wheels import download

VERSION = '0.25.2'
PHOTOS = (
    'astronaut.png', 'chelsea.png', 'coffee.png', 'hubble_deep_field.jpg', 'ihc.png', 'retina.jpg', 'rocket.jpg',
)
CUTTER = pathlib.Path(__file__).resolve().parent / 'photo-patches.ts'


def main() -> None:
    with building('photo-patches') as unfinished:
        if unfinished is None:
            return
        print('fetching photographs, 15 MB', flush=True)
        photos, cut = unfinished.scratch / 'photos', unfinished.scratch / 'cut'
        photos.mkdir()
        with zipfile.ZipFile(download('scikit-image', VERSION, unfinished.scratch)) as wheel:
            for name in PHOTOS:
                (photos / name).write_bytes(wheel.read(f'skimage/data/{name}'))
        subprocess.run(['node', '--no-warnings', CUTTER, photos, cut], check=True)
        for name, expected in data_sets.files_of('photo-patches').items():
            content = (cut / name).read_bytes()
            if (actual := hashlib.sha256(content).hexdigest()) != expected:
                fail(f'photo-patches/{name} would hold other data: sha256 {actual}, expected {expected}')
            (unfinished.result / f'{name}.gz').write_bytes(gzip.compress(content, mtime=0))


if __name__ == '__main__':
    with named_failures():
        main()
