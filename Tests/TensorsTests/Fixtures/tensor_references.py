"""What NumPy and PyTorch make of a test's tensors: NAME INPUT OUTPUT [ARGUMENT ...]."""
import sys

import numpy as np
import torch

import safetensors_files


def pad(tensors, bottom, right):
    """NumPy's reflection has no limit; PyTorch's reaches one reflection per call."""
    padding = ((0, 0), (0, 0), (0, int(float(bottom))), (0, int(float(right))))
    return {"padded": np.pad(tensors["x"], padding, mode="reflect")}


def pad_once(tensors, bottom, right):
    x = torch.from_numpy(tensors["x"])
    return {"padded": torch.nn.functional.pad(x, (0, int(float(right)), 0, int(float(bottom))), mode="reflect").numpy()}


def adamw(tensors, steps, rate, beta1, beta2, epsilon, decay):
    """The loss is the mean of (p - target)^2 · weight, summed over the parameters."""
    names = sorted(name[2:] for name in tensors if name.startswith("p."))
    parameters = {name: torch.nn.Parameter(torch.from_numpy(tensors["p." + name])) for name in names}
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=float(rate), betas=(float(beta1), float(beta2)), eps=float(epsilon),
        weight_decay=float(decay))
    for step in range(int(float(steps))):
        for group in optimizer.param_groups:
            group["lr"] = float(rate) / (1 + step)
        optimizer.zero_grad()
        loss = sum(
            ((p - torch.from_numpy(tensors["t." + name])).square() * torch.from_numpy(tensors["w." + name])).mean()
            for name, p in parameters.items())
        loss.backward()
        optimizer.step()
    result = {"p." + name: p.detach().numpy() for name, p in parameters.items()}
    for name, p in parameters.items():
        result["m." + name] = optimizer.state[p]["exp_avg"].numpy()
        result["v." + name] = optimizer.state[p]["exp_avg_sq"].numpy()
    return result


def clip(tensors, limit):
    names = sorted(tensors)
    parameters = []
    for name in names:
        parameter = torch.nn.Parameter(torch.zeros(tensors[name].shape))
        parameter.grad = torch.from_numpy(tensors[name])
        parameters.append(parameter)
    norm = torch.nn.utils.clip_grad_norm_(parameters, float(limit))
    result = {name: parameter.grad.numpy() for name, parameter in zip(names, parameters)}
    result["norm"] = norm.reshape(1).numpy()
    return result


if __name__ == "__main__":
    name, source, target, *arguments = sys.argv[1:]
    safetensors_files.write(globals()[name](safetensors_files.read(source), *arguments), target)
