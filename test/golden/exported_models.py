"""Runs exported models with the programs that they are written for, for exported_models.test.ts.

usage: exported_models.py onnx|pytorch|savedmodel IMAGES HEIGHT WIDTH CHANNELS FOLDER...

IMAGES is a file of uint8, one image after another. Each FOLDER has the files of one export, and gets the outputs as float32 in the file
`outputs`. Each format needs its own packages: onnxruntime with NumPy, PyTorch with safetensors, or none for a SavedModel, which TensorFlow's
C library loads. The folder of that library is in TENSORFLOW.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pathlib
import sys


def onnx(folder: pathlib.Path, images: bytes, shape: list[int]) -> bytes:
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / 'model.onnx', providers=['CPUExecutionProvider'])
    (given,) = session.get_inputs()
    (returned,) = session.get_outputs()
    assert (given.name, given.type, given.shape) == ('images', 'tensor(uint8)', ['batch', *shape[1:]]), given
    assert (returned.name, returned.type, returned.shape[0]) == ('logits', 'tensor(float)', 'batch'), returned
    (outputs,) = session.run(None, {'images': numpy.frombuffer(images, numpy.uint8).reshape(shape)})
    return outputs.tobytes()


def pytorch(folder: pathlib.Path, images: bytes, shape: list[int]) -> bytes:
    import torch

    spec = importlib.util.spec_from_file_location('model', folder / 'model.py')
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    pixels = torch.frombuffer(bytearray(images), dtype=torch.uint8).reshape(shape).permute(0, 3, 1, 2)
    with torch.no_grad():
        return model.load()(pixels).contiguous().numpy().tobytes()


class Output(ctypes.Structure):
    """TF_Output: an output of an operation."""

    _fields_ = [('operation', ctypes.c_void_p), ('index', ctypes.c_int)]


FLOAT, UINT8 = 1, 4


def savedmodel(folder: pathlib.Path, images: bytes, shape: list[int]) -> bytes:
    libraries = pathlib.Path(os.environ['TENSORFLOW'])
    ctypes.CDLL(str(libraries / 'libtensorflow_framework.so.2'), ctypes.RTLD_GLOBAL)
    tf = ctypes.CDLL(str(libraries / 'libtensorflow.so'))
    pointers = 'NewStatus NewGraph NewSessionOptions LoadSessionFromSavedModel GraphOperationByName AllocateTensor TensorData'
    for name in pointers.split():
        getattr(tf, f'TF_{name}').restype = ctypes.c_void_p
    tf.TF_Message.restype = ctypes.c_char_p
    tf.TF_TensorByteSize.restype = ctypes.c_size_t
    pointer = ctypes.c_void_p
    status, graph = pointer(tf.TF_NewStatus()), pointer(tf.TF_NewGraph())

    def check() -> None:
        if tf.TF_GetCode(status) != 0:
            sys.exit(tf.TF_Message(status).decode())

    def output(name: bytes) -> Output:
        found = tf.TF_GraphOperationByName(graph, name)
        assert found, f'the graph has no operation {name}'
        return Output(found, 0)

    tags = (ctypes.c_char_p * 1)(b'serve')
    options = pointer(tf.TF_NewSessionOptions())
    session = tf.TF_LoadSessionFromSavedModel(options, None, str(folder).encode(), tags, 1, graph, None, status)
    check()
    sizes = (ctypes.c_int64 * len(shape))(*shape)
    tensor = pointer(tf.TF_AllocateTensor(UINT8, sizes, len(shape), ctypes.c_size_t(len(images))))
    ctypes.memmove(tf.TF_TensorData(tensor), images, len(images))
    results = (pointer * 1)()
    tf.TF_SessionRun(
        pointer(session), None,
        (Output * 1)(output(b'images')), (pointer * 1)(tensor), 1,
        (Output * 1)(output(b'logits')), results, 1,
        None, 0, None, status,
    )
    check()
    result = pointer(results[0])
    assert tf.TF_TensorType(result) == FLOAT
    return ctypes.string_at(tf.TF_TensorData(result), tf.TF_TensorByteSize(result))


def main(kind: str, images: str, height: str, width: str, channels: str, *folders: str) -> None:
    sizes = [int(size) for size in (height, width, channels)]
    content = pathlib.Path(images).read_bytes()
    count = len(content) // (sizes[0] * sizes[1] * sizes[2])
    run = {'onnx': onnx, 'pytorch': pytorch, 'savedmodel': savedmodel}[kind]
    for folder in map(pathlib.Path, folders):
        (folder / 'outputs').write_bytes(run(folder, content, [count, *sizes]))


if __name__ == '__main__':
    main(*sys.argv[1:])
