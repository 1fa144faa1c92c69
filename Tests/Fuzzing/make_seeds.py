#!/usr/bin/env python3
"""Makes the seeds of every harness but JPEG's: small files that between them use every feature.

usage: make_seeds.py FOLDER RECIPES    writes FOLDER/png, metadata, safetensors, checkpoint and recipe
"""

import pathlib
import struct
import sys
import zlib

# --- PNG ---


def chunk(kind, data=b""):
    body = kind.encode() + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(color, depth, size=(7, 5), interlaced=False, before=b"", after=b"", cut=None, claimed=None):
    width, height = size
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    rows = b""
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x, y, dx, dy in passes:
        columns = len(range(x, width, dx))
        for row in range(y, height, dy):
            if columns:
                count = (columns * channels * depth + 7) // 8
                # Every filter has its turn; index samples must stay inside the palette.
                mask = 0 if color == 3 else 255
                rows += bytes([row % 5 if mask else 0]) + bytes((row * 37 + i * 11) & mask for i in range(count))
    data = zlib.compress(rows, 9)
    parts = [data] if cut is None else [data[:cut], data[cut:]]
    header = struct.pack(">IIBBBBB", *(claimed or size), depth, color, 0, 0, int(interlaced))
    palette = chunk("PLTE", bytes(range(12))) if color == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + before + palette
        + (after if color == 3 else b"")
        + b"".join(chunk("IDAT", part) for part in parts)
        + (b"" if color == 3 else after) + chunk("IEND")
    )


def icc_profile(space=b"RGB ", size=400):
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x04300000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    tags = struct.pack(">I4sII", 1, b"desc", 144, size - 144)
    return head.ljust(128, b"\0") + tags + bytes(i * 31 + (i >> 8) & 255 for i in range(size - 144))


def exif(orientation=6, order="<"):
    mark = b"II" if order == "<" else b"MM"
    block = mark + struct.pack(order + "HI", 42, 8)
    block += struct.pack(order + "HHHIHxx", 2, 0x0112, 3, 1, orientation)
    block += struct.pack(order + "HHIII", 0x8769, 4, 1, 38, 0)
    block += struct.pack(order + "HHHII", 1, 0xA002, 4, 1, 7)
    return block + bytes(4)


