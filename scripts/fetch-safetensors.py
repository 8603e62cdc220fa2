"""Brings the Python package safetensors into the cache, for tests that compare our files with those of its authors.

usage: fetch-safetensors.py

Prints the folder that PYTHONPATH has to name. The package runs without NumPy: what it reads are bytes, and bytes are compared.
"""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys

from cache import building, cache_folder, fail

VERSION = '0.7.0'


def pip(scratch: pathlib.Path) -> list[str]:
    """The command line of a pip: the machine's, or one that a fresh virtual environment brings."""
    if importlib.util.find_spec('pip'):
        return [sys.executable, '-m', 'pip']
    subprocess.run([sys.executable, '-m', 'venv', scratch / 'venv'], check=True)
    return [str(scratch / 'venv' / 'bin' / 'python'), '-m', 'pip']


def main() -> None:
    name = f'safetensors-{VERSION}'
    with building(name) as unfinished:
        if unfinished is not None:
            print(f'fetching the Python package safetensors {VERSION}, half a MB', file=sys.stderr, flush=True)
            subprocess.run(
                [*pip(unfinished.scratch), 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps',
                 '--no-compile', '--only-binary=:all:', '--root-user-action=ignore', '--target', str(unfinished.result),
                 f'safetensors=={VERSION}'],
                check=True,
            )
    print(cache_folder() / name)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        fail(f'{" ".join(map(str, error.cmd[:4]))} ended with status {error.returncode}')
