"""The U-Net of diffusers' UNet2DModel with random weights: INPUT OUTPUT SETTINGS.

Written in functions from the published layout, names of the state dictionary included. SETTINGS is the
JSON of a config.json with `weights` added, the safetensors file that receives the state dictionary.
INPUT has `noisy`, `condition` and `timestep`; OUTPUT receives `prediction`, of the noisy picture
followed by the condition.
"""
import json
import math
import os
import sys

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [HERE, os.path.join(HERE, "../../TensorsTests/Fixtures")]
import safetensors_files
from open_sr3 import Weights


def time_features(t, width, c):
    count = width // 2
    rates = torch.exp(-math.log(1e4) * torch.arange(count, dtype=torch.float32) / (count - c["freq_shift"]))
    angles = t.float()[:, None] * rates[None, :]
    parts = [angles.sin(), angles.cos()]
    return torch.cat(parts[::-1] if c["flip_sin_to_cos"] else parts, 1)


def attention(w, name, x, c):
    n, channels, height, width = x.shape
    heads = channels // c["attention_head_dim"] if c["attention_head_dim"] else 1
    h = w.norm(name + ".group_norm", x, c["norm_num_groups"], c["norm_eps"])
    h = h.flatten(2).transpose(1, 2).reshape(-1, channels)

    def split(part):
        return w.layer(f"{name}.{part}", h, channels).reshape(n, height * width, heads, -1)

    query, key, value = (split(part) for part in ("to_q", "to_k", "to_v"))
    scores = torch.einsum("nihd,njhd->nhij", query, key) / math.sqrt(channels // heads)
    mixed = torch.einsum("nhij,njhd->nihd", scores.softmax(3), value).reshape(-1, channels)
    out = w.layer(name + ".to_out.0", mixed, channels)
    return x + out.reshape(n, height * width, channels).transpose(1, 2).reshape(x.shape)


def block(w, name, x, level, outputs, c):
    def norm(part, value):
        return F.silu(w.norm(f"{name}.{part}", value, c["norm_num_groups"], c["norm_eps"]))

    h = w.layer(name + ".conv1", norm("norm1", x), outputs, kernel=3, padding=1)
    h = h + w.layer(name + ".time_emb_proj", F.silu(level), outputs)[:, :, None, None]
    h = w.layer(name + ".conv2", norm("norm2", h), outputs, kernel=3, padding=1)
    return h + (w.layer(name + ".conv_shortcut", x, outputs, kernel=1) if x.shape[1] != outputs else x)


def predict(w, c, x, t):
    widths, blocks = c["block_out_channels"], c["layers_per_block"]
    level = w.layer("time_embedding.linear_1", time_features(t, widths[0], c), 4 * widths[0])
    level = w.layer("time_embedding.linear_2", F.silu(level), 4 * widths[0])
    h = w.layer("conv_in", x, widths[0], kernel=3, padding=1)
    features = [h]
    for depth, (kind, width) in enumerate(zip(c["down_block_types"], widths)):
        name = f"down_blocks.{depth}"
        for index in range(blocks):
            h = block(w, f"{name}.resnets.{index}", h, level, width, c)
            if kind == "AttnDownBlock2D":
                h = attention(w, f"{name}.attentions.{index}", h, c)
            features.append(h)
        if depth + 1 < len(widths):
            padding = c["downsample_padding"]
            h = h if padding else F.pad(h, (0, 1, 0, 1))
            h = w.layer(name + ".downsamplers.0.conv", h, width, kernel=3, stride=2, padding=padding)
            features.append(h)
    h = block(w, "mid_block.resnets.0", h, level, widths[-1], c)
    h = attention(w, "mid_block.attentions.0", h, c)
    h = block(w, "mid_block.resnets.1", h, level, widths[-1], c)
    for depth, (kind, width) in enumerate(zip(c["up_block_types"], reversed(widths))):
        name = f"up_blocks.{depth}"
        for index in range(blocks + 1):
            h = torch.cat([h, features.pop()], 1)
            h = block(w, f"{name}.resnets.{index}", h, level, width, c)
            if kind == "AttnUpBlock2D":
                h = attention(w, f"{name}.attentions.{index}", h, c)
        if depth + 1 < len(widths):
            h = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
            h = w.layer(name + ".upsamplers.0.conv", h, width, kernel=3, padding=1)
    h = F.silu(w.norm("conv_norm_out", h, c["norm_num_groups"], c["norm_eps"]))
    return w.layer("conv_out", h, c["out_channels"], kernel=3, padding=1)


def main(source, target, text):
    c = json.loads(text)
    given = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    w = Weights(8)
    with torch.no_grad():
        prediction = predict(w, c, torch.cat([given["noisy"], given["condition"]], 1), given["timestep"])
    safetensors_files.write({name: value.numpy() for name, value in w.state.items()}, c["weights"])
    safetensors_files.write({"prediction": prediction.numpy()}, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
