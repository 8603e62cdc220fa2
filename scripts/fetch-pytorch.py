"""Makes a virtual environment with PyTorch in the cache: the peer of `make bench` and `make agreement`, and what `make pytorch` runs.

usage: fetch-pytorch.py VERSION

PyPI has PyTorch for Linux with CUDA only, and its library cannot be loaded without the CUDA libraries that it is linked to.
"""

from __future__ import annotations

import subprocess
import sys

from cache import building, fail, named_failures
from wheels import PINS, run_pip


def main(version: str) -> None:
    pins = PINS / 'pytorch.txt'
    if f'\ntorch=={version} ' not in pins.read_text():
        fail(f'no hash is pinned for torch {version}: scripts/pins/pytorch.txt is of another version')
    with building(f'pytorch-{version}') as unfinished:
        if unfinished is None:
            return
        print(f'fetching PyTorch {version} with the CUDA libraries it is linked to, several GB', flush=True)
        home = unfinished.result
        subprocess.run([sys.executable, '-m', 'venv', home], check=True)
        python = home / 'bin' / 'python'
        run_pip([str(python), '-m', 'pip', 'install'], pins)
        trial = 'import torch; torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))'
        subprocess.run([python, '-c', trial], check=True)


if __name__ == '__main__':
    with named_failures():
        main(sys.argv[1])
