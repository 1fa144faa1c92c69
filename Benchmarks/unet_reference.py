"""The network in PyTorch that `restore export` ships, for benchmarks."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Sources/Interchange/Python"))
from restore_unet import UNet, configuration, load, read_safetensors, signal_levels  # noqa: E402, F401


def read_weights(path):
    """(tensors as float32, metadata) of a file, or of the several that an index names."""
    if not path.endswith(".index.json"):
        return read_safetensors(path)
    with open(path) as file:
        parts = sorted(set(json.load(file)["weight_map"].values()))
    tensors = {}
    for part in parts:
        found, metadata = read_safetensors(os.path.join(os.path.dirname(path), part))
        tensors |= found
    return tensors, metadata
