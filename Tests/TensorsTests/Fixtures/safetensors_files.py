"""Reads and writes safetensors files of real numbers: all that the reference scripts need."""
import json
import struct

import numpy as np

TYPES = {"F32": "<f4", "F64": "<f8"}


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] in TYPES, f"{name} is {entry['dtype']}"
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(content[first:last], TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return tensors


def write(tensors, path, dtype="F32"):
    header, parts, offset = {}, [], 0
    for name, value in tensors.items():
        part = np.ascontiguousarray(value, TYPES[dtype]).tobytes()
        header[name] = {
            "dtype": dtype,
            "shape": list(value.shape),
            "data_offsets": [offset, offset + len(part)],
        }
        parts.append(part)
        offset += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
