"""Brings the Python package safetensors into the cache, for tests that compare our files with those of its authors.

usage: fetch-safetensors.py

Prints the folder that PYTHONPATH has to name. The package runs on any Python from 3.9 on, and without NumPy: what it reads are
bytes, and bytes are compared.
"""

from __future__ import annotations

import sys
import zipfile

from cache import building, cache_folder, named_failures
from wheels import download

VERSION = '0.7.0'


def main() -> None:
    name = f'safetensors-{VERSION}'
    with building(name) as unfinished:
        if unfinished is not None:
            print(f'fetching the Python package safetensors {VERSION}, half a MB', file=sys.stderr, flush=True)
            with zipfile.ZipFile(download('safetensors', VERSION, unfinished.scratch)) as wheel:
                wheel.extractall(unfinished.result)
    print(cache_folder() / name)


if __name__ == '__main__':
    with named_failures():
        main()
