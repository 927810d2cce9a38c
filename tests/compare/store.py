"""store.py: how make_layers.py and make_tensors.py keep their cases.

A set of cases called NAME is three files beside this one:

    NAME.txt            the index: a line says one thing about a case; data, no code
    NAME_given.npy      the numbers of all arrays that a case begins with, float32
    NAME_expected.npy   the numbers of all arrays that should come out, float64

Arrays lie in the two .npy files one behind the other, in the order in which the lines of
the index name them. What is given has been rounded to float32 before anything was
computed with it, so the float and the double build see the same numbers.
tests/compare/reader.lua reads them.
"""
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def rounded(array):
    """The array in float64 after rounding to float32."""
    return np.asarray(array, np.float32).astype(np.float64)


def size_text(array):
    """(2, 3) as 2,3; a number without dimensions as -."""
    return ",".join(str(n) for n in array.shape) or "-"


class Store:
    def __init__(self, name, head):
        self.name = name
        self.lines = ["# " + line for line in head]
        self.given, self.expected = [], []
        self.cases = 0

    def case(self, kind):
        self.cases += 1
        self.line("case", kind, self.cases)

    def line(self, *words):
        self.lines.append(" ".join(str(word) for word in words))

    def give(self, *words, array):
        array = np.asarray(array)
        assert np.array_equal(rounded(array), array, equal_nan=True), words
        self.line(*words, size_text(array))
        self.given.append(array.ravel())

    def expect(self, *words, array):
        array = np.asarray(array, np.float64)
        self.line(*words, size_text(array))
        self.expected.append(array.ravel())

    def save(self):
        path = os.path.join(HERE, self.name)
        with open(path + ".txt", "w") as file:
            file.write("\n".join(self.lines) + "\n")
        np.save(path + "_given.npy", np.concatenate(self.given).astype(np.float32))
        np.save(path + "_expected.npy", np.concatenate(self.expected).astype(np.float64))
        files = [path + end for end in (".txt", "_given.npy", "_expected.npy")]
        print("%d cases, %d bytes" % (self.cases, sum(map(os.path.getsize, files))))
