"""Ways to build a program written in Go. Each returns where the result is; whatever else it leaves is in `scratch`."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
from typing import NamedTuple

from cache import fail


class Module(NamedTuple):
    """A version of a module, such as `example.com/m@v1.2.3`, with the hash of its content as go.sum has it."""

    name: str
    sum: str


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
            # Some modules were cut out of a workspace that names parts which they lack.
            'GOWORK': 'off',
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


SCRIPTS = pathlib.Path(__file__).parent


def fetch(place: Place, module: Module) -> pathlib.Path:
    """The folder of a module, whose content has the pinned hash."""
    found = json.loads(place.run(module.name, place.go, 'mod', 'download', '-json', module.name))
    if found['Sum'] != module.sum:
        fail(f'the Go module {module.name} is not the pinned one: expected {module.sum}, got {found["Sum"]}')
    return pathlib.Path(found['Dir'])


def build(place: Place, module: Module, package: str) -> pathlib.Path:
    """Builds a package of a module in a copy of it, as its authors do. The pinned hash is that of the module; the go.sum inside it
    has the hashes of all modules that it is made of, and Go compares them."""
    source = place.scratch / 'source'
    shutil.copytree(fetch(place, module), source)
    return compiled(place, module.name, source, package)


def compiled(place: Place, what: str, source: pathlib.Path, package: str, *settings: str) -> pathlib.Path:
    """Builds a package of the module in the folder `source`. `settings` are variables that the linker sets, as name=value."""
    program = place.scratch / 'program'
    flags = ' '.join(['-s', '-w', *(f'-X {setting}' for setting in settings)])
    place.run(what, place.go, 'build', '-mod=readonly', f'-ldflags={flags}', '-o', program, package, folder=source)
    return program


def own(place: Place, _: Module | None, name: str, *settings: str) -> pathlib.Path:
    """Builds the program whose source is in go/<name>. The hashes of the modules that it is made of are in pins/<name>.sum."""
    source = place.scratch / 'source'
    shutil.copytree(SCRIPTS / 'go' / name, source)
    pins = SCRIPTS / 'pins' / f'{name}.sum'
    if pins.exists():
        shutil.copyfile(pins, source / 'go.sum')
    return compiled(place, name, source, '.', *settings)


def kubernetes(place: Place, module: Module, name: str) -> pathlib.Path:
    """Our program of all parts of Kubernetes, which then reports the version of the module that they come from."""
    version = module.name.split('@')[1]
    major, minor, _ = version.removeprefix('v').split('.')
    return own(place, module, name, f'k8s.io/client-go/pkg/version.gitVersion={version}',
               *(f'k8s.io/component-base/version.git{part}' for part in (f'Version={version}', f'Major={major}', f'Minor={minor}')))


def folder(place: Place, module: Module, path: str) -> pathlib.Path:
    """A copy of a folder of a module, for files that are needed without its program."""
    return pathlib.Path(shutil.copytree(fetch(place, module) / path, place.scratch / 'folder'))


def collector(place: Place, module: Module, package: str) -> pathlib.Path:
    """A distribution of the OpenTelemetry Collector with the components that otelcol-components.yaml lists. Its own builder writes
    the sources; the hashes of their modules are ours, since there is no module of them."""
    builder = build(place, module, package)
    place.run('otelcol', builder, '--skip-compilation', '--config', SCRIPTS / 'otelcol-components.yaml')
    source = place.scratch / 'otelcol'
    shutil.copyfile(SCRIPTS / 'pins' / 'otelcol.sum', source / 'go.sum')
    return compiled(place, 'otelcol', source, '.')
