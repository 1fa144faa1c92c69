"""The U-Net of the engine in PyTorch: INPUT OUTPUT CONFIGURATION.

Written from the descriptions in the engine's documentation, with the state dictionary's names
but without the engine's code. INPUT holds the weights as `w.NAME`, `noisy`, `gamma`, `target` and,
where the network has one, `condition`. OUTPUT receives `prediction` and, of the mean squared
error between prediction and target, the gradient of each weight as `g.NAME`.
"""
import json
import math
import os
import sys

import torch
import torch.nn.functional as F

sys.path.append(os.path.join(os.path.dirname(__file__), "../../TensorsTests/Fixtures"))
import safetensors_files


class Network:
    def __init__(self, configuration, weights):
        self.c = configuration
        self.w = weights

    def conv(self, name, x, stride=1, padding=None):
        weight = self.w[name + ".weight"]
        padding = weight.shape[2] // 2 if padding is None else padding
        return F.conv2d(x, weight, self.w[name + ".bias"], stride=stride, padding=padding)

    def linear(self, name, x):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, name, x):
        n, c, h, w = x.shape
        groups = max(g for g in range(1, min(32, c // 4) + 1) if c % g == 0)
        parts = x.reshape(n, groups, -1)
        mean = parts.mean(2, keepdim=True)
        variance = parts.var(2, unbiased=False, keepdim=True)
        flat = ((parts - mean) / torch.sqrt(variance + 1e-5)).reshape(n, c, h, w)
        return flat * self.w[name + ".weight"][:, None, None] + self.w[name + ".bias"][:, None, None]

    def embedding(self, gamma):
        count = 32
        exponents = [math.log(0.05) + (math.log(2) - math.log(0.05)) * i / (count - 1) for i in range(count)]
        frequencies = torch.tensor([math.exp(e) for e in exponents], dtype=gamma.dtype)
        log_snr = torch.log(gamma.clamp(1e-7, 1)) - torch.log((1 - gamma).clamp(1e-7, 1))
        angles = log_snr[:, None] * frequencies[None, :]
        features = torch.cat([torch.sin(angles), torch.cos(angles)], 1)
        return F.silu(self.linear("embedding.second", F.silu(self.linear("embedding.first", features))))

    def block(self, name, x, level, resampling=None):
        def resized(value):
            if resampling == "down":
                return F.avg_pool2d(value, 2)
            if resampling == "up":
                return value.repeat_interleave(2, 2).repeat_interleave(2, 3)
            return value

        grouped = self.c["norm"] == "group"
        h = resized(F.silu(self.norm(name + ".norm1", x))) if grouped else resized(x)
        x = resized(x)
        h = self.conv(name + ".conv1", h)
        if self.c["levelConditioning"] != "none":
            conditioning = self.linear(name + ".level", level)[:, :, None, None]
            if self.c["levelConditioning"] == "affine":
                scale, shift = conditioning.split(h.shape[1], 1)
                h = h * (1 + scale) + shift
            else:
                h = h + conditioning
        if grouped:
            h = self.norm(name + ".norm2", h)
        h = self.conv(name + ".conv2", F.silu(h))
        return (self.conv(name + ".skip", x) if name + ".skip.weight" in self.w else x) + h

    def attention(self, name, x):
        n, c, height, width = x.shape
        heads = c // 64 if c % 64 == 0 else 1
        query, key, value = self.conv(name + ".qkv", self.norm(name + ".norm", x)).split(c, 1)
        split = lambda part: part.reshape(n, heads, c // heads, height * width)
        scores = torch.einsum("nhdi,nhdj->nhij", split(query), split(key)) / math.sqrt(c // heads)
        mixed = torch.einsum("nhij,nhdj->nhdi", scores.softmax(-1), split(value))
        return x + self.conv(name + ".output", mixed.reshape(n, c, height, width))

    def step(self, name, x, level, depth):
        x = self.block(name, x, level)
        return self.attention(name + "_attention", x) if depth in self.c["attentionLevels"] else x

    def reflected(self, x, multiple):
        """Reflection as an index: 0 … n-1, n-2 … 1, 0, 1 … with period 2(n-1)."""
        for axis in (2, 3):
            size = x.shape[axis]
            padded = -(-size // multiple) * multiple
            period = max(1, 2 * (size - 1))
            index = torch.tensor([min(i % period, period - i % period) for i in range(padded)])
            x = x.index_select(axis, index if size > 1 else torch.zeros(padded, dtype=torch.long))
        return x

    def __call__(self, noisy, condition, gamma):
        c = self.c
        depth = len(c["multipliers"])
        patch = c["patchSize"]
        height, width = noisy.shape[2:]
        x = noisy if condition is None else torch.cat([noisy, condition], 1)
        x = F.pixel_unshuffle(self.reflected(x, patch * 2 ** (depth - 1)), patch)
        level = None if c["levelConditioning"] == "none" else self.embedding(gamma)
        h = self.conv("input", x)
        joined = c["skipConnections"] == "concatenated"
        skips = [h]
        for i in range(depth):
            for j in range(c["blocks"]):
                h = self.step(f"down{i}_{j}", h, level, i)
                skips.append(h)
            if i + 1 < depth:
                if c["residualResampling"]:
                    h = self.block(f"shrink{i}", h, level, "down")
                else:
                    h = self.conv(f"shrink{i}", h, stride=2, padding=0)
                skips.append(h)
        h = self.step("middle", h, level, depth - 1)
        if joined:
            h = self.step("middle1", h, level, depth - 1)
        for i in reversed(range(depth)):
            if i + 1 < depth:
                if c["residualResampling"]:
                    h = self.block(f"grow{i}", h, level, "up")
                else:
                    h = F.pixel_shuffle(self.conv(f"grow{i}", h), 2)
            if joined:
                for j in range(c["blocks"] + 1):
                    h = self.step(f"up{i}_{j}", torch.cat([h, skips.pop()], 1), level, i)
            elif i + 1 < depth:
                # The last block's features of each level, counted from the start of the list.
                h = h + skips[(i + 1) * (c["blocks"] + 1) - 1]
                for j in range(c["blocks"]):
                    h = self.step(f"up{i}_{j}", h, level, i)
        if c["norm"] == "group":
            h = F.silu(self.norm("output_norm", h))
        return F.pixel_shuffle(self.conv("output", h), patch)[:, :, :height, :width]


def main(source, target, configuration):
    tensors = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    weights = {name[2:]: value.requires_grad_() for name, value in tensors.items() if name.startswith("w.")}
    network = Network(json.loads(configuration), weights)
    prediction = network(tensors["noisy"], tensors.get("condition"), tensors["gamma"])
    F.mse_loss(prediction, tensors["target"]).backward()
    unused = [name for name, value in weights.items() if value.grad is None]
    assert not unused, f"weights without a place: {unused}"
    results = {"g." + name: value.grad.numpy() for name, value in weights.items()}
    results["prediction"] = prediction.detach().numpy()
    safetensors_files.write(results, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
