#!/usr/bin/env python3
"""Makes tests/data/caffe_lenet from the arrays that Caffe wrote.

    tests/data/make_caffe_lenet.py FOLDER

FOLDER holds init.*.npy, it0.grad.*.npy, final.*.npy and trajectory.tsv. The same input
gives the same bytes.
"""
import ast
import os
import shutil
import struct
import sys
import zipfile

SOURCE = sys.argv[1]
TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "caffe_lenet")
PARAMS = [f"{layer}.{kind}" for layer in ("conv1", "conv2", "ip1", "ip2")
          for kind in ("weight", "bias")]
GRAD_ROWS = 8  # of the gradient of ip1.weight, every 8th is kept

NET = """\
data = input () shape=1,28,28
conv1 = conv (data) outputs=20 kernel=5 lr_mult=1,2
pool1 = max_pool (conv1) kernel=2 stride=2
conv2 = conv (pool1) outputs=50 kernel=5 lr_mult=1,2
pool2 = max_pool (conv2) kernel=2 stride=2
ip1 = linear (pool2) outputs=500 lr_mult=1,2
relu1 = relu (ip1)
ip2 = linear (relu1) outputs=10 lr_mult=1,2
label = label ()
loss = softmax_loss (ip2, label)
"""


def read(name):
    with open(os.path.join(SOURCE, name), "rb") as file:
        return file.read()


def elements(npy):
    """The shape and the bytes of a .npy file of version 1."""
    assert npy[:8] == b"\x93NUMPY\x01\x00"
    length = struct.unpack("<H", npy[8:10])[0]
    header = ast.literal_eval(npy[10:10 + length].decode())
    assert header["descr"] == "<f4" and not header["fortran_order"]
    return header["shape"], npy[10 + length:]


def write_flat(name, pieces):
    """One row of numbers, all pieces one after another, as .npy."""
    body = b"".join(pieces)
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(body) // 4},), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(os.path.join(TARGET, name), "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body)


def gradient(name):
    shape, body = elements(read(f"it0.grad.{name}.npy"))
    if name != "ip1.weight":
        return body
    row = shape[1] * 4
    return b"".join(body[i * row:(i + 1) * row] for i in range(0, shape[0], GRAD_ROWS))


with zipfile.ZipFile(os.path.join(TARGET, "init.npz"), "w") as out:
    def add(name, content):
        member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        member.compress_type = zipfile.ZIP_DEFLATED
        out.writestr(member, content, compresslevel=9)

    add("net.txt", NET)
    for param in PARAMS:
        add(param + ".npy", read(f"init.{param}.npy"))
write_flat("grad.npy", [gradient(param) for param in PARAMS])
write_flat("final.npy", [elements(read(f"final.{param}.npy"))[1] for param in PARAMS
                         if not param.startswith("ip1")])
shutil.copyfile(os.path.join(SOURCE, "trajectory.tsv"), os.path.join(TARGET, "trajectory.tsv"))
