"""The distance of EfficientNet-Lite0's features in PyTorch: WEIGHTS INPUT OUTPUT.

Writes a network of that shape with random weights and statistics to WEIGHTS, as `torch.save` does. INPUT holds
the batches `a` and `b`, N×3×H×W; OUTPUT receives their `distance` and its `gradient` to a.
"""
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../TensorsTests/Fixtures"))
import safetensors_files


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        if expansion > 1:
            self._expand_conv = nn.Conv2d(inputs, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, eps=1e-3)
        self._depthwise_conv = nn.Conv2d(
            inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, eps=1e-3)
        self._project_conv = nn.Conv2d(inner, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)
        self.adds = stride == 1 and inputs == outputs

    def wide(self, x):
        return F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x

    def forward(self, x):
        h = F.relu6(self._bn1(self._depthwise_conv(self.wide(x))))
        h = self._bn2(self._project_conv(h))
        return h + x if self.adds else h


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        self._blocks = nn.ModuleList([
            Block(32, 16, 3, 1, 1),
            Block(16, 24, 3, 2, 6), Block(24, 24, 3, 1, 6),
            Block(24, 40, 5, 2, 6), Block(40, 40, 5, 1, 6),
            Block(40, 80, 3, 2, 6), Block(80, 80, 3, 1, 6), Block(80, 80, 3, 1, 6),
            Block(80, 112, 5, 1, 6),
        ])
        self._conv_head = nn.Conv2d(112, 8, 1, bias=False)

    def features(self, x):
        x = F.relu6(self._bn0(self._conv_stem(x)))
        yield x
        for index, block in enumerate(self._blocks):
            if index in (1, 3, 5, 8):
                yield block.wide(x)
            x = block(x)


def main(weights, source, target):
    torch.manual_seed(3)
    network = Network().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.2, 2)
    torch.save(network.state_dict(), weights)
    pictures = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    a = pictures["a"].requires_grad_()
    terms = []
    for x, y in zip(network.features(a), network.features(pictures["b"])):
        x, y = (f / (f.square().sum(1, keepdim=True) + 1e-10).sqrt() for f in (x, y))
        terms.append((x - y).square().sum(1).mean())
    distance = sum(terms) / len(terms)
    distance.backward()
    results = {"distance": distance.detach().reshape(1).numpy(), "gradient": a.grad.numpy()}
    safetensors_files.write(results, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
