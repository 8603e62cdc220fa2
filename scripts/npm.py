"""Packages of npm, each compared with the SHA-512 that npm writes into lock files before anything is taken out of it."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import subprocess

from cache import fail


def download(package: str, version: str, integrity: str, scratch: pathlib.Path) -> pathlib.Path:
    """The archive of the package, which npm neither unpacks nor runs."""
    # In a folder of its own, so that no .npmrc or workspace of the caller's folder takes part.
    subprocess.run(
        ['npm', 'pack', '--pack-destination', scratch, '--ignore-scripts', '--no-update-notifier', '--loglevel=error',
         f'{package}@{version}'],
        check=True, cwd=scratch, stdout=subprocess.DEVNULL,
    )
    archive = scratch / f'{package}-{version}.tgz'
    actual = f'sha512-{base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()}'
    if actual != integrity:
        fail(f'the package {package} {version} is not the pinned one: expected {integrity}, got {actual}')
    return archive
