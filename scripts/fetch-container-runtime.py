"""Brings what runs containers on one machine into the cache, without root, and prints the folder of its programs: containerd, runc,
iptables and ip; the network plugins are in `cni` beside it.

usage: fetch-container-runtime.py

These are Debian's packages: runc and iptables are C, and cannot be built from a Go module alone.
"""

from __future__ import annotations

import pathlib

from cache import building, cache_folder, fail
from debian import fetch

PACKAGES = ('containerd', 'runc', 'containernetworking-plugins', 'iptables', 'iproute2')

# What each program is called, and how it is started in the unpacked packages.
PROGRAMS = {
    'containerd': 'usr/bin/containerd',
    'containerd-shim-runc-v2': 'usr/bin/containerd-shim-runc-v2',
    'runc': 'usr/sbin/runc',
    'ip': 'bin/ip',
    **{f'{name}{action}': f'usr/sbin/xtables-nft-multi {name}{action}'
       for name in ('iptables', 'ip6tables') for action in ('', '-save', '-restore')},
}

# What a program of another prefix needs to find its libraries.
STARTER = """#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
for folder in "$here"/usr/lib/*-linux-gnu "$here"/lib/*-linux-gnu; do
  [ ! -d "$folder" ] || LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  [ ! -d "$folder/xtables" ] || export XTABLES_LIBDIR="$folder/xtables"
done
export LD_LIBRARY_PATH
exec "$here"/COMMAND "$@"
"""


def add_starters(result: pathlib.Path) -> str | None:
    """Adds a starter for each program. Returns what went wrong, or None."""
    (result / 'programs').mkdir()
    for name, command in PROGRAMS.items():
        program = command.split()[0]
        if not (result / program).is_file():
            return f'the packages hold no {program}'
        starter = result / 'programs' / name
        starter.write_text(STARTER.replace('COMMAND', command))
        starter.chmod(0o755)
    (result / 'cni').symlink_to('usr/lib/cni')
    return None


def main() -> None:
    with building('container-runtime') as unfinished:
        if unfinished is not None:
            problem = fetch(PACKAGES, unfinished.scratch, unfinished.result) or add_starters(unfinished.result)
            if problem is not None:
                fail(problem)
    print(cache_folder() / 'container-runtime' / 'programs')


if __name__ == '__main__':
    main()
