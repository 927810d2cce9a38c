#!/usr/bin/env python3
"""Makes the files here: arrays as numpy writes them, for tests/unit/test_npz.c."""
import os

import numpy

here = os.path.dirname(os.path.abspath(__file__))
arrays = {
    "f4": numpy.array([[1.5, -2.25, 3], [4, 5, 6]], "<f4"),
    "f8": numpy.array([0.1, -1e300, 2], "<f8"),
    "f4_big": numpy.array([1.5, -2.25], ">f4"),
    "i1": numpy.array([-128, 127], "i1"),
    "i2": numpy.array([-32768, 32767], "<i2"),
    "i4_big": numpy.array([-(1 << 31), (1 << 31) - 1], ">i4"),
    "i8": numpy.array([-(1 << 40), 1 << 40], "<i8"),
    "u1": numpy.array([0, 255], "u1"),
    "u2": numpy.array([0, 65535], "<u2"),
    "u4": numpy.array([0, (1 << 32) - 1], "<u4"),
    "u8": numpy.array([0, 1 << 63], "<u8"),
    "b1": numpy.array([True, False]),
    "columns": numpy.asfortranarray(numpy.arange(24, dtype="<f4").reshape(2, 3, 4)),
    "scalar": numpy.array(7, "<f4"),
    "empty": numpy.zeros((0, 3), "<f4"),
    "zeros": numpy.zeros(5000, "<f4"),
}
numpy.savez(os.path.join(here, "numpy.npz"), **arrays)
numpy.savez_compressed(os.path.join(here, "numpy_compressed.npz"), **arrays)
numpy.savez(os.path.join(here, "complex.npz"), c=numpy.array([1j], "<c8"),
            text=numpy.array(["a"]))
