"""Brings a headless Chromium into the cache, without root, and prints where it is: the browser tests drive it.

usage: fetch-chromium.py

First found wins: the program TRIKD_CHROMIUM, a Chromium or Chrome on PATH, Debian's package with the libraries that the machine
lacks, fetched with apt-get and unpacked.
"""

from __future__ import annotations

import os
import pathlib
import shutil

from cache import building, cache_folder, fail
from debian import attempt, fetch

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


def add_starter(result: pathlib.Path) -> str | None:
    """Adds the starter to what was unpacked. Returns what went wrong, or None."""
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
            problem = fetch(PACKAGES, unfinished.scratch, unfinished.result) or add_starter(unfinished.result)
            if problem is not None:
                fail(f'{problem}\nInstall Chromium, or name the program in TRIKD_CHROMIUM.')
    print(cache_folder() / 'chromium' / 'chromium')


if __name__ == '__main__':
    main()
