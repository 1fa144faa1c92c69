"""The networks of `restore` in PyTorch: the same shapes, the same parameter names.

    import restore_unet
    network = restore_unet.load("model.safetensors")
    prediction = network(noisy, condition, level)

`load` gives a UNet for super-resolution, PredictAndRefine for deblurring. Pictures are N×3×H×W in
[-1, 1], of any size; levels are the signal levels γ = ᾱ of the noisy pictures, length N or 1.
`configuration(path)` says what is diffused and what the network predicts. Needs PyTorch alone; run as
a program it loads a file and lets it look at noise once.
"""
import json
import math
import struct
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}

DEFAULTS = {
    "imageChannels": 3,
    "conditionChannels": 3,
    "baseWidth": 64,
    "multipliers": [1, 2, 3],
    "blocks": 3,
    "attentionLevels": [],
    "dropout": 0,
    "norm": "none",
    "levelConditioning": "bias",
    "patchSize": 4,
    "residualResampling": False,
    "skipConnections": "added",
    "resampling": "patches",
    "middleAttention": "asLevel",
    "headWidth": 64,
    "groups": 0,
    "normEpsilon": 1e-5,
    "levelEncoding": {"logSNR": {}},
}


def read_safetensors(path):
    """(tensors as float32, metadata) of a file."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = TYPES[entry["dtype"]]
        values = torch.frombuffer(data, dtype=dtype, count=(end - begin) // dtype.itemsize, offset=begin)
        tensors[name] = values.reshape(entry["shape"]).to(torch.float32)
    return tensors, metadata


def signal_levels(schedule):
    """ᾱ_1…ᾱ_T of `linear:LOW:HIGH:STEPS` or `cosine:STEPS`, in double."""
    kind, *numbers = schedule.split(":")
    steps = int(numbers[-1])
    if kind == "linear":
        betas = torch.linspace(float(numbers[0]), float(numbers[1]), steps, dtype=torch.float64)
    else:
        t = torch.arange(steps + 1, dtype=torch.float64) / steps
        f = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = (1 - f[1:] / f[:-1]).clamp(1e-12, 0.999)
    return torch.cumprod(1 - betas, 0)


class LevelEmbedding(nn.Module):
    """The signal level as a vector: sinusoids and two linear layers."""

    def __init__(self, base, encoding):
        super().__init__()
        ((self.kind, settings),) = encoding.items()
        count = 32 if self.kind == "logSNR" else base // 2
        index = torch.arange(count, dtype=torch.float64)
        if self.kind == "logSNR":
            frequencies = torch.exp(math.log(0.05) + (math.log(2) - math.log(0.05)) * index / (count - 1))
        else:
            frequencies = torch.exp(-math.log(1e4) * index / (count - settings.get("frequencyShift", 0)))
        self.register_buffer("frequencies", frequencies.float(), persistent=False)
        if self.kind == "timestep":
            levels = signal_levels(settings["schedule"])
            self.register_buffer("log_snr", torch.log(levels / (1 - levels).clamp(1e-16)), persistent=False)
        self.width = base if self.kind == "amplitude" else 4 * base
        self.first = nn.Linear(2 * count, 4 * base)
        self.second = nn.Linear(4 * base, self.width)

    def position(self, gamma):
        if self.kind == "amplitude":
            return gamma.sqrt()
        if self.kind == "logSNR":
            return gamma.clamp(1e-7, 1).log() - (1 - gamma).clamp(1e-7, 1).log()
        # The step, counted from 0, whose level is nearest.
        exact = gamma.double()
        wanted = torch.log(exact.clamp(1e-300) / (1 - exact).clamp(1e-16))
        return (self.log_snr[None, :].double() - wanted[:, None]).abs().argmin(1).to(gamma.dtype)

    def forward(self, gamma):
        angles = self.position(gamma)[:, None] * self.frequencies[None, :]
        h = self.second(F.silu(self.first(torch.cat([angles.sin(), angles.cos()], 1))))
        return h if self.kind == "amplitude" else F.silu(h)


def normalization(channels, c):
    groups = c["groups"] or max(g for g in range(1, max(1, min(32, channels // 4)) + 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels, eps=c["normEpsilon"])


class Block(nn.Module):
    """Two convolutions around a skip; between them the level comes in."""

    def __init__(self, inputs, outputs, embedding, c, resampling=None):
        super().__init__()
        self.affine, self.dropout, self.resampling = c["levelConditioning"] == "affine", c["dropout"], resampling
        grouped = c["norm"] == "group"
        self.norm1 = normalization(inputs, c) if grouped else None
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        conditioned = c["levelConditioning"] != "none"
        self.level = nn.Linear(embedding, outputs * (2 if self.affine else 1)) if conditioned else None
        self.norm2 = normalization(outputs, c) if grouped else None
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def resized(self, x):
        if self.resampling == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.resampling == "up" else x

    def forward(self, x, embedding):
        h = self.resized(x if self.norm1 is None else F.silu(self.norm1(x)))
        x = self.resized(x)
        h = self.conv1(h)
        if self.level is not None:
            level = self.level(embedding)[:, :, None, None]
            if self.affine:
                scale, shift = level.chunk(2, 1)
                h = h * (1 + scale) + shift
            else:
                h = h + level
        if self.norm2 is not None:
            h = self.norm2(h)
        h = F.silu(h)
        if self.dropout > 0:
            h = F.dropout(h, self.dropout, self.training)
        return self.conv2(h) + (x if self.skip is None else self.skip(x))


class Attention(nn.Module):
    """Self-attention over all positions, with a residual skip."""

    def __init__(self, channels, c):
        super().__init__()
        width = c["headWidth"]
        self.heads = channels // width if width > 0 and channels % width == 0 else 1
        self.norm = normalization(channels, c)
        self.qkv = nn.Conv2d(channels, channels * 3, 1)
        self.output = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        n, c, height, width = x.shape
        parts = self.qkv(self.norm(x)).reshape(n, 3 * self.heads, c // self.heads, height * width)
        query, key, value = parts.transpose(2, 3).chunk(3, 1)
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(2, 3).reshape(x.shape)
        return x + self.output(mixed)


class Resize(nn.Module):
    """A size change between levels, where it is a plain convolution."""

    def __init__(self, inputs, outputs, resampling, down):
        super().__init__()
        self.patches, self.at_end, self.down = resampling == "patches", resampling == "stridedAtEnd", down
        if self.patches:
            made = nn.Conv2d(inputs, outputs, 2, stride=2) if down else nn.Conv2d(inputs, outputs * 4, 1)
        else:
            made = nn.Conv2d(inputs, outputs, 3, stride=2 if down else 1, padding=0 if down and self.at_end else 1)
        # The names of the state dictionary are those of a plain convolution.
        self.weight, self.bias = made.weight, made.bias
        self.stride, self.padding = made.stride, made.padding

    def forward(self, x, _):
        if not self.down and not self.patches:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        if self.down and self.at_end:
            x = F.pad(x, (0, 1, 0, 1))
        x = F.conv2d(x, self.weight, self.bias, self.stride, self.padding)
        return F.pixel_shuffle(x, 2) if self.patches and not self.down else x


class UNet(nn.Module):
    """The denoising network of a configuration, as the file's metadata and config.json spell it."""

    def __init__(self, configuration):
        super().__init__()
        self.c = c = {**DEFAULTS, **configuration}
        base, self.patch = c["baseWidth"], c["patchSize"]
        widths = [base * m for m in c["multipliers"]]
        self.levels, self.blocks, area = len(widths), c["blocks"], self.patch**2
        self.joined = c["skipConnections"] == "concatenated"
        conditioned = c["levelConditioning"] != "none"
        self.embedding = LevelEmbedding(base, c["levelEncoding"]) if conditioned else None
        self.embedded = self.embedding.width if conditioned else 0
        self.input = nn.Conv2d((c["imageChannels"] + c["conditionChannels"]) * area, base, 3, padding=1)
        channels, waiting = base, [base]
        for level, width in enumerate(widths):
            for index in range(self.blocks):
                self.add_step(f"down{level}_{index}", channels, width, level in c["attentionLevels"])
                channels = width
                waiting.append(channels)
            if level + 1 < self.levels:
                channels = self.add_resize(
                    f"shrink{level}", channels, channels if self.joined else widths[level + 1], "down")
                waiting.append(channels)
        attends = {"asLevel": self.levels - 1 in c["attentionLevels"], "once": True, "none": False}[c["middleAttention"]]
        self.add_step("middle", channels, channels, attends)
        if self.joined:
            self.add_step("middle1", channels, channels, attends and c["middleAttention"] != "once")
        for level, width in reversed(list(enumerate(widths))):
            if level + 1 < self.levels:
                channels = self.add_resize(f"grow{level}", channels, channels if self.joined else width, "up")
            elif not self.joined:
                continue
            for index in range(self.blocks + self.joined):
                inputs = channels + (waiting.pop() if self.joined else 0)
                self.add_step(f"up{level}_{index}", inputs, width, level in c["attentionLevels"])
                channels = width
        self.output_norm = normalization(channels, c) if c["norm"] == "group" else None
        self.output = nn.Conv2d(channels, c["imageChannels"] * area, 3, padding=1)

    def add_step(self, name, inputs, outputs, attends):
        self.add_module(name, Block(inputs, outputs, self.embedded, self.c))
        if attends:
            self.add_module(name + "_attention", Attention(outputs, self.c))

    def add_resize(self, name, inputs, outputs, way):
        if self.c["residualResampling"]:
            self.add_module(name, Block(inputs, outputs, self.embedded, self.c, way))
        else:
            self.add_module(name, Resize(inputs, outputs, self.c["resampling"], way == "down"))
        return outputs

    def step(self, name, x, embedding):
        x = self._modules[name](x, embedding)
        attention = self._modules.get(name + "_attention")
        return x if attention is None else attention(x)

    def reflected(self, x):
        """Padded by reflection, at the ends, to what the network can halve."""
        multiple = self.patch * 2 ** (self.levels - 1)
        for axis in (2, 3):
            size = x.shape[axis]
            if size % multiple:
                period = max(1, 2 * (size - 1))
                padded = range(-(-size // multiple) * multiple)
                index = [min(i % period, period - i % period) if size > 1 else 0 for i in padded]
                x = x.index_select(axis, torch.tensor(index, device=x.device))
        return x

    def forward(self, noisy, condition, level):
        """N×C×H×W, N×C'×H×W or None, N or 1 levels → the prediction, N×C×H×W."""
        height, width = noisy.shape[2:]
        embedding = None if self.embedding is None else self.embedding(level)
        x = noisy if condition is None else torch.cat([noisy, condition], 1)
        x = F.pixel_unshuffle(self.reflected(x), self.patch)
        h = self.input(x.contiguous(memory_format=torch.channels_last))
        skips = [h] if self.joined else []
        for index in range(self.levels):
            for block in range(self.blocks):
                h = self.step(f"down{index}_{block}", h, embedding)
                if self.joined:
                    skips.append(h)
            if index + 1 < self.levels:
                if not self.joined:
                    skips.append(h)
                h = self.step(f"shrink{index}", h, embedding)
                if self.joined:
                    skips.append(h)
        h = self.step("middle", h, embedding)
        if self.joined:
            h = self.step("middle1", h, embedding)
        for index in reversed(range(self.levels)):
            if index + 1 < self.levels:
                h = self.step(f"grow{index}", h, embedding)
            elif not self.joined:
                continue
            if not self.joined:
                h = h + skips.pop()
            for block in range(self.blocks + self.joined):
                if self.joined:
                    h = torch.cat([h, skips.pop()], 1)
                h = self.step(f"up{index}_{block}", h, embedding)
        if self.output_norm is not None:
            h = F.silu(self.output_norm(h))
        return F.pixel_shuffle(self.output(h), self.patch)[:, :, :height, :width]


class PredictAndRefine(nn.Module):
    """The deblurrer's two networks: a predictor of the sharp picture, a denoiser of what it lacks."""

    def __init__(self, configuration):
        super().__init__()
        joined = configuration["conditionsOnPrediction"]
        self.deconvolves = configuration.get("deconvolution") is not None
        channels = 6 if self.deconvolves else 3
        self.predictor = UNet({**configuration["predictor"], "conditionChannels": 0, "imageChannels": channels})
        self.denoiser = UNet({**configuration["denoiser"], "conditionChannels": 6 if joined else 3})
        self.conditions_on_prediction = joined
        self.residual_scale = configuration["residualScale"]

    def prediction(self, blurred, deconvolved=None):
        """The first sharp picture, N×3×H×W.

        deconvolved: where the model's configuration has a deconvolution, what it makes of the blurred picture,
        as `restore deblur --deconvolution-only` writes it.
        `restore` itself looks at mirrored pictures besides where the output's last three channels differ much.
        """
        level = torch.ones(1, device=blurred.device)
        if not self.deconvolves:
            return blurred + self.predictor(blurred, None, level)
        if deconvolved is None:
            raise ValueError("this model's predictor sees the deconvolved picture too")
        added, share = self.predictor(torch.cat([blurred, deconvolved], 1), None, level).chunk(2, 1)
        return blurred + added + share * (deconvolved - blurred)

    def forward(self, noisy, blurred, prediction, level):
        """What the denoiser says of a noisy residual (sharp − prediction)/residual_scale."""
        condition = torch.cat([blurred, prediction], 1) if self.conditions_on_prediction else blurred
        return self.denoiser(noisy, condition, level)


def configuration(path):
    """What a model file says of its networks, its target and its schedule."""
    return json.loads(read_safetensors(path)[1]["configuration"])


def load(path):
    """The network of a file, channels-last, ready for inference."""
    tensors, metadata = read_safetensors(path)
    settings = json.loads(metadata["configuration"])
    if metadata["format"] == "restore-deblur":
        model = PredictAndRefine(settings)
        # What improves estimates of the blur has no place here, where pictures come deconvolved.
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("kernels.")}
    else:
        model = UNet(settings["network"])
    model.load_state_dict(tensors)
    return model.to(memory_format=torch.channels_last).eval()


def main(path):
    model = load(path)
    picture = torch.randn(1, 3, 64, 64).clamp(-1, 1)
    level = torch.full((1,), 0.5)
    with torch.inference_mode():
        if isinstance(model, PredictAndRefine):
            result = model(picture, picture, model.prediction(picture, picture), level)
        else:
            result = model(picture, picture, level)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{type(model).__name__} of {parameters} parameters: {tuple(picture.shape)} → {tuple(result.shape)}")


if __name__ == "__main__":
    main(sys.argv[1])
