"""Wheels of the Python package index, each compared with a SHA-256 in `pins/` before anything is taken out of it."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import subprocess
import sys

from cache import fail

PINS = pathlib.Path(__file__).parent / 'pins'

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


def run_pip(command: list[str], pins: pathlib.Path, *arguments: str) -> None:
    """Has pip fetch what a file of requirements lists, and nothing else. Ends the program when a hash is not the pinned one."""
    done = subprocess.run(
        [*command, *arguments, '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps', '--only-binary=:all:',
         '--require-hashes', '--requirement', str(pins)],
        stderr=subprocess.PIPE, text=True,
    )
    if done.returncode == 0:
        return
    other = re.search(r'^\s*(\S+==\S+).*?Expected (sha256 \w+).*?Got\s+(\w+)', done.stderr, re.DOTALL | re.MULTILINE)
    if other is None:
        fail(f'pip ended with status {done.returncode}: {done.stderr.strip()}')
    fail(f'the wheel of {other[1]} is not the pinned one: expected {other[2]}, got {other[3]}')


def pinned(distribution: str, version: str) -> str:
    """The requirement with its hash."""
    text = (PINS / 'wheels.txt').read_text()
    found = re.search(rf'^{re.escape(distribution)}=={re.escape(version)} (?:.*\\\n)*.*$', text, re.MULTILINE)
    if found is None:
        fail(f'no hash is pinned for {distribution} {version}: add its line to scripts/pins/wheels.txt')
    return f'{found[0]}\n'


def download(distribution: str, version: str, scratch: pathlib.Path) -> pathlib.Path:
    """The path of the wheel."""
    requirement = scratch / 'wheel.txt'
    requirement.write_text(pinned(distribution, version))
    run_pip([*pip(scratch), 'download'], requirement, *PLATFORM, '--dest', str(scratch))
    wheels = list(scratch.glob('*.whl'))
    if len(wheels) != 1:
        fail(f'expected one wheel of {distribution} {version}, pip brought {len(wheels)}')
    return wheels[0]
