"""Reads and writes files with the Python package safetensors, for safetensors.test.ts.

usage: safetensors_python.py read FILE    prints {"metadata": ..., "tensors": {NAME: {"dtype", "shape", "data"}}}, data in base64
       safetensors_python.py write        writes the files {PATH: ...} that standard input has in that form
"""

from __future__ import annotations

import base64
import json
import pathlib
import sys

from safetensors import deserialize, serialize_file


def read(path: str) -> None:
    content = pathlib.Path(path).read_bytes()
    tensors = {
        name: {**tensor, 'data': base64.b64encode(tensor['data']).decode()} for name, tensor in deserialize(content)
    }
    # The package hands out metadata only together with NumPy. By now it has found the header sound.
    header = json.loads(content[8:8 + int.from_bytes(content[:8], 'little')])
    json.dump({'metadata': header.get('__metadata__', {}), 'tensors': tensors}, sys.stdout)


def write() -> None:
    for path, content in json.load(sys.stdin).items():
        tensors = {name: {**tensor, 'data': base64.b64decode(tensor['data'])} for name, tensor in content['tensors'].items()}
        serialize_file(tensors, path, content['metadata'] or None)


if __name__ == '__main__':
    {'read': read, 'write': write}[sys.argv[1]](*sys.argv[2:])
