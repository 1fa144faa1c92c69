"""LPIPS 0.1 in PyTorch with random trunks: NETWORK HEADS TRUNK INPUT OUTPUT.

Writes a random trunk of the network's shape to TRUNK, as `torch.save` does. INPUT holds pictures
`a` and `b`, 1×3×H×W in [-1, 1]; OUTPUT receives their distance `value`.
"""

import os
import sys

import numpy as np
import torch
from torch import nn

sys.path.append(os.path.join(os.path.dirname(__file__), "../../TensorsTests/Fixtures"))
import safetensors_files


class Fire(nn.Module):
    def __init__(self, inputs, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


def alex():
    layers = [
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
    ]
    return layers, (1, 4, 7, 9, 11)


def vgg():
    layers, inputs = [], 3
    for size in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += [nn.Conv2d(inputs, size, 3, padding=1), nn.ReLU()] if size else [nn.MaxPool2d(2)]
        inputs = size or inputs
    return layers, (3, 8, 15, 22, 29)


def squeeze():
    pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
    layers = [
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64), pool(),
        Fire(128, 32, 128), Fire(256, 32, 128), pool(), Fire(256, 48, 192), Fire(384, 48, 192),
        Fire(384, 64, 256), Fire(512, 64, 256),
    ]
    return layers, (1, 4, 7, 9, 10, 11, 12)


def main(network, heads, trunk, source, target):
    torch.manual_seed(1)
    layers, taps = {"alex": alex, "vgg": vgg, "squeeze": squeeze}[network]()
    features = nn.Sequential(*layers)
    for parameter in features.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
    torch.save({"features." + name: value for name, value in features.state_dict().items()}, trunk)
    shift, scale = (
        torch.tensor(v).reshape(1, 3, 1, 1) for v in ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450])
    )
    tensors = safetensors_files.read(source)
    pair = [(torch.from_numpy(tensors[name]).float() - shift) / scale for name in "ab"]
    weights = safetensors_files.read(heads)
    total = 0.0
    with torch.no_grad():
        for number, layer in enumerate(features):
            pair = [layer(x) for x in pair]
            if number in taps:
                unit = [x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for x in pair]
                head = torch.from_numpy(weights[f"lin{taps.index(number)}.model.1.weight"])
                total += nn.functional.conv2d((unit[0] - unit[1]) ** 2, head).mean().item()
    safetensors_files.write({"value": np.array([total])}, target, "F64")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
