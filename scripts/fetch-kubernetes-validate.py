"""Brings the Python package kubernetes-validate into the cache, with which tests compare objects with the schemas of versions of Kubernetes.

usage: fetch-kubernetes-validate.py

Prints the folder that PYTHONPATH has to name; `python3 -m kubernetes_validate` then validates files.
"""

from __future__ import annotations

import subprocess
import sys

from cache import building, cache_folder, fail
from wheels import PINS, pip, run_pip

VERSION = '1.37.0'


def main() -> None:
    # Two packages that it needs are compiled for one version of Python.
    name = f'kubernetes-validate-{VERSION}-python{sys.version_info.major}.{sys.version_info.minor}'
    with building(name) as unfinished:
        if unfinished is not None:
            print(f'fetching the Python package kubernetes-validate {VERSION}, 25 MB', file=sys.stderr, flush=True)
            command = [*pip(unfinished.scratch), 'install']
            run_pip(command, PINS / 'kubernetes-validate.txt', '--no-compile', '--target', str(unfinished.result))
    print(cache_folder() / name)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        fail(f'{" ".join(map(str, error.cmd[:4]))} ended with status {error.returncode}')
