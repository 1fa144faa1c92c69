"""The U-Net of the open SR3 implementation with random weights: INPUT OUTPUT SETTINGS.

Written in functions from the published layout, names of the state dictionary included. SETTINGS is
JSON: `base`, `multipliers`, `blocks`, `attention` (levels), `groups`, `affine`, and `checkpoint`, the file that
receives the state dictionary with the tables of the schedule. INPUT has `noisy`, `condition` and `gamma` = ᾱ;
OUTPUT receives `prediction`, of the network as it was trained: given √ᾱ, and the condition first.
"""
import json
import math
import os
import sys

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../../TensorsTests/Fixtures"))
import safetensors_files


class Weights:
    """Makes the weights that a forward pass asks for, named as they are asked for."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        self.state = {}

    def get(self, name, shape, bound, offset=0):
        if name not in self.state:
            self.state[name] = offset + bound * (2 * torch.rand(shape, generator=self.generator) - 1)
        return self.state[name]

    def layer(self, name, x, outputs, kernel=0, bias=True, **options):
        """A linear layer (kernel 0) or a convolution."""
        shape = (outputs, x.shape[1]) + ((kernel, kernel) if kernel else ())
        weight = self.get(name + ".weight", shape, (3 / math.prod(shape[1:])) ** 0.5)
        offset = self.get(name + ".bias", (outputs,), 0.3) if bias else None
        return F.conv2d(x, weight, offset, **options) if kernel else F.linear(x, weight, offset)

    def norm(self, name, x, groups, eps=1e-5):
        scale = self.get(name + ".weight", (x.shape[1],), 0.3, offset=1)
        return F.group_norm(x, groups, scale, self.get(name + ".bias", (x.shape[1],), 0.3), eps)


def encoding(level, width):
    """Sines and cosines of the level itself, with frequencies from 1 towards 1/10000."""
    count = width // 2
    rates = torch.exp(-math.log(1e4) * torch.arange(count, dtype=level.dtype) / count)
    angles = level[:, None] * rates[None, :]
    return torch.cat([angles.sin(), angles.cos()], 1)


def attention(w, name, x, groups):
    n, c, height, width = x.shape
    mixed = w.layer(name + ".qkv", w.norm(name + ".norm", x, groups), 3 * c, kernel=1, bias=False)
    query, key, value = mixed.reshape(n, 3, c, height * width).unbind(1)
    scores = torch.einsum("nci,ncj->nij", query, key) / math.sqrt(c)
    out = torch.einsum("nij,ncj->nci", scores.softmax(2), value).reshape(n, c, height, width)
    return x + w.layer(name + ".out", out, c, kernel=1)


def block(w, name, x, level, outputs, s, attends):
    inner = name + ".res_block"

    def half(part, value):
        return w.layer(part + ".3", F.silu(w.norm(part + ".0", value, s["groups"])), outputs, kernel=3, padding=1)

    h = half(inner + ".block1.block", x)
    shift = w.layer(inner + ".noise_func.noise_func.0", level, outputs * (2 if s["affine"] else 1))[:, :, None, None]
    if s["affine"]:
        scale, shift = shift.chunk(2, 1)
        h = (1 + scale) * h
    h = half(inner + ".block2.block", h + shift)
    h = h + (w.layer(inner + ".res_conv", x, outputs, kernel=1) if x.shape[1] != outputs else x)
    return attention(w, name + ".attn", h, s["groups"]) if attends else h


def predict(w, s, x, level):
    base = s["base"]
    widths = [base * m for m in s["multipliers"]]
    level = w.layer("noise_level_mlp.1", encoding(level, base), 4 * base)
    level = w.layer("noise_level_mlp.3", level * torch.sigmoid(level), base)
    h = w.layer("downs.0", x, base, kernel=3, padding=1)
    features, index = [h], 1
    for depth, width in enumerate(widths):
        for _ in range(s["blocks"]):
            h = block(w, f"downs.{index}", h, level, width, s, depth in s["attention"])
            features.append(h)
            index += 1
        if depth + 1 < len(widths):
            h = w.layer(f"downs.{index}.conv", h, width, kernel=3, stride=2, padding=1)
            features.append(h)
            index += 1
    h = block(w, "mid.0", h, level, h.shape[1], s, True)
    h = block(w, "mid.1", h, level, h.shape[1], s, False)
    index = 0
    for depth, width in reversed(list(enumerate(widths))):
        for _ in range(s["blocks"] + 1):
            h = torch.cat([h, features.pop()], 1)
            h = block(w, f"ups.{index}", h, level, width, s, depth in s["attention"])
            index += 1
        if depth > 0:
            h = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
            h = w.layer(f"ups.{index}.conv", h, width, kernel=3, padding=1)
            index += 1
    h = w.norm("final_conv.block.0", h, s["groups"])
    return w.layer("final_conv.block.3", F.silu(h), 3, kernel=3, padding=1)


def tables(low, high, steps):
    """What the implementation keeps of its schedule in the state dictionary."""
    betas = torch.linspace(low, high, steps, dtype=torch.float64)
    levels = torch.cumprod(1 - betas, 0)
    before = torch.cat([torch.ones(1, dtype=torch.float64), levels[:-1]])
    variance = betas * (1 - before) / (1 - levels)
    found = {
        "betas": betas, "alphas_cumprod": levels, "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": levels.sqrt(), "sqrt_one_minus_alphas_cumprod": (1 - levels).sqrt(),
        "log_one_minus_alphas_cumprod": (1 - levels).log(), "sqrt_recip_alphas_cumprod": (1 / levels).sqrt(),
        "sqrt_recipm1_alphas_cumprod": (1 / levels - 1).sqrt(), "posterior_variance": variance,
        "posterior_log_variance_clipped": variance.clamp(1e-20).log(),
        "posterior_mean_coef1": betas * before.sqrt() / (1 - levels),
        "posterior_mean_coef2": (1 - before) * (1 - betas).sqrt() / (1 - levels),
    }
    return {name: value.float() for name, value in found.items()}


def main(source, target, text):
    s = json.loads(text)
    given = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    w = Weights(7)
    x = torch.cat([given["condition"], given["noisy"]], 1)
    with torch.no_grad():
        prediction = predict(w, s, x, given["gamma"].sqrt())
    state = {"denoise_fn." + name: value for name, value in w.state.items()}
    torch.save({**tables(1e-6, 1e-2, 2000), **state}, s["checkpoint"])
    safetensors_files.write({"prediction": prediction.numpy()}, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
