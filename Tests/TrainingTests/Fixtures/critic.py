"""The critic's losses in PyTorch: INPUT OUTPUT.

INPUT holds the batches `a` and `b`, N×3×H×W, features of both as `a.0`…`b.4`, the pictures' `weights`, and the heads' weights as `0.0.weight`,
`0.0.bias`…; OUTPUT receives the losses `network` and `critic`, the `gradient` of the first to a, and that of the second
to the first head's first weights, `weight`.
"""
import os
import sys

import torch
import torch.nn.functional as F

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../TensorsTests/Fixtures"))
import safetensors_files


def detail(x):
    coarse = F.interpolate(F.avg_pool2d(x, 4), scale_factor=4, mode="nearest")
    return F.pixel_unshuffle(8 * (x - coarse), 2)


def main(source, target):
    given = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    a = given["a"].requires_grad_()
    first = given["0.0.weight"].requires_grad_()

    def head(index, x):
        for layer in range(3):
            weight = given[f"{index}.{layer}.weight"]
            weight = weight / weight.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
            x = F.conv2d(x, weight, given[f"{index}.{layer}.bias"], padding=1)
            if layer < 2:
                x = F.leaky_relu(x, 0.2) * 2 ** 0.5
        return x

    seen = [[detail(x)] + [given[f"{name}.{index}"] for index in range(5)]
            for name, x in (("a", a), ("b", given["b"]))]
    # How far the original is above the network's picture, position by position.
    gaps = [head(index, real) - head(index, made) for index, (made, real) in enumerate(zip(*seen))]
    weights = given["weights"]
    network = sum((F.softplus(gap).mean((1, 2, 3)) * weights).mean() for gap in gaps) / 6
    critic = sum((F.softplus(-gap).mean((1, 2, 3)) * weights).mean() for gap in gaps) / 6
    gradient, = torch.autograd.grad(network, a, retain_graph=True)
    weight, = torch.autograd.grad(critic, first)
    results = {"network": network.reshape(1), "critic": critic.reshape(1), "gradient": gradient, "weight": weight}
    safetensors_files.write({name: value.detach().numpy() for name, value in results.items()}, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
