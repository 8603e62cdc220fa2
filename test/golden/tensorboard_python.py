"""Opens event files as TensorBoard does, and prints as JSON every scalar of them.

usage: tensorboard_python.py FOLDER...      (PYTHONPATH: what scripts/fetch-python-packages.py prints)
"""

import json
import sys

from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray


def scalars_of(folder: str) -> dict[str, list[list[float]]]:
    accumulator = EventAccumulator(folder, size_guidance={'tensors': 0})
    accumulator.Reload()
    return {
        tag: [[event.step, event.wall_time, float(make_ndarray(event.tensor_proto))] for event in accumulator.Tensors(tag)]
        for tag in accumulator.PluginTagToContent('scalars')
    }


print(json.dumps({folder: scalars_of(folder) for folder in sys.argv[1:]}))
