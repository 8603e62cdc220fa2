"""Folders of the cache: each is made whole or not at all, by one process at a time.

CACHE_BEHIND and FETCHING are for runs of tests. Their names do not begin with TRIKD_, as services refuse such a variable that is no setting.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

# Ctrl-C ends these programs at once and silently: nothing half-made counts.
signal.signal(signal.SIGINT, signal.SIG_DFL)


def cache_folder() -> pathlib.Path:
    """The folder that everything fetched goes to: TRIKD_CACHE, or `trikd` in the user's own cache."""
    chosen = os.environ.get('TRIKD_CACHE')
    if chosen:
        return pathlib.Path(chosen).resolve()
    parent = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return (pathlib.Path(parent) / 'trikd').expanduser()


def kept_folder() -> pathlib.Path:
    """The folder that entries are made in: the cache, or CACHE_BEHIND, in which case the cache has links to those that were asked
    for, and shows no others."""
    behind = os.environ.get('CACHE_BEHIND')
    return pathlib.Path(behind).resolve() if behind else cache_folder()


class Unfinished(NamedTuple):
    """Two empty folders: `result` becomes part of the cache, `scratch` goes away."""

    result: pathlib.Path
    scratch: pathlib.Path


@contextlib.contextmanager
def building(name: str) -> Iterator[Unfinished | None]:
    """Yields a folder that becomes `name` in the cache when the block ends, or None when `name` is there.

    An exception or a kill leaves `name` absent, and what it leaves beside goes with the next attempt. A second process
    waits for the first. With FETCHING=never, what the cache does not show ends the program.
    """
    if os.environ.get('FETCHING') == 'never' and not (cache_folder() / name).exists():
        fail(f'{name} is not in the cache, and tests fetch nothing: the target that runs them in the Makefile has to')
    cache = kept_folder()
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / name
    with open(cache / f'.{name}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            link(name)
            yield None
            return
        for leftover in cache.glob(f'{name}.partial-*'):
            shutil.rmtree(leftover, ignore_errors=True)
        # A name of its own: a program that a killed attempt started may still be writing to the old one.
        partial = pathlib.Path(tempfile.mkdtemp(prefix=f'{name}.partial-', dir=cache))
        unfinished = Unfinished(partial / 'result', partial / 'scratch')
        for folder in unfinished:
            folder.mkdir()
        yield unfinished
        unfinished.result.rename(target)
        link(name)
        shutil.rmtree(partial, ignore_errors=True)


def link(name: str) -> None:
    """Makes an entry visible in the cache, where that is another folder than the one that keeps it."""
    target, shown = kept_folder() / name, cache_folder() / name
    if shown != target and not shown.exists():
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.symlink_to(target)


@contextlib.contextmanager
def shared(name: str) -> Iterator[pathlib.Path]:
    """Yields a folder of the cache that several processes may use at once. It goes away with the last of them; one that was killed
    leaves it to the next."""
    cache = kept_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f'.{name}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield cache / name
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(cache / name, ignore_errors=True)


def fail(message: str) -> None:
    """Ends the program with a sentence for the person at the terminal."""
    sys.exit(f'{pathlib.Path(sys.argv[0]).stem}: {message}')


@contextlib.contextmanager
def named_failures() -> Iterator[None]:
    """Ends the program with the name and the status of a command that fails in the block."""
    try:
        yield
    except subprocess.CalledProcessError as error:
        fail(f'{" ".join(map(str, error.cmd[:4]))} ended with status {error.returncode}')
