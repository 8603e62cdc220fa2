"""Brings TensorFlow's C library and headers out of the PyPI wheel into the cache. No Python of TensorFlow's ever runs.

usage: fetch-tensorflow.py cpu|gpu VERSION

The result is CACHE/tensorflow-<flavour>-<version>/tensorflow/{libtensorflow_cc.so.2,libtensorflow_framework.so.2,include}, and the
licences of what the libraries are made of, in NOTICES.
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
import zipfile

from cache import building, fail, named_failures
from wheels import download

DISTRIBUTIONS = {'cpu': 'tensorflow-cpu', 'gpu': 'tensorflow'}
MEGABYTES = {'cpu': 270, 'gpu': 570}

LIBRARIES = {
    'tensorflow/libtensorflow_cc.so.2': 'libtensorflow.so',
    'tensorflow/libtensorflow_framework.so.2': 'libtensorflow_framework.so',
}

# Everything that tensorflow/c/c_api.h, c_api_experimental.h and eager/c_api.h reach.
HEADERS = (
    'tensorflow/include/tensorflow/c/',
    'tensorflow/include/tensorflow/core/platform/ctstring.h',
    'tensorflow/include/tsl/platform/ctstring',
    'tensorflow/include/xla/tsl/c/',
)

# What must go with the libraries to whoever gets them.
NOTICES = ('tensorflow/include/LICENSE', 'tensorflow/THIRD_PARTY_NOTICES.txt')


def unpack(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    """Takes the libraries and the headers of the C interface, and names the libraries as the linker looks for them."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        missing = [name for name in (*LIBRARIES, *NOTICES) if name not in names]
        if missing:
            fail(f'{wheel.name} lacks {", ".join(missing)}')
        headers = [name for name in names if name.startswith(HEADERS) and name.endswith('.h')]
        for name in [*LIBRARIES, *NOTICES, *headers]:
            archive.extract(name, folder)
    for library, link in LIBRARIES.items():
        os.symlink(pathlib.PurePosixPath(library).name, folder / 'tensorflow' / link)


def main(flavour: str, version: str) -> None:
    if flavour not in DISTRIBUTIONS:
        fail(f'TENSORFLOW must be cpu or gpu, it is {flavour}')
    name = f'tensorflow-{flavour}-{version}'
    with building(name) as unfinished:
        if unfinished is None:
            return
        print(f'fetching TensorFlow {version} ({flavour}), about {MEGABYTES[flavour]} MB', flush=True)
        unpack(download(DISTRIBUTIONS[flavour], version, unfinished.scratch), unfinished.result)


if __name__ == '__main__':
    with named_failures():
        main(*sys.argv[1:])
