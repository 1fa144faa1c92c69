"""The network in PyTorch that `restore export` ships, for benchmarks."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Sources/Interchange/Python"))
from restore_unet import UNet, load, read_safetensors  # noqa: E402, F401
