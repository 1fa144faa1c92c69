"""PSNR, SSIM, MS-SSIM and NIQE in NumPy, written from the papers and the authors' MATLAB scripts:
INPUT OUTPUT METRIC.

INPUT holds pictures as `a` and `b`, C×H×W gray levels, and for NIQE `mean` and `covariance`.
OUTPUT receives `value`, a number for each case.
"""

import math
import os
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(__file__), "../../TensorsTests/Fixtures"))
import safetensors_files


def luma(rgb, weights, offset):
    return rgb[0] if len(rgb) == 1 else np.rint(np.tensordot(weights, rgb, 1) + offset)


def rounded_y(rgb):
    return luma(rgb, np.array([65.481, 128.553, 24.966]) / 255, 16)


def gaussian(size, sigma):
    y, x = np.mgrid[:size, :size] - size // 2
    kernel = np.exp(-(x * x + y * y) / (2 * sigma * sigma))
    return kernel / kernel.sum()


def correlate(image, kernel):
    """Two-dimensional, where the kernel lies inside the image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)


def ssim_terms(x, y):
    kernel = gaussian(11, 1.5)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = correlate(x, kernel), correlate(y, kernel)
    vx, vy = correlate(x * x, kernel) - mx * mx, correlate(y * y, kernel) - my * my
    cov = correlate(x * y, kernel) - mx * my
    contrast = (2 * cov + c2) / (vx + vy + c2)
    return ((2 * mx * my + c1) / (mx * mx + my * my + c1) * contrast).mean(), contrast.mean()


def halved(image):
    """MATLAB's imfilter with ones(2)/4 and symmetric borders, then every other pixel."""
    padded = np.pad(image, ((0, 1), (0, 1)), mode="symmetric")
    return correlate(padded, np.full((2, 2), 0.25))[::2, ::2]


def ms_ssim(x, y):
    product = 1.0
    for scale, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
        whole, contrast = ssim_terms(x, y)
        product *= max(whole if scale == 4 else contrast, 0) ** weight
        x, y = halved(x), halved(y)
    return product


def halving_matrix(size):
    """Antialiased cubic (Keys, a = -1/2) by one half, edges mirrored."""

    def cubic(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    matrix = np.zeros((size // 2, size))
    for i in range(size // 2):
        center = 2 * i + 0.5
        for j in range(math.floor(center) - 4, math.floor(center) + 6):
            mirrored = -1 - j if j < 0 else 2 * size - 1 - j if j >= size else j
            matrix[i, mirrored] += cubic((center - j) / 2)
    return matrix / matrix.sum(1, keepdims=True)


SHAPES = np.arange(200, 10001) / 1000
GAMMA = np.vectorize(math.gamma)
RATIOS = GAMMA(2 / SHAPES) ** 2 / (GAMMA(1 / SHAPES) * GAMMA(3 / SHAPES))


def aggd(x):
    negative, positive = x[x < 0], x[x > 0]
    left = math.sqrt((negative**2).mean()) if negative.size else math.nan
    right = math.sqrt((positive**2).mean()) if positive.size else math.nan
    g = left / right
    r = np.abs(x).mean() ** 2 / (x**2).mean() * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    alpha = SHAPES[np.argmin((RATIOS - r) ** 2)]
    scale = math.sqrt(math.gamma(1 / alpha) / math.gamma(3 / alpha))
    return alpha, left * scale, right * scale


def block_features(block):
    alpha, left, right = aggd(block)
    features = [alpha, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        alpha, left, right = aggd(block * np.roll(block, shift, (0, 1)))
        features += [alpha, (right - left) * math.gamma(2 / alpha) / math.gamma(1 / alpha), left, right]
    return features


def niqe(image, mean, covariance):
    rows, columns = (side // 96 for side in image.shape)
    image = image[: rows * 96, : columns * 96]
    scales = []
    for size in (96, 48):
        padded = np.pad(image, 3, mode="edge")
        mu = correlate(padded, gaussian(7, 7 / 6))
        sigma = np.sqrt(np.abs(correlate(padded**2, gaussian(7, 7 / 6)) - mu * mu))
        difference = np.where(np.abs(image - mu) <= 1e-9, 0, image - mu)
        normal = difference / (sigma + 1)
        scales.append([
            block_features(normal[r * size : (r + 1) * size, c * size : (c + 1) * size])
            for r in range(rows) for c in range(columns)
        ])
        image = halving_matrix(image.shape[0]) @ image @ halving_matrix(image.shape[1]).T
    features = np.concatenate(scales, 1)
    whole = features[~np.isnan(features).any(1)]
    difference = mean.ravel() - np.nanmean(features, 0)
    inverse = np.linalg.pinv((covariance + np.cov(whole, rowvar=False)) / 2)
    return math.sqrt(difference @ inverse @ difference)


def main(source, target, metric):
    tensors = safetensors_files.read(source)
    a, b = (tensors.get(name) for name in "ab")
    if metric == "pixels":
        y, z = rounded_y(a), rounded_y(b)
        values = [
            10 * math.log10(255**2 / ((y - z) ** 2).mean()), ssim_terms(y, z)[0],
            np.mean([ssim_terms(p, q)[0] for p, q in zip(a, b)]), ms_ssim(y, z),
            np.mean([ms_ssim(p, q) for p, q in zip(a, b)]),
        ]
    else:
        model = [tensors[name].astype(np.float64) for name in ("mean", "covariance")]
        gray = luma(a, np.array([0.2989360, 0.5870431, 0.1140209]), 0)
        values = [niqe(image, *model) for image in (gray, rounded_y(a))]
    safetensors_files.write({"value": np.array(values)}, target, "F64")


if __name__ == "__main__":
    main(*sys.argv[1:])