def pngs():
    for color, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            yield f"color{color}-{depth}", png(color, depth)
            yield f"color{color}-{depth}-interlaced", png(color, depth, interlaced=True)
    yield "transparent-gray", png(0, 8, before=chunk("tRNS", b"\0\x25"))
    yield "transparent-rgb", png(2, 16, before=chunk("tRNS", bytes(6)))
    yield "transparent-palette", png(3, 8, after=chunk("tRNS", b"\0\x80\xff"))
    yield "split", png(2, 8, cut=9)
    text = zlib.compress(b"compressed text")
    xmp = b"<x:xmpmeta tiff:Orientation=\"6\"/>"
    yield "colour", png(
        2, 8, before=chunk("gAMA", struct.pack(">I", 45455)) + chunk("sRGB", b"\0")
        + chunk("cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)))
    yield "profile", png(2, 8, before=chunk("iCCP", b"icc\0\0" + zlib.compress(icc_profile())))
    yield "metadata", png(
        2, 8, before=chunk("pHYs", struct.pack(">IIB", 2835, 2835, 1)) + chunk("eXIf", exif()),
        after=chunk("tEXt", b"Title\0text") + chunk("zTXt", b"Comment\0\0" + text)
        + chunk("iTXt", b"Author\0\0\0en\0Autor\0" + "größe".encode())
        + chunk("iTXt", b"Source\0\1\0\0\0" + text)
        + chunk("iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    yield "turned-gray", png(0, 8, before=chunk("eXIf", exif(8, ">")))
    yield "large", png(0, 8, claimed=(0x7FFFFFFF, 0x7FFFFFFF))


# --- the metadata of pictures: length of an XMP packet, the packet, an EXIF block ---


def metadata():
    for orientation in range(10):
        yield f"turned-{orientation}", b"\0" + exif(orientation, "<>"[orientation % 2])
    xmp = b"<x tiff:Orientation='6' y=\"\"><tiff:Orientation>8<"
    yield "xmp", bytes([len(xmp)]) + xmp + exif()


# --- safetensors ---


def safetensors(header, data=b""):
    text = header.encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors_files():
    def entry(kind, shape, begin, end):
        return f'{{"dtype":"{kind}","shape":{shape},"data_offsets":[{begin},{end}]}}'

    yield "empty", safetensors("{}")
    yield "scalar", safetensors('{"a":' + entry("F32", "[]", 0, 4) + "}", bytes(4))
    yield "pair", safetensors(
        '{"__metadata__":{"format":"pt"},"a":' + entry("F32", "[2,1]", 0, 8) + ',"b":'
        + entry("BF16", "[3]", 8, 14) + "}  ", bytes(range(14)))
    kinds = {"F64": 8, "I64": 8, "I32": 4, "F16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
    place, entries = 0, []
    for kind, size in kinds.items():
        entries.append(f'"{kind}":' + entry(kind, "[1]", place, place + size))
        place += size
    yield "kinds", safetensors("{" + ",".join(entries) + "}", bytes(place))
    yield "none", safetensors('{"n":' + entry("U8", "[0,5]", 0, 0) + "}")
    yield "escapes", safetensors('{"__metadata__":{"\\u00e9\\ud83d\\ude00\\n\\/":"\\"\\\\"}, "x" : ' + entry("U8", "[ 1 ]", 0, 1) + "}", b"\1")
    yield "values", safetensors('{"a":[true,false,null,-1.5e+3,{"b":0}]}')
    yield "huge", safetensors('{"a":' + entry("F64", "[4611686018427387904,9]", 0, 8) + "}", bytes(8))


# --- PyTorch checkpoints ---


def archive(entries):
    """A zip archive without compression."""
    body, directory = b"", b""
    for name, data in entries:
        name = name.encode()
        fields = struct.pack("<HHHHIIIH", 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name))
        directory += b"PK\1\2" + struct.pack("<HH", 0, 0) + fields
        directory += struct.pack("<HHHHII", 0, 0, 0, 0, 0, len(body)) + name
        body += b"PK\3\4" + struct.pack("<H", 0) + fields + struct.pack("<H", 0) + name + data
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end


def unicode(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def long(number):
    return b"\x8a\x08" + struct.pack("<q", number)


def numbers(values):
    return b"(" + b"".join(map(long, values)) + b"t"


def tensor(kind="FloatStorage", count=4, offset=0, shape=(2, 2), strides=(2, 1)):
    storage = b"(" + unicode("storage") + b"ctorch\n" + kind.encode() + b"\n" + unicode("0") + unicode("cpu")
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + long(count) + b"tQ" + long(offset)
        + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def checkpoint(pickle, data=bytes(range(32))):
    return archive([("m/data.pkl", b"\x80\x02" + pickle + b"."), ("m/byteorder", b"little"), ("m/data/0", data)])


def checkpoints():
    yield "plain", checkpoint(b"}(" + unicode("a") + tensor() + b"u")
    yield "strided", checkpoint(b"}(" + unicode("a") + tensor(shape=(2, 2), strides=(1, 2)) + b"u")
    yield "repeated", checkpoint(b"}" + unicode("a") + tensor("DoubleStorage", 2, 1, (3,), (0,)) + b"s")
    for kind in ("Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"):
        yield kind.lower(), checkpoint(b"}(" + unicode("a") + tensor(kind + "Storage", 4, 0, (4,), (1,)) + b"u")
    yield "nested", checkpoint(
        b"}q\0(" + unicode("params") + b"}(" + unicode("w") + tensor() + b"u" + unicode("step") + b"K\7"
        + unicode("list") + b"](" + tensor() + b"h\0M\1\2J\0\0\0\0e" + unicode("more")
        + b"(G" + struct.pack(">d", 0.5) + b"N\x88tu")
    yield "ordered", checkpoint(
        b"ccollections\nOrderedDict\n)Rq\1(" + unicode("a") + tensor() + b"u}" + unicode("_metadata")
        + b"ccollections\nOrderedDict\n)Rsb")
    yield "parameter", checkpoint(
        b"}(" + unicode("a") + b"ctorch._utils\n_rebuild_parameter\n" + tensor() + b"\x88N\x87Ru")


# --- recipes ---

SMALL = """name: tiny
description: for fuzzing
task: sr3
seed: 1
data: {sets: [], patchSize: 32, validationCount: 1}
model:
  scale: 4
  target: {residual: {scale: 0.2}}
  parameterization: velocity
  schedule: "cosine:9"
  network: {baseWidth: 8, multipliers: [1, 2]}
  sampling: {method: ddim, steps: 2, eta: 0, variance: 1, temperature: 1, schedule: "linear:1e-4:0.9:9"}
objective: {loss: l2, minSNR: 5}
optimizer: &o {learningRate: 2.0e-3, warmupSteps: 1, decayFraction: 0.1, finalFraction: 0.1, beta1: 0.9,
  beta2: 0.99, weightDecay: 0, gradientClip: 1, batchSize: 2, emaDecay: 0.9}
budget: {steps: 2, checkpointMinutes: 1, validationMinutes: 1}
"""

SMALL_DEBLUR = """name: tiny-deblur
description: for fuzzing
task: deblur
seed: 1
data: {sets: [a], patchSize: 32, validationCount: 1, frames: b, framesShare: 0.1}
degradation:
  shares: {shake: 1, none: 0.5}
  extent: [2, 9]
  defocusRadius: [0.7, 6]
  gaussianSigma: [0.4, 4]
  readNoise: [0, 0.01]
  shotNoise: [0, 0.0003]
  noiselessShare: 0.3
  jpegShare: 0.25
  jpegQuality: [70, 98]
model:
  predictor: {baseWidth: 8}
  denoiser: {baseWidth: 8}
  residualScale: 0.1
  parameterization: noise
  schedule: "cosine:9"
  sampling: {method: ddpm, steps: 2, eta: 1, variance: 1, temperature: 1, schedule: "cosine:9"}
  perception:
    - {perception: 0, steps: 1, samples: 8, maximumNoise: 0.5}
    - {perception: 1, steps: 9, samples: 1, maximumNoise: 1}
objective: {loss: l1, detachPrediction: true, reconstructionWeight: 1}
optimizer: {method: muon, learningRate: 1.0e-3, warmupSteps: 1, decayFraction: 0, finalFraction: 1,
  beta1: 0.9, beta2: 0.99, weightDecay: 0, gradientClip: 1, batchSize: 2, emaDecay: 0.9}
budget: {steps: 2, minutes: 3, checkpointMinutes: 1, validationMinutes: 1}
"""


def recipes(folder):
    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        text = path.read_text()
        # Without comments, which only take room.
        lines = [line.split("  #")[0].rstrip() for line in text.splitlines() if not line.startswith("#")]
        yield path.stem, "\n".join(lines).encode() + b"\n"
    yield "tiny", SMALL.encode()
    yield "tiny-deblur", SMALL_DEBLUR.encode()
    yield "tiny-alias", SMALL.replace("budget:", "extra: *o\nbudget:").encode()
    yield "tiny-tags", SMALL.replace("seed: 1", "seed: !!int 1").replace("tiny", "|\n  tiny", 1).encode()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    sets = {
        "png": pngs(), "metadata": metadata(), "safetensors": safetensors_files(), "checkpoint": checkpoints(),
        "recipe": recipes(sys.argv[2]),
    }
    for kind, seeds in sets.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / kind / name).write_bytes(data)


main()
