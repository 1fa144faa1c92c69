"""Prints what deep features kept from one step to the next save and cost in super-resolution.

    .deps/venv/bin/python Benchmarks/deep_features.py --data DIR [--restore FILE] [--pictures 16]

The shipped sr3-x4 walks through DDIM in PyTorch. Every K-th step computes the whole network; the others keep what had come
up from the levels below, and compute the levels above with skips of their own (Ma, Fang and Wang, "DeepCache:
accelerating diffusion models for free", 2024). Pairs are DIR/test/bsd100; metrics are those of `restore metrics`.
Results are not made consistent with the LR picture, as those of `restore sr` are.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path += [str(HERE), str(ROOT / "Results")]
import unet_reference  # noqa: E402
from side_by_side import read_png, write_png  # noqa: E402

MODEL = ROOT / "Sources/SR3/Models/sr3-x4.safetensors"


class KeepingNetwork:
    """A U-Net without normalisation whose levels from `cut` on can be left as they were."""

    def __init__(self, path):
        self.network = unet_reference.load(path)
        assert not self.network.joined and self.network.output_norm is None
        self.kept = {}
        self.operations = 0
        for module in self.network.modules():
            if isinstance(getattr(module, "weight", None), torch.nn.Parameter) and module.weight.dim() == 4:
                module.register_forward_hook(self.count)

    def count(self, module, _, result):
        area = result.shape[2] * result.shape[3]
        # The convolution of patches is of 1×1 pixels, and shuffled to twice the sides afterwards.
        if result.shape[1] != module.weight.shape[0]:
            area //= module.weight.shape[0] // result.shape[1]
        self.operations += module.weight.numel() * area

    def __call__(self, noisy, condition, level, cut, whole):
        """The prediction; `cut` 1 keeps all but the first level, 2 the third alone."""
        n = self.network
        embedding = n.embedding(level)
        height, width = noisy.shape[2:]
        x = F.pixel_unshuffle(n.reflected(torch.cat([noisy, condition], 1)), n.patch)
        h = n.input(x.contiguous(memory_format=torch.channels_last))
        deepest = n.levels if whole else cut
        skips = []
        for index in range(deepest):
            for block in range(n.blocks):
                h = n.step(f"down{index}_{block}", h, embedding)
            skips.append(h)
            if index + 1 < deepest:
                h = n.step(f"shrink{index}", h, embedding)
        if whole:
            h = n.step("middle", skips.pop(), embedding)
        for index in reversed(range(min(deepest, n.levels - 1))):
            if whole or index + 1 < cut:
                h = n.step(f"grow{index}", h, embedding)
                if whole and index + 1 == cut:
                    self.kept[cut] = h
            else:
                h = self.kept[cut]
            h = h + skips.pop()
            for block in range(n.blocks):
                h = n.step(f"up{index}_{block}", h, embedding)
        return F.pixel_shuffle(n.output(h), n.patch)[:, :, :height, :width]


def restored(network, settings, small, steps, every, cut):
    """DDIM from noise of seed 0 over the residual of one LR picture, 1×3×h×w in [-1, 1]."""
    condition = F.interpolate(small, scale_factor=settings["scale"], mode="bicubic", antialias=True)
    scale = settings["target"]["residual"]["scale"]
    levels = torch.cat([torch.ones(1, dtype=torch.float64), unet_reference.signal_levels(settings["schedule"])])
    last = len(levels) - 1
    path = [float(levels[round(last * i / steps)]) for i in range(steps, -1, -1)]
    x = torch.randn(condition.shape, generator=torch.Generator().manual_seed(0))
    for index, (gamma, following) in enumerate(zip(path, path[1:])):
        velocity = network(x, condition, torch.tensor([gamma]), cut, index % every == 0)
        signal, noise = gamma**0.5, (1 - gamma) ** 0.5
        # The residual's range: that of a difference of two pictures.
        clean = (signal * x - noise * velocity).clamp(-2 / scale, 2 / scale)
        x = following**0.5 * clean + (1 - following) ** 0.5 * (x - signal * clean) / noise
    return (condition + scale * x).clamp(-1, 1)


def measured(restore, outputs, originals, path):
    """The means over a folder's pictures, by metric; `path` is where `restore` writes them."""
    subprocess.run(
        [restore, "metrics", outputs, originals, "--border", "4", "--metrics", "psnr-y,sfd", "--json", path],
        check=True, stdout=subprocess.DEVNULL)
    return json.load(open(path))["mean"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restore", default=str(ROOT / ".build/release/restore"))
    parser.add_argument("--data", default=os.environ.get("RESTORE_DATA"), required="RESTORE_DATA" not in os.environ)
    parser.add_argument("--pictures", type=int, default=16)
    options = parser.parse_args()
    if options.pictures < 2:
        parser.error("--pictures must be at least 2: means are printed")
    pairs = pathlib.Path(options.data, "test/bsd100")
    names = sorted(path.name for path in (pairs / "hr").iterdir())[: options.pictures]
    settings = unet_reference.configuration(str(MODEL))
    network = KeepingNetwork(str(MODEL))
    print(f"The first {len(names)} pictures of BSD100, DDIM from noise of one seed.\n")
    print("| steps | whole network every | kept | multiplications | PSNR-Y dB | SFD |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        originals, outputs, numbers = (os.path.join(folder, name) for name in ("originals", "outputs", "numbers.json"))
        os.mkdir(originals)
        os.mkdir(outputs)
        for name in names:
            os.symlink(pairs / "hr" / name, os.path.join(originals, name))
        for steps in (2, 5, 10):
            base = None
            for every, cut in [(1, 1)] + [(e, c) for e in (2, 5) if e <= steps for c in (2, 1)]:
                network.operations = 0
                for name in names:
                    pixels = torch.from_numpy(read_png(pairs / "lr_x4" / name).copy()).permute(2, 0, 1)
                    picture = restored(network, settings, pixels[None] / 127.5 - 1, steps, every, cut)
                    rounded = ((picture[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0)
                    write_png(os.path.join(outputs, name), rounded.contiguous().numpy())
                mean = measured(options.restore, outputs, originals, numbers)
                base = base or network.operations
                kept = "nothing" if every == 1 else "the third level" if cut == 2 else "the second and third"
                print(f"| {steps} | {every} | {kept} | {network.operations / base:.0%} | {mean['psnr-y']:.2f} | "
                      f"{mean['sfd']:.3f} |", flush=True)


if __name__ == "__main__":
    main()
