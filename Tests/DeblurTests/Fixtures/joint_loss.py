"""The joint loss of predict-and-refine in PyTorch: INPUT OUTPUT SETTINGS.

Written from the paper (Whang et al. 2022, section 3) with the U-Net of
Tests/DiffusionTests/Fixtures/unet.py. INPUT holds the weights as `w.predictor.NAME` and
`w.denoiser.NAME`, `sharp`, `blurred`, `noise` and `gamma`. OUTPUT receives `loss`, `prediction` and
the gradient of each weight that has one as `g.NAME`.
"""
import json
import os
import sys

import torch

for folder in ("../../DiffusionTests/Fixtures", "../../TensorsTests/Fixtures"):
    sys.path.append(os.path.join(os.path.dirname(__file__), folder))
import safetensors_files
import unet


def main(source, target, text):
    settings = json.loads(text)
    tensors = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    networks = {}
    for part in ("predictor", "denoiser"):
        own = {name[len(part) + 3 :]: value for name, value in tensors.items() if name.startswith(f"w.{part}.")}
        networks[part] = unet.network(settings["configuration"][part], own)

    sharp, blurred, noise, gamma = (tensors[name] for name in ("sharp", "blurred", "noise", "gamma"))
    ones = torch.ones(1)
    prediction = blurred + networks["predictor"](blurred, None, ones)
    residual = (sharp - prediction) / settings["configuration"]["residualScale"]
    clean, seen = (residual.detach(), prediction.detach()) if settings["detach"] else (residual, prediction)
    condition = torch.cat([blurred, seen], 1) if settings["configuration"]["conditionsOnPrediction"] else blurred
    level = gamma[:, None, None, None]
    noisy = level.sqrt() * clean + (1 - level).sqrt() * noise
    wanted = {
        "noise": noise,
        "velocity": level.sqrt() * noise - (1 - level).sqrt() * clean,
        "clean": clean,
    }[settings["configuration"]["parameterization"]]
    error = networks["denoiser"](noisy, condition, gamma) - wanted
    distance = (lambda value: value.abs().mean()) if settings["loss"] == "l1" else (lambda value: value.pow(2).mean())
    loss = distance(error)
    if settings["reconstruction"] > 0:
        loss = loss + settings["reconstruction"] * distance(residual)
    loss.backward()
    results = {
        f"g.{part}.{name}": value.grad.numpy()
        for part, network in networks.items()
        for name, value in network.named_parameters()
        if value.grad is not None
    }
    results["loss"] = loss.detach().reshape(1).numpy()
    results["prediction"] = prediction.detach().numpy()
    safetensors_files.write(results, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
