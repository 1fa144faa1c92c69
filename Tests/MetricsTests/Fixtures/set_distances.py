"""Distances of two sets of vectors in NumPy: INPUT OUTPUT.

INPUT holds `a`, N×D, and `b`, M×D. OUTPUT receives `value`: the squared Fréchet distance, by
singular values instead of matrix roots, and the unbiased squared discrepancy of the cubic kernel,
by loops.
"""

import os
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(__file__), "../../TensorsTests/Fixtures"))
import safetensors_files


def frechet(a, b):
    means = a.mean(0), b.mean(0)
    # With S = AᵀA the trace of (S₁S₂)^½ is the sum of the singular values of A₁A₂ᵀ.
    p, q = ((x - m) / np.sqrt(len(x) - 1) for x, m in zip((a, b), means))
    root = np.linalg.svd(p @ q.T, compute_uv=False).sum()
    return ((means[0] - means[1]) ** 2).sum() + (p**2).sum() + (q**2).sum() - 2 * root


def discrepancy(a, b):
    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    def within(s):
        pairs = [kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j]
        return np.mean(pairs)

    return within(a) + within(b) - 2 * np.mean([kernel(x, y) for x in a for y in b])


def main(source, target):
    tensors = safetensors_files.read(source)
    a, b = tensors["a"], tensors["b"]
    size = min(len(a), len(b))
    values = [frechet(a, b), discrepancy(a[:size], b[:size])]
    safetensors_files.write({"value": np.array(values)}, target, "F64")


if __name__ == "__main__":
    main(*sys.argv[1:])
