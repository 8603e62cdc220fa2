"""A server of the Open Inference Protocol, made of the stubs of tritonclient, for tests.

usage: inference_server.py CHANNELS CLASSES [PORT]      (PYTHONPATH: what scripts/fetch-python-packages.py prints for tritonclient)

Serves the model `linear`: logits are the pixels times fixed weights, in float32. Prints the port as JSON, then a line for each answer: the
SHA-256 of the images and the logits. It reads a line of JSON at a time from standard input, which replaces how it behaves:

  shift     added to all logits of the next answer, and as much more with each further one: no answer can be had again
  seconds   before each answer
  fail      [status, how many times]
  answer    `nan`, `probabilities`, `rows` (too few) or `silence`
  after     how many answers are as usual before `answer`
  classes   of the model from now on
  datatype  of the images: UINT8 or FP32
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
import time
from concurrent import futures

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as stubs

LARGEST_MESSAGE = 64 * 1024 * 1024


class Server(stubs.GRPCInferenceServiceServicer):
    def __init__(self, channels: int, classes: int) -> None:
        self.channels = channels
        self.classes = classes
        self.behaviour: dict = {}
        self.answers = 0
        self.lock = threading.Lock()

    def ServerLive(self, request, context):
        return pb.ServerLiveResponse(live=True)

    def ModelMetadata(self, request, context):
        self.known(request.name, context)
        datatype = self.behaviour.get('datatype', 'UINT8')
        images = pb.ModelMetadataResponse.TensorMetadata(name='images', datatype=datatype, shape=[-1, -1, -1, self.channels])
        logits = pb.ModelMetadataResponse.TensorMetadata(
            name='logits', datatype='FP32', shape=[-1, self.behaviour.get('classes', self.classes)]
        )
        return pb.ModelMetadataResponse(name='linear', versions=['1'], platform='numpy', inputs=[images], outputs=[logits])

    def ModelInfer(self, request, context):
        self.known(request.model_name, context)
        behaviour = self.behaviour
        time.sleep(behaviour.get('seconds', 0))
        with self.lock:
            status, times = behaviour.get('fail', ['', 0])
            if times > 0:
                behaviour['fail'] = [status, times - 1]
                context.abort(grpc.StatusCode[status], 'on purpose')
            self.answers += 1
            shift = behaviour.get('shift', 0) * self.answers
            usual = behaviour.get('after', 0)
            behaviour['after'] = max(0, usual - 1)
        answer = None if usual > 0 else behaviour.get('answer')
        if answer == 'silence':
            time.sleep(3600)
        raw = request.raw_input_contents[0]
        logits = self.logits(raw, request.inputs[0]) + np.float32(shift)
        if answer == 'nan':
            logits[0, 0] = np.nan
        if answer == 'probabilities':
            logits = np.full_like(logits, 1 / logits.shape[1])
        if answer == 'rows':
            logits = logits[1:]
        if answer is None:
            said = {'images': hashlib.sha256(raw).hexdigest(), 'logits': base64.b64encode(logits.tobytes()).decode()}
            self.say(said)
        output = pb.ModelInferResponse.InferOutputTensor(name='logits', datatype='FP32', shape=logits.shape)
        return pb.ModelInferResponse(
            model_name='linear', model_version='1', outputs=[output], raw_output_contents=[logits.tobytes()]
        )

    def say(self, what: dict) -> None:
        """Prints a line; several threads answer at once."""
        with self.lock:
            print(json.dumps(what), flush=True)

    def known(self, name: str, context) -> None:
        if name != 'linear':
            context.abort(grpc.StatusCode.NOT_FOUND, f'there is no model {name}')

    def logits(self, raw: bytes, tensor) -> np.ndarray:
        kind = np.uint8 if tensor.datatype == 'UINT8' else np.float32
        images = np.frombuffer(raw, kind).reshape(tensor.shape[0], -1).astype(np.float32)
        classes = self.behaviour.get('classes', self.classes)
        # Fixed weights, without a library of random numbers whose versions could differ.
        places = np.arange(images.shape[1] * classes, dtype=np.float32).reshape(-1, classes)
        weights = np.sin(places * np.float32(12.9898)).astype(np.float32) / np.float32(images.shape[1] * 16)
        return images @ weights


def main(channels: str, classes: str, port: str = '0') -> None:
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=8), options=[('grpc.max_receive_message_length', LARGEST_MESSAGE)]
    )
    served = Server(int(channels), int(classes))
    stubs.add_GRPCInferenceServiceServicer_to_server(served, server)
    bound = server.add_insecure_port(f'127.0.0.1:{port}')
    server.start()
    print(json.dumps({'port': bound}), flush=True)
    for line in sys.stdin:
        served.behaviour = json.loads(line)
        served.say({'behaves': served.behaviour})
    # Whoever started it is gone.
    server.stop(None)


if __name__ == '__main__':
    main(*sys.argv[1:])
