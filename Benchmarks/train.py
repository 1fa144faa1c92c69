"""Prints how fast restore trains beside PyTorch: the same network, batch, loss and optimiser.

    .deps/venv/bin/python Benchmarks/train.py --data DIR [--recipe Recipes/sr3-x4.yaml] [--rounds 3]

Both sides take turns, so that a noisy machine is noisy for both; the table gives medians. PyTorch's steps are
the network's alone, on one batch that is always the same: forward, L1 loss, backward, clipping, fused AdamW, EMA.
restore's have the making of a new batch besides. Its parts are timed call by call, each waited for; on a GPU whole
steps are replayed (a CUDA graph), with the batch made meanwhile, and a step is given without that, too.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import unet_reference  # noqa: E402


class Trainer:
    """Training steps of the reference network."""

    def __init__(self, network, batch, patch, device, precision, compiled):
        self.device, self.precision = device, precision
        torch.manual_seed(1)
        self.model = unet_reference.UNet(network).to(device, memory_format=torch.channels_last)
        self.call = torch.compile(self.model) if compiled else self.model
        self.averages = [p.detach().clone() for p in self.model.parameters()]
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=5e-4, betas=(0.9, 0.99), weight_decay=0, fused=True)
        last = torch.channels_last
        self.noisy = torch.randn(batch, 3, patch, patch, device=device).contiguous(memory_format=last)
        self.condition = (self.noisy * 0.3).contiguous(memory_format=last)
        self.target = torch.randn(batch, 3, patch, patch, device=device).contiguous(memory_format=last)
        self.level = torch.rand(batch, device=device)

    def step(self):
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16"):
            prediction = self.call(self.noisy, self.condition, self.level)
            loss = F.l1_loss(prediction.float(), self.target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, list(self.model.parameters()), 0.001)
        if self.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - start


def restore_steps(options, steps):
    command = [
        options.restore, "train", options.recipe, "--data", options.data, "--benchmark", str(steps),
        "--device", options.device, "--threads", str(options.threads)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: float(value) for name, value in (line.split(": ")[:2] for line in lines if ": " in line)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restore", default=os.path.join(ROOT, ".build/release/restore"))
    parser.add_argument("--recipe", default=os.path.join(ROOT, "Recipes/sr3-x4.yaml"))
    parser.add_argument("--data", required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--compile", action="store_true", help="time torch.compile as well")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True

    # The network as a shipped model of the recipe has it.
    name = os.path.splitext(os.path.basename(options.recipe))[0]
    _, metadata = unet_reference.read_safetensors(os.path.join(ROOT, f"Sources/SR3/Models/{name}.safetensors"))
    network = json.loads(metadata["configuration"])["network"]
    recipe = open(options.recipe, encoding="utf-8").read()

    def number(key):
        return int(next(line.split(":")[1].split("#")[0] for line in recipe.splitlines() if line.strip().startswith(key)))

    batch, patch = number("batchSize"), number("patchSize")
    precision = "float32" if options.device == "cpu" else "bfloat16"
    peers = {"PyTorch eager": Trainer(network, batch, patch, options.device, precision, False)}
    if options.compile:
        peers["torch.compile"] = Trainer(network, batch, patch, options.device, precision, True)
    for peer in peers.values():
        for _ in range(3):
            peer.step()
    times = {label: [] for label in peers}
    ours = []
    for _ in range(options.rounds):
        for label, peer in peers.items():
            times[label] += [peer.step() for _ in range(options.steps)]
        ours.append(restore_steps(options, options.steps))

    def our(key):
        return statistics.median(run[key] for run in ours)

    device = torch.cuda.get_device_name() if options.device != "cpu" else f"{options.threads} threads"
    print(f"{device}, {precision}, batch {batch} of {patch}×{patch}, PyTorch {torch.__version__}, "
          f"{options.rounds} rounds of {options.steps} steps, medians")
    print("\n| what | seconds a step | samples/s | against PyTorch eager |")
    print("|---|---|---|---|")
    whole = our("seconds per step")
    network_only = our("forward") + our("backward") + our("optimizer")
    eager = statistics.median(times["PyTorch eager"])
    rows = [("restore, whole step", whole)]
    if "seconds per step, call by call" in ours[0]:
        rows.append(("restore, whole step, call by call", our("seconds per step, call by call")))
    rows.append(("restore, its parts without making the batch", network_only))
    for label, value in rows + [(label, statistics.median(values)) for label, values in times.items()]:
        print(f"| {label} | {value:.3f} | {batch / value:.1f} | {eager / value:.2f} |")
    print("\n| part of restore's step | seconds | share |")
    print("|---|---|---|")
    parts = {part: our(part) for part in ["data", "forward", "backward", "optimizer"]}
    for part, value in parts.items():
        print(f"| {part} | {value:.4f} | {100 * value / sum(parts.values()):.1f} % |")
    print(f"\nThe network computes {our('GFLOP per step'):.0f} GFLOP a step: {100 * our('model FLOP utilisation'):.0f} % of what a "
          f"large matrix product reaches here ({our('matrix product GFLOP/s'):.0f} GFLOP/s). "
          f"Processors busy: {our('processors'):.2f}.")


main()
