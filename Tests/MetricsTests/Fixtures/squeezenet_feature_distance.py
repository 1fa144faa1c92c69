"""The SqueezeNet feature distance in PyTorch, to check the Swift one against.

usage: squeezenet_feature_distance.py TRUNK PICTURES N HEIGHT WIDTH

TRUNK is the safetensors file of the trunk. PICTURES holds N+1 pictures of 3×HEIGHT×WIDTH
bytes (RGB planes); prints the distances of the first to each of the others, one a line.
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F


def load_safetensors(path):
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            values = np.frombuffer(data[start + first : start + last], "<f4").copy()
            tensors[name] = torch.from_numpy(values).reshape(entry["shape"])
    return tensors


def fire(trunk, number, x):
    def layer(part, x, padding=0):
        name = f"features.{number}.{part}"
        return F.relu(F.conv2d(x, trunk[name + ".weight"], trunk[name + ".bias"], padding=padding))

    x = layer("squeeze", x)
    return torch.cat([layer("expand1x1", x), layer("expand3x3", x, padding=1)], dim=1)


def features(trunk, rgb):
    mean = torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
    x = rgb.flip(1) - mean
    x = F.relu(F.conv2d(x, trunk["features.0.weight"], trunk["features.0.bias"], stride=2))
    found = [x]
    # The numbers are torchvision's; its layers 2, 5 and 8 are the poolings.
    for number in range(2, 13):
        if number in (2, 5, 8):
            x = F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)
        else:
            x = fire(trunk, number, x)
        if number in (4, 7, 9, 10, 11, 12):
            found.append(x)
    return found


def distance(trunk, a, b):
    terms = []
    for p, q in zip(features(trunk, a), features(trunk, b)):
        p = p / (p.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)
        q = q / (q.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)
        terms.append((p - q).pow(2).sum(1).mean())
    return float(sum(terms) / len(terms))


def main():
    trunk = load_safetensors(sys.argv[1])
    count, height, width = map(int, sys.argv[3:6])
    pictures = np.fromfile(sys.argv[2], np.uint8).reshape(count + 1, 1, 3, height, width)
    pictures = [torch.from_numpy(p.astype(np.float32)) for p in pictures]
    with torch.no_grad():
        for other in pictures[1:]:
            print(f"{distance(trunk, pictures[0], other):.9g}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
