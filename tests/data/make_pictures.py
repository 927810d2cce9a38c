#!/usr/bin/env python3
"""Makes tests/data/pictures: small PNG and JPEG files of many kinds.

    tests/data/make_pictures.py

Every PNG shows the same 7 rows and 9 columns: at row y, column x (from 0) channel c (red,
green, blue) is (37 x + 91 y + 53 c) mod 256; a grey one has channel 0. The JPEG files are
made by cjpeg (Debian: libjpeg-turbo-progs) of smooth slopes, 24 rows and 40 columns: red goes
from 0 to 255 along x, green along y, blue is 128; a grey one has 255 x / 39.
"""
import os
import struct
import subprocess
import zlib

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures")
ROWS, COLUMNS = 7, 9
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def value(x, y, c):
    return (37 * x + 91 * y + 53 * c) % 256


def chunk(name, content):
    return (struct.pack(">I", len(content)) + name + content
            + struct.pack(">I", zlib.crc32(name + content)))


def filtered(rows, kind, width):
    """The rows, each behind its filter's number; kind: a number, or "all" in turn."""
    out, above = b"", bytes(len(rows[0]))
    for number, row in enumerate(rows):
        method = number % 5 if kind == "all" else kind
        line = bytearray()
        for i, byte in enumerate(row):
            a = row[i - width] if i >= width else 0
            b = above[i]
            c = above[i - width] if i >= width else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((byte - [0, a, b, (a + b) // 2, nearest][method]) % 256)
        out += bytes([method]) + bytes(line)
        above = row
    return out


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]


def pack(numbers, depth):
    """Numbers of `depth` bits as bytes, the last one filled up with zeros."""
    bits = "".join(format(n, f"0{depth}b") for n in numbers)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def png(name, colours, depth, pixel, kind=0, interlaced=False, extra=b""):
    """pixel(x, y) -> the numbers of a pixel."""
    width = max(1, len(pixel(0, 0)) * depth // 8)
    data = b""
    for left, top, across, down in (ADAM7 if interlaced else [(0, 0, 1, 1)]):
        rows = []
        for y in range(top, ROWS, down):
            numbers = [n for x in range(left, COLUMNS, across) for n in pixel(x, y)]
            if numbers:
                rows.append(pack(numbers, depth))
        if rows:
            data += filtered(rows, kind, width)
    header = struct.pack(">IIBBBBB", COLUMNS, ROWS, depth, colours, 0, 0, int(interlaced))
    with open(os.path.join(TARGET, name), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
                   + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def rgb(x, y):
    return [value(x, y, c) for c in range(3)]


os.makedirs(TARGET, exist_ok=True)
png("grey.png", GREY, 8, lambda x, y: [value(x, y, 0)], "all")
png("rgb.png", RGB, 8, rgb, "all")
png("rgb16.png", RGB, 16, lambda x, y: [257 * v for v in rgb(x, y)], "all")
png("interlaced.png", RGB, 8, rgb, "all", True)
# One bit: black where x + y is even.
png("bits.png", GREY, 1, lambda x, y: [(x + y) % 2])
# Four colours in a palette, chosen by x mod 4.
COLOURS = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
png("palette.png", PALETTE, 2, lambda x, y: [x % 4], extra=chunk(b"PLTE", COLOURS))
# The right half can't be seen at all.
png("alpha.png", RGBA, 8, lambda x, y: rgb(x, y) + [255 if x < 5 else 0])
png("grey_alpha.png", GREY_ALPHA, 8, lambda x, y: [value(x, y, 0), 255 if x < 5 else 0])


def jpeg(name, words, grey):
    pixels = bytes(255 * x // 39 if grey else v for y in range(24) for x in range(40)
                   for v in ([0] if grey else [255 * x // 39, 255 * y // 23, 128]))
    head = b"P%d 40 24 255\n" % (5 if grey else 6)
    made = subprocess.run(["cjpeg", *words], input=head + pixels, capture_output=True,
                          check=True).stdout
    with open(os.path.join(TARGET, name), "wb") as file:
        file.write(made)


jpeg("rgb.jpg", ["-quality", "95"], False)
jpeg("grey.jpg", ["-quality", "95"], True)
jpeg("progressive.jpg", ["-quality", "90", "-progressive"], False)
