"""Brings TensorFlow's C library and headers out of the PyPI wheel into the cache. No Python of TensorFlow's ever runs.

usage: fetch-tensorflow.py cpu|gpu VERSION

The result is CACHE/tensorflow-<flavour>-<version>/tensorflow/{libtensorflow_cc.so.2,libtensorflow_framework.so.2,include}.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import zipfile

from cache import building, fail
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


def unpack(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    """Takes the libraries and the headers of the C interface, and names the libraries as the linker looks for them."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        missing = [name for name in LIBRARIES if name not in names]
        if missing:
            fail(f'{wheel.name} lacks {", ".join(missing)}')
        headers = [name for name in names if name.startswith(HEADERS) and name.endswith('.h')]
        for name in [*LIBRARIES, *headers]:
            archive.extract(name, folder)
    for library, link in LIBRARIES.items():
        os.symlink(pathlib.PurePosixPath(library).name, folder / 'tensorflow' / link)


def main(flavour: str, version: str) -> None:
    if flavour not in DISTRIBUTIONS:
        fail(f'TENSORFLOW must be cpu or gpu, it is {flavour}')
    with building(f'tensorflow-{flavour}-{version}') as unfinished:
        if unfinished is None:
            return
        print(f'fetching TensorFlow {version} ({flavour}), about {MEGABYTES[flavour]} MB', flush=True)
        unpack(download(DISTRIBUTIONS[flavour], version, unfinished.scratch), unfinished.result)


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        fail(f'{" ".join(map(str, error.cmd[:4]))} ended with status {error.returncode}')
