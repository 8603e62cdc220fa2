"""Brings Fashion-MNIST (Xiao et al. 2017) into the cache, without root.

usage: fetch-fashion-mnist.py

First found wins: the folder TRIKD_DATA, an installed Debian package dataset-fashion-mnist, the same package fetched with
apt-get. Each file is compared with a SHA-256 of its content before it is believed.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import data_sets
from cache import building, cache_folder, fail

PACKAGE = 'dataset-fashion-mnist'
INSTALLED = pathlib.Path('/usr/share/datasets/fashion-mnist')

FILES = data_sets.files_of('fashion-mnist')


def has_idx_files(folder: pathlib.Path) -> bool:
    """Whether the four files are there, plain or gzip. Their content is the user's own business."""
    return all((folder / name).is_file() or (folder / f'{name}.gz').is_file() for name in FILES)


def apt_options(scratch: pathlib.Path) -> list[str]:
    """Options that move all that apt-get writes into `scratch`, so that it needs no root."""
    (scratch / 'state' / 'lists' / 'partial').mkdir(parents=True)
    (scratch / 'cache' / 'archives' / 'partial').mkdir(parents=True)
    return [
        '-o', f'Dir::State={scratch}/state', '-o', f'Dir::Cache={scratch}/cache',
        '-o', 'Dir::State::status=/var/lib/dpkg/status', '-o', 'APT::Sandbox::User=',
        '-o', 'APT::Update::Post-Invoke::=true', '-o', 'Acquire::Languages=none',
    ]


def attempt(command: list[str], folder: pathlib.Path) -> str | None:
    """What went wrong, or None."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ['no message'])[-1]


def fetch_package(scratch: pathlib.Path) -> pathlib.Path | str:
    """The unpacked package's data folder, or why there is none."""
    for tool in ('apt-get', 'dpkg-deb'):
        if shutil.which(tool) is None:
            return f'{tool} is not on PATH'
    download = ['download', PACKAGE]
    if attempt(['apt-get', '-qq', '-o', 'APT::Sandbox::User=', *download], scratch) is not None:
        # No lists, or old ones: fetch the lists into a place of our own and ask again.
        private = ['apt-get', '-qq', *apt_options(scratch)]
        problem = attempt([*private, 'update'], scratch) or attempt([*private, *download], scratch)
        if problem is not None:
            return f'apt-get: {problem}'
    package = next(scratch.glob(f'{PACKAGE}_*.deb'))
    problem = attempt(['dpkg-deb', '-x', str(package), 'unpacked'], scratch)
    return f'dpkg-deb: {problem}' if problem else scratch / 'unpacked' / INSTALLED.relative_to('/')


def main() -> None:
    own = os.environ.get('TRIKD_DATA')
    if own:
        if not has_idx_files(pathlib.Path(own)):
            fail(f'TRIKD_DATA is {own}, which lacks one of {", ".join(FILES)} (plain or .gz)')
        return
    with building('fashion-mnist') as unfinished:
        if unfinished is None:
            return
        source: pathlib.Path | str = INSTALLED
        if not INSTALLED.is_dir():
            print('fetching Fashion-MNIST, 31 MB', flush=True)
            source = fetch_package(unfinished.scratch)
        problem = source if isinstance(source, str) else data_sets.idx_problem('fashion-mnist', source)
        if problem is not None:
            fail(
                f'{problem}\n'
                f'Put {", ".join(f"{name}.gz" for name in FILES)} into {cache_folder() / "fashion-mnist"}, or name '
                f'their folder in TRIKD_DATA. Debian and Ubuntu have them in the package {PACKAGE} (Ubuntu: universe).'
            )
        for name in FILES:
            shutil.copyfile(pathlib.Path(source) / f'{name}.gz', unfinished.result / f'{name}.gz')


if __name__ == '__main__':
    main()
