"""The project's U-Net in PyTorch, for benchmarks: same shapes, same parameter names.

Covers what the shipped model uses: no normalisation, bias conditioning, plain resampling.
"""
import json
import math
import struct

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

TYPES = {"F16": np.float16, "F32": np.float32}


def read_safetensors(path):
    """Returns (tensors as float32, metadata)."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.astype(np.float32))
    return tensors, metadata


class Block(nn.Module):
    def __init__(self, inputs, outputs, embedding):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.level = nn.Linear(embedding, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x, embedding):
        h = self.conv1(x) + self.level(embedding)[:, :, None, None]
        h = self.conv2(F.silu(h))
        return h + (x if self.skip is None else self.skip(x))


class Embedding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(64, width)
        self.second = nn.Linear(width, width)
        self.register_buffer(
            "frequencies", torch.exp(torch.linspace(math.log(0.05), math.log(2.0), 32)), persistent=False)

    def forward(self, level):
        snr = level.clamp(1e-7, 1).log() - (1 - level).clamp(1e-7, 1).log()
        angles = snr[:, None] * self.frequencies[None]
        h = torch.cat([angles.sin(), angles.cos()], 1)
        return F.silu(self.second(F.silu(self.first(h))))


class UNet(nn.Module):
    def __init__(self, network):
        super().__init__()
        base, self.patch = network["baseWidth"], network["patchSize"]
        widths = [base * m for m in network["multipliers"]]
        blocks, area = network["blocks"], self.patch**2
        assert network["norm"] == "none" and network["levelConditioning"] == "bias"
        assert not network["attentionLevels"] and not network["residualResampling"]
        self.levels, self.blocks = len(widths), blocks
        self.embedding = Embedding(base * 4)
        self.input = nn.Conv2d((network["imageChannels"] + network["conditionChannels"]) * area, base, 3, padding=1)
        channels = base
        for level, width in enumerate(widths):
            for index in range(blocks):
                self.add_module(f"down{level}_{index}", Block(channels, width, base * 4))
                channels = width
            if level + 1 < len(widths):
                self.add_module(f"shrink{level}", nn.Conv2d(channels, widths[level + 1], 2, stride=2))
                channels = widths[level + 1]
        self.middle = Block(channels, channels, base * 4)
        for level in reversed(range(len(widths) - 1)):
            self.add_module(f"grow{level}", nn.Conv2d(channels, widths[level] * 4, 1))
            channels = widths[level]
            for index in range(blocks):
                self.add_module(f"up{level}_{index}", Block(channels, channels, base * 4))
        self.output = nn.Conv2d(channels, network["imageChannels"] * area, 3, padding=1)

    def forward(self, noisy, condition, level):
        embedding = self.embedding(level)
        h = F.pixel_unshuffle(torch.cat([noisy, condition], 1), self.patch)
        h = self.input(h.contiguous(memory_format=torch.channels_last))
        skips = []
        for index in range(self.levels):
            for block in range(self.blocks):
                h = getattr(self, f"down{index}_{block}")(h, embedding)
            if index + 1 < self.levels:
                skips.append(h)
                h = getattr(self, f"shrink{index}")(h)
        h = self.middle(h, embedding)
        for index in reversed(range(self.levels - 1)):
            h = F.pixel_shuffle(getattr(self, f"grow{index}")(h), 2) + skips.pop()
            for block in range(self.blocks):
                h = getattr(self, f"up{index}_{block}")(h, embedding)
        return F.pixel_shuffle(self.output(h), self.patch)


def load(path):
    """The model of a file, channels-last, ready for inference."""
    tensors, metadata = read_safetensors(path)
    model = UNet(json.loads(metadata["configuration"])["network"])
    model.load_state_dict(tensors)
    return model.to(memory_format=torch.channels_last).eval()
