"""Brings the CUDA libraries that TensorFlow's GPU build opens out of NVIDIA's wheels into the cache, for the image.

usage: fetch-cuda.py VERSION

The result is CACHE/cuda-<version>/{lib64,bin,nvvm,licenses}: laid out as a CUDA toolkit, where TensorFlow looks for it. VERSION is that of
TensorFlow, which decides what is needed.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import sys
import zipfile

from cache import building, fail, named_failures
from wheels import PINS, PLATFORM, pip, run_pip

# In a wheel, and in the result. ptxas and libdevice are for XLA.
PARTS = (
    (re.compile(r'nvidia/\w+/lib/(lib[\w.-]+\.so[\w.]*)'), 'lib64'),
    (re.compile(r'nvidia/cuda_nvcc/bin/(ptxas)'), 'bin'),
    (re.compile(r'nvidia/cuda_nvcc/nvvm/libdevice/(libdevice[\w.]+)'), 'nvvm/libdevice'),
)

# Nothing opens them: older interfaces, several GPUs by one solver, tools of profilers.
LEFT_OUT = re.compile(r'lib(cufftw|cusolverMg|nvblas|checkpoint|nvperf_\w+|pcsamplingutil)\.|\.alt\.so')


def target_of(name: str, wheel: str) -> str | None:
    """Where a file of a wheel goes, or None."""
    for pattern, folder in PARTS:
        found = pattern.fullmatch(name)
        if found and not LEFT_OUT.search(name):
            return f'{folder}/{found[1]}'
    return f'licenses/{wheel}.txt' if re.search(r'\.dist-info/(licenses/)?License\.txt$', name) else None


def unpack(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            target = target_of(name, wheel.name.split('-')[0])
            if target is None:
                continue
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, open(path, 'wb') as file:
                shutil.copyfileobj(source, file, 2**22)


def main(version: str) -> None:
    with building(f'cuda-{version}') as unfinished:
        if unfinished is None:
            return
        print(f'fetching the CUDA libraries of TensorFlow {version}, about 2.5 GB', flush=True)
        run_pip([*pip(unfinished.scratch), 'download'], PINS / 'cuda.txt', *PLATFORM, '--platform', 'manylinux2014_x86_64',
                '--dest', str(unfinished.scratch))
        wheels = sorted(unfinished.scratch.glob('nvidia_*.whl'))
        if not wheels:
            fail('pip brought no wheel of NVIDIA')
        for wheel in wheels:
            unpack(wheel, unfinished.result)


if __name__ == '__main__':
    with named_failures():
        main(*sys.argv[1:])
