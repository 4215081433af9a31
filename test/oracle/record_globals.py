"""Which globals CPython looks up when it loads pickles, in order, with nothing behind them.

Reads hexadecimal pickles, one a line, and writes for each a JSON list of what its two unpicklers (the one in C, the one
in Python) asked for until the pickle ended or failed. Whatever is looked up is an inert object that swallows calls.
"""

import io
import json
import pickle
import sys


class Inert:
    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        return Inert()

    def __setitem__(self, key, value):
        pass

    def __setstate__(self, state):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass

    def add(self, item):
        pass


def recorder(base):
    class Recorder(base):
        def __init__(self, file):
            super().__init__(file)
            self.asked = []

        def find_class(self, module, name):
            self.asked.append([module, name])
            return Inert

        def persistent_load(self, pid):
            return Inert()

    return Recorder


RECORDERS = [recorder(pickle.Unpickler), recorder(pickle._Unpickler)]


def record(data):
    answers = []
    for kind in RECORDERS:
        unpickler = kind(io.BytesIO(data))
        try:
            unpickler.load()
        except Exception:
            pass
        answers.append(unpickler.asked)
    return answers


def main():
    source, target = sys.argv[1:3]
    with open(source) as lines, open(target, "w") as out:
        for line in lines:
            out.write(json.dumps(record(bytes.fromhex(line.strip()))) + "\n")


main()
