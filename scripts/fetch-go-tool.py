"""Builds programs written in Go, each from its module, into the cache, and prints where they are.

usage: fetch-go-tool.py TOOL...

The result is CACHE/<tool>-<version>/<tool>. Tests run these programs; nothing of ours is linked to them or ships them. They are
built here because none of them is to be had as a binary from a package registry. Charts and custom resource definitions come out of
modules too; there the result is a folder.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
from collections.abc import Callable
from typing import NamedTuple

from cache import building, cache_folder, fail, named_failures, shared
from find_go import find_go
from go_builds import Module, Place, build, collector, folder, kubernetes, own


class Tool(NamedTuple):
    """A program in a module, or a folder of it. `name` is what the version is called in the cache, where its own name is long."""

    module: Module | None
    package: str
    name: str
    minutes: int
    build: Callable[[Place, Module, str], pathlib.Path] = build
    # Links to the program that lie beside it.
    links: tuple[str, ...] = ()


# These two fit each other: Kueue is built with the types of this JobSet.
JOBSET = Module('sigs.k8s.io/jobset@v0.11.1', 'h1:WgLEBnXTeX+4MxfVkIbfm4jIVgjvIY6Jfaei2okxKNk=')
KUEUE = Module('sigs.k8s.io/kueue@v0.17.0', 'h1:7hzb38M4eKGzYW+CFv2s1L+swzzacUCHOCXxZmAV90I=')

TOOLS = {
    # The last state of a module that is no longer maintained: its newest tagged version cannot be had.
    'minio': Tool(
        Module('github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c', 'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA='),
        '.', '20260212', 6),
    'mc': Tool(
        Module('github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9', 'h1:6RyInOHKL6jz8zxcAar/h6rg/aJCxDP/uFuSNvYSuMI='),
        '.', '20250313', 3),
    'versitygw': Tool(
        Module('github.com/versity/versitygw@v1.8.0', 'h1:au+wI+aybno/STsQiSm35Uu6Q6iK5MWReQxgO6SEMFc='),
        './cmd/versitygw', '1.8.0', 3),
    'gofakes3': Tool(
        Module('github.com/johannesboyne/gofakes3@v1.2.0', 'h1:I9VEzPWvvAUAGzDlhYFoZjF0AXMlkcEyZlmBwiI6Oms='),
        './cmd/gofakes3', '1.2.0', 1),
    'toxiproxy': Tool(
        Module('github.com/Shopify/toxiproxy/v2@v2.5.0', 'h1:i4LPT+qrSlKNtQf5QliVjdP08GyAH8+BUIc9gT0eahc='),
        './cmd/server', '2.5.0', 1),
    'grpcurl': Tool(
        Module('github.com/fullstorydev/grpcurl@v1.9.4', 'h1:7bC3tlRwS7dPyfhBo0Xmigns8hWH/K4fg9NrafpY57k='),
        './cmd/grpcurl', '1.9.4', 2),
    'otelcol': Tool(
        Module('go.opentelemetry.io/collector/cmd/builder@v0.165.0', 'h1:UKsS/BX+7hEP1MwjHYTPB8yB7z0LSVAC5BTlrSKgpY0='),
        '.', '0.165.0', 3, collector),
    # Its second major version under the name of its first: tags of v2 are no versions of the module.
    'jaeger': Tool(
        Module('github.com/jaegertracing/jaeger@v1.76.0', 'h1:sWCOOF1dr+NL0PLil7mFo3BqqQL8k4WiM7aguFbc14g='),
        './cmd/jaeger', '1.76.0', 5),
    'promtool': Tool(
        Module('github.com/prometheus/prometheus@v0.316.0', 'h1:f1GRFerhTMKQma+awCoC9T820ecWeGSdF+xAlMHzZzM='),
        './cmd/promtool', '0.316.0', 6),
    'crane': Tool(
        Module('github.com/google/go-containerregistry@v0.22.1', 'h1:RZuuSYhTvlDvtsK+NkutoCZ//C0X2ebLK8X8l3ULs84='),
        './cmd/crane', '0.22.1', 1),
    'kubernetes': Tool(
        Module('k8s.io/kubernetes@v1.36.3', 'h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o='),
        'kubernetes', '1.36.3', 9, kubernetes,
        ('etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl')),
    'coredns': Tool(
        Module('github.com/coredns/coredns@v1.15.0', 'h1:OBT+OEyHVdUiVxPhrNlC5XZVq3RkSxzQXfZQ76gm5ck='),
        'coredns', '1.15.0', 3, own),
    'pause': Tool(None, 'pause', '1', 1, own),
    'jobset': Tool(JOBSET, '.', '0.11.1', 5),
    'jobset-chart': Tool(JOBSET, 'charts/jobset', '0.11.1', 0, folder),
    'jobset-crds': Tool(JOBSET, 'config/components/crd/bases', '0.11.1', 0, folder),
    'kueue': Tool(KUEUE, './cmd/kueue', '0.17.0', 3),
    'kueue-chart': Tool(KUEUE, 'charts/kueue', '0.17.0', 0, folder),
    'kueue-crds': Tool(KUEUE, 'config/components/crd/bases', '0.17.0', 0, folder),
    'cert-manager-crds': Tool(
        Module('github.com/cert-manager/cert-manager@v1.21.2', 'h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68='),
        'deploy/crds', '1.21.2', 0, folder),
    'gateway-crds': Tool(
        Module('sigs.k8s.io/gateway-api@v1.4.0', 'h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ='),
        'config/crd/standard', '1.4.0', 0, folder),
    'prometheus-crds': Tool(
        Module('github.com/prometheus-operator/prometheus-operator@v0.85.0', 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s='),
        'example/prometheus-operator-crd', '0.85.0', 0, folder),
    'helm': Tool(
        Module('helm.sh/helm/v4@v4.3.1', 'h1:UndCoLe9UPmNoL7IvWzaUXveL7T5t/ijoorEmgJdI9g='),
        './cmd/helm', '4.3.1', 5),
    'helm-unittest': Tool(
        Module('github.com/helm-unittest/helm-unittest@v1.1.2', 'h1:r1Ah6Pr3h4kqvd65RN+r0FNTIGrJa+P9rcMyzwHEXXQ='),
        './cmd/helm-unittest', '1.1.2', 1),
    'kube-score': Tool(
        Module('github.com/zegl/kube-score@v1.20.0', 'h1:J1VqK86SunV4Gg8emPTmwUVxe0rmXnAs5K9ZUbGMKR8='),
        './cmd/kube-score', '1.20.0', 1),
}

def path_of(name: str, kept: pathlib.Path) -> pathlib.Path:
    """Where the tool is, after it was built if need be. `kept` is what such builds share."""
    tool = TOOLS[name]
    place = f'{name}-{tool.name}'
    with building(place) as unfinished:
        if unfinished is not None:
            go = find_go()
            minutes = f'{tool.minutes} minute{"s" if tool.minutes > 1 else ""}'
            what = f'building {name} {tool.name}, about {minutes}' if tool.minutes > 0 else f'fetching {name} {tool.name}'
            print(what, file=sys.stderr, flush=True)
            made = tool.build(Place(go, unfinished.scratch, kept), tool.module, tool.package)
            shutil.move(made, unfinished.result / name)
            for link in tool.links:
                (unfinished.result / link).symlink_to(name)
    return cache_folder() / place / name


def main(*names: str) -> None:
    unknown = [name for name in names if name not in TOOLS]
    if unknown or not names:
        fail(f'there is no tool {" or ".join(unknown)}; there are {", ".join(TOOLS)}' if unknown else 'which tool?')
    paths = [cache_folder() / f'{name}-{TOOLS[name].name}' / name for name in names]
    built = all(path.parent.exists() for path in paths)
    # Whoever builds last removes what builds share, for minutes: nothing that is there waits for that.
    if built:
        print(*paths, sep='\n')
        return
    # Other processes go first: these builds take minutes of all cores.
    os.nice(10)
    with shared('go-builds') as kept:
        for name in names:
            print(path_of(name, kept))


if __name__ == '__main__':
    with named_failures():
        main(*sys.argv[1:])
