"""Runs an exported model with the loader that was exported beside it: INPUT OUTPUT FOLDER.

FOLDER has restore_unet.py and model.safetensors. INPUT has `noisy` and `gamma`, and `condition` for
super-resolution or `blurred` for deblurring; OUTPUT receives `prediction` and, of a deblurrer, `sharp`.
"""
import os
import sys

import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../TensorsTests/Fixtures"))
import safetensors_files


def main(source, target, folder):
    sys.path.insert(0, folder)
    import restore_unet

    assert restore_unet.__file__.startswith(folder)
    given = {name: torch.from_numpy(value) for name, value in safetensors_files.read(source).items()}
    model = restore_unet.load(os.path.join(folder, "model.safetensors"))
    results = {}
    with torch.inference_mode():
        if "blurred" in given:
            results["sharp"] = model.prediction(given["blurred"], given["deconvolved"])
            results["prediction"] = model(given["noisy"], given["blurred"], results["sharp"], given["gamma"])
        else:
            results["prediction"] = model(given["noisy"], given["condition"], given["gamma"])
    safetensors_files.write({name: value.numpy() for name, value in results.items()}, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
