"""Ways to build a program written in Go. Each returns where the program is; whatever else it leaves is in `scratch`."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
from typing import NamedTuple

from cache import fail


class Place(NamedTuple):
    """Where a build happens: with which Go, in which empty folder, and where modules and what was compiled of them are kept from one
    build to the next: half of what a program is made of, another one is made of too."""

    go: pathlib.Path
    scratch: pathlib.Path
    kept: pathlib.Path

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            'CGO_ENABLED': '0',
            'GOBIN': str(self.scratch / 'bin'),
            'GOCACHE': str(self.kept / 'build'),
            # Module folders that can be removed like any others.
            'GOFLAGS': '-p=2 -modcacherw -trimpath',
            'GOMODCACHE': str(self.kept / 'modules'),
            'GOPATH': str(self.scratch / 'path'),
            'GOTMPDIR': str(self.scratch),
            'GOTOOLCHAIN': 'local',
            # The builder of the collector looks for Go by itself.
            'PATH': f'{self.go.parent}{os.pathsep}{os.environ.get("PATH", "")}',
        }

    def run(self, what: str, *command: object, folder: pathlib.Path | None = None) -> str:
        """What the command says on standard output. `what` it makes is named when it fails."""
        done = subprocess.run([str(part) for part in command], cwd=folder or self.scratch, env=self.environment(),
                              capture_output=True, text=True)
        if done.returncode != 0:
            fail(f'{what} cannot be built:\n{done.stdout}{done.stderr}')
        return done.stdout


def install(place: Place, package: str, version: str) -> pathlib.Path:
    """As `go install` does it."""
    wanted = f'{package}@{version}'
    place.run(wanted, place.go, 'install', '-ldflags=-s -w', wanted)
    return place.scratch / 'bin' / pathlib.PurePosixPath(package).name


def inside_module(place: Place, package: str, version: str) -> pathlib.Path:
    """As its authors do it, in a copy of the module: `go install` refuses modules that replace others. The module is the first
    three parts of the package's name."""
    parts = package.split('/')
    wanted = f'{"/".join(parts[:3])}@{version}'
    found = json.loads(place.run(wanted, place.go, 'mod', 'download', '-json', wanted))
    source = place.scratch / 'source'
    shutil.copytree(found['Dir'], source)
    program = place.scratch / parts[-1]
    place.run(wanted, place.go, 'build', '-ldflags=-s -w', '-o', program, f'./{"/".join(parts[3:])}', folder=source)
    return program


def collector(place: Place, package: str, version: str) -> pathlib.Path:
    """A distribution of the OpenTelemetry Collector with the components that otelcol-components.yaml lists, by its own builder."""
    builder = install(place, package, version)
    components = pathlib.Path(__file__).parent / 'otelcol-components.yaml'
    place.run('otelcol', builder, '--config', components)
    return place.scratch / 'otelcol' / 'otelcol'
