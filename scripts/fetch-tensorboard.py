"""Brings the Python package tensorboard into the cache, for a test that opens our event files with it.

usage: fetch-tensorboard.py

Prints the folder that PYTHONPATH has to name. Of what tensorboard requires, only what reading event files takes.
"""

from __future__ import annotations

import subprocess
import sys

from cache import building, cache_folder, fail
from wheels import PINS, pip, run_pip

VERSION = '2.20.0'


def main() -> None:
    # NumPy is compiled for one version of Python.
    name = f'tensorboard-{VERSION}-python{sys.version_info.major}.{sys.version_info.minor}'
    with building(name) as unfinished:
        if unfinished is not None:
            print(f'fetching the Python package tensorboard {VERSION}, 25 MB', file=sys.stderr, flush=True)
            command = [*pip(unfinished.scratch), 'install']
            run_pip(command, PINS / 'tensorboard.txt', '--no-compile', '--target', str(unfinished.result))
    print(cache_folder() / name)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        fail(f'{" ".join(map(str, error.cmd[:4]))} ended with status {error.returncode}')
