"""Which globals CPython looks up when it loads pickles that stand in a row, in order, with nothing behind them.

Reads hexadecimal files, one a line, and writes for each a JSON list of what its two unpicklers (the one in C, the one
in Python) asked for, from memory and from a file: for each pickle, until one failed or the file ended, where it begins and what was asked for in it. Whatever is looked up is an inert object
that swallows calls, or a text, which the names of STACK_GLOBAL may be as well.
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
            return name if module == "text" else Inert

        def persistent_load(self, pid):
            return "system" if pid == "text" else Inert()

    return Recorder


# A buffered file lets the unpickler in C look ahead, and then it reads otherwise than it does from memory.
RECORDERS = [
    (recorder(pickle.Unpickler), io.BytesIO),
    (recorder(pickle._Unpickler), io.BytesIO),
    (recorder(pickle.Unpickler), lambda data: io.BufferedReader(io.BytesIO(data), 16)),
    (recorder(pickle.Unpickler), lambda data: io.BufferedReader(io.BytesIO(data))),
]


def record(data):
    answers = []
    for kind, opened in RECORDERS:
        file = opened(data)
        asked = []
        while file.tell() < len(data):
            unpickler = kind(file)
            asked.append([file.tell(), unpickler.asked])
            try:
                unpickler.load()
            except Exception:
                break
        answers.append(asked)
    return answers


def main():
    source, target = sys.argv[1:3]
    with open(source) as lines, open(target, "w") as out:
        for line in lines:
            out.write(json.dumps(record(bytes.fromhex(line.strip()))) + "\n")


main()
