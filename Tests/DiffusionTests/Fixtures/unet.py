"""The U-Net of the engine in PyTorch: INPUT OUTPUT CONFIGURATION.

The network is the one that `restore export` ships, written from the descriptions in the engine's
documentation. INPUT holds the weights as `w.NAME`, `noisy`, `gamma`, `target` and, where the network
has one, `condition`. OUTPUT receives `prediction` and, of the mean squared error between prediction and
target, the gradient of each weight as `g.NAME`.
"""
import json
import os
import sys

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, folder) for folder in ("../../TensorsTests/Fixtures", "../../../Sources/Interchange/Python")]
import safetensors_files
from restore_unet import UNet


def network(configuration, weights):
    """A network with those weights, each of which must have its place."""
    made = UNet(configuration)
    made.load_state_dict(weights)
    return made


def main(source, target, configuration):
    tensors = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    weights = {name[2:]: value for name, value in tensors.items() if name.startswith("w.")}
    model = network(json.loads(configuration), weights)
    prediction = model(tensors["noisy"], tensors.get("condition"), tensors["gamma"])
    F.mse_loss(prediction, tensors["target"]).backward()
    results = {"g." + name: value.grad.numpy() for name, value in model.named_parameters()}
    results["prediction"] = prediction.detach().numpy()
    safetensors_files.write(results, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
