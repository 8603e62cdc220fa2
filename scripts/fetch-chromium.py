"""Brings a headless Chromium into the cache, without root, and prints where it is: the browser tests drive it.

usage: fetch-chromium.py

First found wins: the program TRIKD_CHROMIUM, a Chromium or Chrome on PATH, Debian's package with the libraries that the machine
lacks, fetched with apt-get and unpacked.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from cache import building, cache_folder, fail

INSTALLED = ('chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome')
PACKAGES = ('chromium-headless-shell', 'fonts-dejavu-core', 'fontconfig-config')

# What a program of another prefix needs to find its libraries and fonts.
STARTER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
for folder in "$here"/usr/lib/chromium "$here"/usr/lib/*-linux-gnu "$here"/usr/lib/*-linux-gnu/pulseaudio "$here"/lib/*-linux-gnu; do
  LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
export LD_LIBRARY_PATH
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/PROGRAM" "$@"
"""

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""


def apt_options(scratch: pathlib.Path, lists: bool) -> list[str]:
    """Options that move all that apt-get writes into `scratch`, so that it needs no root."""
    (scratch / 'cache' / 'archives' / 'partial').mkdir(parents=True, exist_ok=True)
    options = [
        '-o', f'Dir::Cache={scratch}/cache', '-o', 'APT::Sandbox::User=', '-o', 'Debug::NoLocking=true',
        '-o', 'APT::Update::Post-Invoke::=true', '-o', 'Acquire::Languages=none',
    ]
    if lists:
        (scratch / 'state' / 'lists' / 'partial').mkdir(parents=True, exist_ok=True)
        options += ['-o', f'Dir::State={scratch}/state', '-o', 'Dir::State::status=/var/lib/dpkg/status']
    return options


def attempt(command: list[str]) -> str | None:
    """What went wrong, or None."""
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ['no message'])[-1]


def download(scratch: pathlib.Path) -> str | None:
    """Fetches the packages and what they need beyond what is installed. Returns what went wrong, or None."""
    for tool in ('apt-get', 'dpkg-deb'):
        if shutil.which(tool) is None:
            return f'{tool} is not on PATH'
    wanted = ['install', '--yes', '--download-only', '--no-install-recommends', *PACKAGES]
    if attempt(['apt-get', '-qq', *apt_options(scratch, False), *wanted]) is None:
        return None
    # No lists, or old ones: fetch the lists into a place of our own and ask again.
    private = ['apt-get', '-qq', *apt_options(scratch, True)]
    problem = attempt([*private, 'update']) or attempt([*private, *wanted])
    return problem and f'apt-get: {problem}'


def unpack(scratch: pathlib.Path, result: pathlib.Path) -> str | None:
    """Unpacks what was fetched and adds the starter. Returns what went wrong, or None."""
    for package in sorted((scratch / 'cache' / 'archives').glob('*.deb')):
        problem = attempt(['dpkg-deb', '-x', str(package), str(result)])
        if problem is not None:
            return f'dpkg-deb: {problem}'
    programs = sorted(path for path in result.glob('usr/lib/chromium/*headless*shell*') if os.access(path, os.X_OK))
    if not programs:
        return 'the package holds no headless Chromium'
    (result / 'fonts.conf').write_text(FONTS)
    starter = result / 'chromium'
    starter.write_text(STARTER.replace('PROGRAM', str(programs[0].relative_to(result))))
    starter.chmod(0o755)
    return attempt([str(starter), '--no-sandbox', '--version'])


def main() -> None:
    chosen = os.environ.get('TRIKD_CHROMIUM')
    found = chosen or next(filter(None, map(shutil.which, INSTALLED)), None)
    if found:
        print(found)
        return
    with building('chromium') as unfinished:
        if unfinished is not None:
            problem = download(unfinished.scratch) or unpack(unfinished.scratch, unfinished.result)
            if problem is not None:
                fail(f'{problem}\nInstall Chromium, or name the program in TRIKD_CHROMIUM.')
    print(cache_folder() / 'chromium' / 'chromium')


if __name__ == '__main__':
    main()
