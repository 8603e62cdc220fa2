"""Brings CIFAR-10 or CIFAR-100 (Krizhevsky 2009) into the cache, out of the binary archive of its authors.

usage: fetch-cifar.py cifar-10|cifar-100 [FILE or ADDRESS of the archive]

A download that was interrupted goes on where it stopped: what there is of it stays in CACHE/downloads. The archive is compared with
its SHA-256 before anything is taken out of it, and so is each file that is taken out. No other file is.
"""

from __future__ import annotations

import hashlib
import http.client
import pathlib
import re
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
from typing import Any

from cache import Unfinished, building, cache_folder, fail
from data_sets import data_set

NAMES = ('cifar-10', 'cifar-100')
MEGABYTE = 1_000_000
# Bytes between two lines of progress.
STEP = 10 * MEGABYTE
# Connections that may break in a row without a byte of progress.
TRIES = 3
# Seconds without a byte.
PATIENCE = 30


def sha256_of(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while part := file.read(MEGABYTE):
            digest.update(part)
    return digest.hexdigest()


def download(address: str, size: int, path: pathlib.Path) -> None:
    """Fetches what `path` lacks of an archive of so many bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    tries = TRIES
    while (before := path.stat().st_size) < size:
        try:
            receive(address, size, path)
            problem: object = 'the connection was closed early'
        except (OSError, http.client.HTTPException) as error:
            problem = error
        tries = TRIES if path.stat().st_size > before else tries - 1
        if tries == 0:
            fail(f'{address} cannot be fetched: {problem}; {path.stat().st_size} of {size} bytes are here, and stay for the next time')


def receive(address: str, size: int, path: pathlib.Path) -> None:
    """Adds to a file what one connection brings."""
    have = path.stat().st_size
    request = urllib.request.Request(address, headers={'Range': f'bytes={have}-'} if have > 0 else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        # A server that knows no ranges sends everything again.
        goes_on = answer.status == http.client.PARTIAL_CONTENT
        have = have if goes_on else 0
        with open(path, 'ab' if goes_on else 'wb') as file:
            while part := answer.read(64 * 1024):
                if have // STEP != (have + len(part)) // STEP:
                    print(f'fetching {path.name}: {(have + len(part)) // MEGABYTE} of {size // MEGABYTE} MB', flush=True)
                have += len(part)
                if have > size:
                    path.unlink()
                    fail(f'{address} has more than the {size} bytes of the archive')
                file.write(part)


def archive_of(name: str, archive: dict[str, Any], source: str) -> tuple[pathlib.Path, bool]:
    """The archive, with the right content, and whether it was downloaded."""
    downloaded = re.match(r'https?://', source) is not None
    path = cache_folder() / 'downloads' / f'{name}.tar.gz' if downloaded else pathlib.Path(source)
    if downloaded:
        download(source, archive['bytes'], path)
    elif not path.is_file():
        fail(f'there is no file {path}')
    actual = sha256_of(path)
    if actual != archive['sha256']:
        if downloaded:
            path.unlink()
        fail(f'{source} is not the archive of {name}: sha256 {actual}, expected {archive["sha256"]}')
    return path, downloaded


def unpack(archive: pathlib.Path, files: dict[str, str], folder: pathlib.Path) -> None:
    """Takes the known files out of an archive, and nothing else."""
    left = dict(files)
    with tarfile.open(archive, 'r:gz') as package:
        for member in package:
            expected = left.pop(member.name, None) if member.isfile() else None
            if expected is None:
                continue
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, 'wb') as file:
                shutil.copyfileobj(package.extractfile(member), file)
            if (actual := sha256_of(path)) != expected:
                fail(f'{member.name} holds other data: sha256 {actual}, expected {expected}')
    if left:
        fail(f'the archive lacks {", ".join(left)}')


def bring(name: str, entry: dict[str, Any], source: str, place: Unfinished) -> None:
    """@param entry: the archive with its `sha256` and `bytes`, and the SHA-256 of each of the `files`"""
    archive, downloaded = archive_of(name, entry['archive'], source)
    unpack(archive, entry['files'], place.result)
    if downloaded:
        archive.unlink()


def main(name: str = '', source: str = '') -> None:
    if name not in NAMES:
        fail(f'which set? There are {", ".join(NAMES)}')
    entry = data_set(name)
    with building(name) as unfinished:
        if unfinished is not None:
            bring(name, entry, source or entry['archive']['address'], unfinished)


if __name__ == '__main__':
    try:
        main(*sys.argv[1:3])
    except (tarfile.TarError, urllib.error.URLError, OSError) as error:
        fail(str(error))
