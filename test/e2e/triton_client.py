"""Asks a server of the Open Inference Protocol, with tritonclient over gRPC and with urllib over HTTP, for a test.

usage: triton_client.py GRPC HTTP MODEL IMAGES SHAPE...      (PYTHONPATH: what scripts/fetch-python-packages.py prints for tritonclient)

IMAGES is a file of uint8 images of a shape, one after another. Prints a line of JSON: what the server says of itself, and the outputs for all
images, in base64, by the way in which they were asked for.
"""

from __future__ import annotations

import base64
import json
import queue
import sys
import urllib.request

import numpy as np
import tritonclient.grpc as triton

BATCHES = {'grpc-1': 1, 'grpc-5': 5, 'grpc-32': 32}


def tensor(rows: np.ndarray, datatype: str = 'UINT8') -> triton.InferInput:
    images = triton.InferInput('images', list(rows.shape), datatype)
    images.set_data_from_numpy(rows.astype(np.uint8 if datatype == 'UINT8' else np.float32))
    return images


def batches(images: np.ndarray, size: int) -> list[np.ndarray]:
    return [images[first : first + size] for first in range(0, len(images), size)]


def text(outputs: list[np.ndarray]) -> str:
    return base64.b64encode(np.concatenate(outputs).tobytes()).decode()


def streamed(client: triton.InferenceServerClient, model: str, images: np.ndarray) -> list[np.ndarray]:
    answers: queue.Queue = queue.Queue()
    client.start_stream(lambda result, error: answers.put(error or result))
    parts = batches(images, 7)
    for at, rows in enumerate(parts):
        client.async_stream_infer(model, [tensor(rows)], request_id=str(at))
    results = [answers.get(timeout=30) for _ in parts]
    client.stop_stream()
    assert [result.get_response().id for result in results] == [str(at) for at in range(len(parts))]
    return [result.as_numpy('logits') for result in results]


def posted(url: str, rows: np.ndarray) -> np.ndarray:
    images = {'name': 'images', 'datatype': 'UINT8', 'shape': list(rows.shape), 'parameters': {'binary_data_size': rows.size}}
    wanted = {'name': 'logits', 'parameters': {'binary_data': True}}
    head = json.dumps({'inputs': [images], 'outputs': [wanted]}).encode()
    headers = {'Inference-Header-Content-Length': str(len(head)), 'Content-Type': 'application/octet-stream'}
    with urllib.request.urlopen(urllib.request.Request(url, head + rows.tobytes(), headers)) as answer:
        length = int(answer.headers['Inference-Header-Content-Length'])
        body = answer.read()
    shape = json.loads(body[:length])['outputs'][0]['shape']
    return np.frombuffer(body[length:], np.float32).reshape(shape)


def main(grpc: str, http: str, model: str, file: str, *shape: str) -> None:
    images = np.fromfile(file, np.uint8).reshape([-1, *map(int, shape)])
    client = triton.InferenceServerClient(grpc)
    metadata = client.get_model_metadata(model, as_json=True)
    outputs = {
        name: text([client.infer(model, [tensor(rows)]).as_numpy('logits') for rows in batches(images, size)])
        for name, size in BATCHES.items()
    }
    outputs['grpc-floats'] = text([client.infer(model, [tensor(images, 'FP32')]).as_numpy('logits')])
    outputs['stream'] = text(streamed(client, model, images))
    outputs['http'] = text([posted(f'{http}/v2/models/{model}/infer', rows) for rows in batches(images, 32)])
    said = {
        'live': client.is_server_live(),
        'ready': client.is_server_ready(),
        'modelReady': client.is_model_ready(model),
        'server': client.get_server_metadata().name,
        'inputs': metadata['inputs'],
        'versions': metadata['versions'],
        'index': [model.name for model in client.get_model_repository_index().models],
        'outputs': outputs,
    }
    print(json.dumps(said))


if __name__ == '__main__':
    main(*sys.argv[1:])
