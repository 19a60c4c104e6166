"""Writes data/fixtures/beat_this_tiny.onnx: a stand-in for the beat_this network in tests.

Needs onnx (pip install onnx). Same name, shape and type at every end as the published network, but
two filters instead of twenty million weights: a beat is where any band grows louder, a downbeat
where the lowest bands do.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BANDS, LOW = 128, 4


def rise(bands, threshold):
    """Filter and bias: the mean rise of the first bands from one column to the next."""
    kernel = np.zeros((1, BANDS, 3), dtype=np.float32)
    kernel[0, :bands, 1] = 1.0 / bands
    kernel[0, :bands, 0] = -1.0 / bands
    return kernel, np.array([-threshold], dtype=np.float32)


weights, nodes = [], [helper.make_node("Transpose", ["spectrogram"], ["bands"], perm=[0, 2, 1])]
weights.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"))
for name, bands, threshold in [("beat", BANDS, 1.0), ("downbeat", LOW, 4.0)]:
    kernel, bias = rise(bands, threshold)
    weights.append(numpy_helper.from_array(kernel, f"{name}_kernel"))
    weights.append(numpy_helper.from_array(bias, f"{name}_bias"))
    ends = ["bands", f"{name}_kernel", f"{name}_bias"], [f"{name}_raw"]
    shape = dict(kernel_shape=[3], strides=[1], dilations=[1], pads=[1, 1])
    nodes.append(helper.make_node("Conv", *ends, **shape))
    nodes.append(helper.make_node("Squeeze", [f"{name}_raw", "axis"], [name]))

graph = helper.make_graph(
    nodes,
    "beat_this_tiny",
    [helper.make_tensor_value_info("spectrogram", TensorProto.FLOAT, [1, "time", BANDS])],
    [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, "time"]) for n in ["beat", "downbeat"]],
    weights,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
folder = pathlib.Path(__file__).resolve().parents[2] / "data" / "fixtures"
folder.mkdir(parents=True, exist_ok=True)
onnx.save(model, folder / "beat_this_tiny.onnx")
