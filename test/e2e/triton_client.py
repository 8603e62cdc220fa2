"""Asks a server of the Open Inference Protocol with tritonclient, over gRPC and over HTTP, for a test.

usage: triton_client.py GRPC HTTP MODEL IMAGES SHAPE...
(PYTHONPATH: what scripts/fetch-python-packages.py prints for tritonclient and for geventhttpclient)

GRPC and HTTP are addresses, IMAGES is a file of uint8 images of a shape, one after another. Prints a line of JSON: what the server says of
itself over each of the two, and the outputs for all images, in base64, by the way in which they were asked for.
"""

from __future__ import annotations

import base64
import json
import queue
import sys

import numpy as np
import tritonclient.grpc as triton
import tritonclient.http as triton_http

BATCHES = {'grpc-1': 1, 'grpc-5': 5, 'grpc-32': 32}
# Whether tensors of a request, and of its answer, are bytes after the JSON; None: the client asks for no output by name.
HTTP_FORMS = {'http': (True, None), 'http-json': (False, False), 'http-bytes-to-json': (True, False), 'http-json-to-bytes': (False, True)}


def array(rows: np.ndarray, datatype: str) -> np.ndarray:
    return rows.astype(np.uint8 if datatype == 'UINT8' else np.float32)


def tensor(rows: np.ndarray, datatype: str = 'UINT8') -> triton.InferInput:
    images = triton.InferInput('images', list(rows.shape), datatype)
    images.set_data_from_numpy(array(rows, datatype))
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


def posted(client: triton_http.InferenceServerClient, model: str, rows: np.ndarray, form: str, datatype: str = 'UINT8') -> np.ndarray:
    binary_input, binary_output = HTTP_FORMS[form]
    images = triton_http.InferInput('images', list(rows.shape), datatype)
    images.set_data_from_numpy(array(rows, datatype), binary_data=binary_input)
    wanted = None if binary_output is None else [triton_http.InferRequestedOutput('logits', binary_data=binary_output)]
    answer = client.infer(model, [images], outputs=wanted, request_id=form)
    assert answer.get_response()['id'] == form
    return answer.as_numpy('logits')


def facts(client: triton.InferenceServerClient | triton_http.InferenceServerClient, model: str) -> dict:
    return {'live': client.is_server_live(), 'ready': client.is_server_ready(), 'modelReady': client.is_model_ready(model)}


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
    over_http = triton_http.InferenceServerClient(http)
    for form in HTTP_FORMS:
        outputs[form] = text([posted(over_http, model, rows, form) for rows in batches(images, 32)])
    outputs['http-floats'] = text([posted(over_http, model, images, 'http', 'FP32')])
    said = {
        'grpc': {
            **facts(client, model),
            'server': client.get_server_metadata().name,
            'inputs': metadata['inputs'],
            'versions': metadata['versions'],
            'index': [model.name for model in client.get_model_repository_index().models],
        },
        'http': {
            **facts(over_http, model),
            'server': over_http.get_server_metadata()['name'],
            'inputs': over_http.get_model_metadata(model)['inputs'],
            'versions': over_http.get_model_metadata(model)['versions'],
            'index': [model['name'] for model in over_http.get_model_repository_index()],
        },
        'outputs': outputs,
    }
    print(json.dumps(said))


if __name__ == '__main__':
    main(*sys.argv[1:])
