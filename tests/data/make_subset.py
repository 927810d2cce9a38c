#!/usr/bin/env python3
"""Makes tests/data/fashion_mnist: the first 2000 + 500 samples of Fashion-MNIST.

    tests/data/make_subset.py [folder of the whole set]

The same input gives the same bytes: no time and no name is stored in the gzip headers.
"""
import gzip
import os
import struct
import sys

SOURCE = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist"
TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fashion_mnist")
SAMPLES = {"train": 2000, "t10k": 500}


def cut(data, samples):
    """The header with a new count, and the samples' bytes."""
    dims = data[3]
    sizes = struct.unpack(f">{dims}I", data[4:4 + 4 * dims])
    each = 1
    for size in sizes[1:]:
        each *= size
    assert sizes[0] >= samples and len(data) == 4 + 4 * dims + sizes[0] * each
    header = data[:4] + struct.pack(">I", samples) + data[8:4 + 4 * dims]
    return header + data[len(header):len(header) + samples * each]


for part, samples in SAMPLES.items():
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{part}-{kind}-ubyte.gz"
        with gzip.open(os.path.join(SOURCE, name)) as whole:
            content = cut(whole.read(), samples)
        with open(os.path.join(TARGET, name), "wb") as out:
            out.write(gzip.compress(content, 9, mtime=0))
