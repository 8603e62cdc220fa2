"""Folders of the cache: each is made whole or not at all, by one process at a time."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import sys
from collections.abc import Iterator


def cache_folder() -> pathlib.Path:
    """The folder that everything fetched goes to: TRIKD_CACHE, or `trikd` in the user's own cache."""
    chosen = os.environ.get('TRIKD_CACHE')
    if chosen:
        return pathlib.Path(chosen).resolve()
    parent = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return (pathlib.Path(parent) / 'trikd').expanduser()


@contextlib.contextmanager
def building(name: str) -> Iterator[pathlib.Path | None]:
    """Yields an empty folder that becomes `name` in the cache when the block ends, or None when `name` is there.

    An exception or a kill leaves `name` absent. A second process waits for the first.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / name
    with open(cache / f'.{name}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            yield None
            return
        partial = cache / f'{name}.partial'
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
        partial.rename(target)


def fail(message: str) -> None:
    """Ends the program with a sentence for the person at the terminal."""
    sys.exit(f'{pathlib.Path(sys.argv[0]).stem}: {message}')
