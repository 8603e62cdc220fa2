"""A server of the Open Inference Protocol that computes with ONNX Runtime, made of the stubs of tritonclient: what `bench/serving.ts` compares with.

usage: onnx_server.py MODEL THREADS      (PYTHONPATH: the packages tritonclient and onnxruntime)

Serves the model `tiny` from a file, its input images of uint8. Prints its port, and ends with its standard input.
"""

from __future__ import annotations

import sys
from concurrent import futures

import grpc
import numpy as np
import onnxruntime
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as stubs

LARGEST_MESSAGE = 64 * 1024 * 1024


class Server(stubs.GRPCInferenceServiceServicer):
    def __init__(self, file: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options, providers=['CPUExecutionProvider'])

    def ModelInfer(self, request, context):
        shape = list(request.inputs[0].shape)
        images = np.frombuffer(request.raw_input_contents[0], np.uint8).reshape(shape)
        [logits] = self.session.run(['logits'], {'images': images})
        output = pb.ModelInferResponse.InferOutputTensor(name='logits', datatype='FP32', shape=logits.shape)
        return pb.ModelInferResponse(
            model_name=request.model_name, model_version='1', outputs=[output], raw_output_contents=[logits.tobytes()]
        )


def main(file: str, threads: str) -> None:
    # Two calls at once keep the session busy while an answer is sent; more would only share its threads.
    server = grpc.server(futures.ThreadPoolExecutor(2), options=[('grpc.max_receive_message_length', LARGEST_MESSAGE)])
    stubs.add_GRPCInferenceServiceServicer_to_server(Server(file, int(threads)), server)
    port = server.add_insecure_port('127.0.0.1:0')
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(1).wait()


if __name__ == '__main__':
    main(*sys.argv[1:])
