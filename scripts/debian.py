"""Packages of the Debian that this machine runs, without installing them and without root.

They have no hashes here: apt-get compares them with the signed lists of the distribution, which replaces a version by a newer one.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
from collections.abc import Sequence


def apt_options(scratch: pathlib.Path, lists: bool) -> list[str]:
    """Options that move all that apt-get writes into `scratch`, so that it needs no root."""
    (scratch / 'cache' / 'archives' / 'partial').mkdir(parents=True, exist_ok=True)
    options = [
        '-o', f'Dir::Cache={scratch}/cache', '-o', 'APT::Sandbox::User=', '-o', 'Debug::NoLocking=true',
        '-o', 'APT::Update::Post-Invoke::=true', '-o', 'Acquire::Languages=none',
    ]
    if lists:
        (scratch / 'state' / 'lists' / 'partial').mkdir(parents=True, exist_ok=True)
        options += ['-o', f'Dir::State={scratch}/state', '-o', 'Dir::State::status=/var/lib/dpkg/status']
    return options


def attempt(command: list[str]) -> str | None:
    """What went wrong, or None."""
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ['no message'])[-1]


def fetch(packages: Sequence[str], scratch: pathlib.Path, result: pathlib.Path) -> str | None:
    """Unpacks the packages, and what they need beyond what is installed, in `result`. Returns what went wrong, or None."""
    return download(packages, scratch) or unpack(scratch, result)


def download(packages: Sequence[str], scratch: pathlib.Path) -> str | None:
    for tool in ('apt-get', 'dpkg-deb'):
        if shutil.which(tool) is None:
            return f'{tool} is not on PATH'
    # A package that is installed is fetched too: only then are its files known to lie in our folder.
    wanted = ['install', '--reinstall', '--yes', '--download-only', '--no-install-recommends', *packages]
    if attempt(['apt-get', '-qq', *apt_options(scratch, False), *wanted]) is None:
        return None
    # No lists, or old ones: fetch the lists into a place of our own and ask again.
    private = ['apt-get', '-qq', *apt_options(scratch, True)]
    problem = attempt([*private, 'update']) or attempt([*private, *wanted])
    return problem and f'apt-get: {problem}'


def unpack(scratch: pathlib.Path, result: pathlib.Path) -> str | None:
    for package in sorted((scratch / 'cache' / 'archives').glob('*.deb')):
        problem = attempt(['dpkg-deb', '-x', str(package), str(result)])
        if problem is not None:
            return f'dpkg-deb: {problem}'
    return None
