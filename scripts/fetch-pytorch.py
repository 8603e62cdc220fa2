"""Makes a virtual environment with PyTorch in the cache: the peer of `make bench`, and needed by nothing else.

usage: fetch-pytorch.py VERSION

PyPI has PyTorch for Linux with CUDA only, and its library cannot be loaded without the CUDA libraries that it is linked to.
What only a GPU would ask for is left out: the Triton compiler and the Python bindings of CUDA, 1 GB.
"""

from __future__ import annotations

import importlib.metadata
import pathlib
import re
import subprocess
import sys

from cache import building, fail

LEFT_OUT = {'triton', 'cuda-bindings'}


def requirements_of(site: pathlib.Path) -> list[str]:
    """What the installed torch requires, without extras of ours and without what is left out."""
    distribution = next(iter(importlib.metadata.distributions(name='torch', path=[str(site)])))
    plain = [line for line in distribution.requires or [] if 'extra ==' not in line]
    return [line for line in plain if re.match(r'[\w.-]+', line).group() not in LEFT_OUT]


def main(version: str) -> None:
    with building(f'pytorch-{version}') as unfinished:
        if unfinished is None:
            return
        print(f'fetching PyTorch {version} with the CUDA libraries it is linked to, several GB', flush=True)
        home = unfinished.result
        subprocess.run([sys.executable, '-m', 'venv', home], check=True)
        python = home / 'bin' / 'python'
        pip = [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir']
        subprocess.run([*pip, '--no-deps', f'torch=={version}', 'numpy'], check=True)
        # pip complains of what is left out, and ends well: its words matter only when it does not.
        required = requirements_of(next(home.glob('lib/python3*/site-packages')))
        done = subprocess.run([*pip, *required], stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            fail(f'pip ended with status {done.returncode}: {done.stderr}')
        trial = 'import torch; torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))'
        subprocess.run([python, '-c', trial], check=True)


if __name__ == '__main__':
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        fail(f'{" ".join(map(str, error.cmd[:4]))} ended with status {error.returncode}')
