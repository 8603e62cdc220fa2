"""The data sets that are pulled: `trikd data list` shows the same list."""

from __future__ import annotations

import gzip
import hashlib
import json
import pathlib
from typing import Any

LIST = pathlib.Path(__file__).resolve().parent.parent / 'services' / 'cli' / 'src' / 'commands' / 'data' / 'data-sets.json'


def data_set(name: str) -> dict[str, Any]:
    return json.loads(LIST.read_text())[name]


def files_of(name: str) -> dict[str, str]:
    """The SHA-256 of each file of a set, by its path; of IDX files, that of the bytes inside the gzip container, since distributions
    compress them anew."""
    return data_set(name)['files']


def idx_problem(name: str, folder: pathlib.Path) -> str | None:
    """Why the folder does not hold the IDX files of a set, each with .gz, or None when it does."""
    for file, expected in files_of(name).items():
        path = folder / f'{file}.gz'
        if not path.is_file():
            return f'{path} is missing'
        try:
            actual = hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
        except (OSError, EOFError) as error:
            return f'{path} cannot be read: {error}'
        if actual != expected:
            return f'{path} holds other data: sha256 {actual}, expected {expected}'
    return None
