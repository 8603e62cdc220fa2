"""Brings Python packages that tests use into the cache, each with those of its requirements that the tests need.

usage: fetch-python-packages.py NAME

Prints the folder that PYTHONPATH has to name. NAME is `tensorboard`, with which a test opens our event files, `onnxruntime`, with which one
runs our exported models, `tritonclient`, with whose stubs tests serve models and ask ours, `geventhttpclient`, which its HTTP client needs
beside it, or `kubernetes-validate`, with which tests compare objects with the schemas of versions of Kubernetes:
`python3 -m kubernetes_validate FILE`.
"""

from __future__ import annotations

import sys

from cache import building, cache_folder, fail, named_failures
from wheels import PINS, pip, run_pip

VERSIONS = {
    'geventhttpclient': '2.4.0',
    'kubernetes-validate': '1.37.0',
    'onnxruntime': '1.32.0',
    'tensorboard': '2.20.0',
    'tritonclient': '2.73.0',
}


def main(name: str = '') -> None:
    if name not in VERSIONS:
        fail(f'which packages? there are {", ".join(VERSIONS)}')
    # Some of what they need is compiled for one version of Python.
    folder = f'{name}-{VERSIONS[name]}-python{sys.version_info.major}.{sys.version_info.minor}'
    with building(folder) as unfinished:
        if unfinished is not None:
            print(f'fetching the Python package {name} {VERSIONS[name]}, up to 25 MB', file=sys.stderr, flush=True)
            command = [*pip(unfinished.scratch), 'install']
            run_pip(command, PINS / f'{name}.txt', '--no-compile', '--target', str(unfinished.result))
    print(cache_folder() / folder)


if __name__ == '__main__':
    with named_failures():
        main(*sys.argv[1:])
