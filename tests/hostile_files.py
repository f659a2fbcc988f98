"""Files that no reader of this package should trust, and a worker that offers each to the readers.

    python tests/hostile_files.py FOLDER

makes them in the folder and writes one line of JSON for each reader and file: how it ended ("refused", "read" or
anything else), the sentence, and by how many MiB the memory of the process grew. Each is tried in a process of its own.
"""

import contextlib
import gzip
import io
import json
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np

LIMIT = 20  # seconds until a reader counts as hanging
BOMB = 256 * 2**20  # bytes of zeros
RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((12, 4)), RNG.standard_normal((12, 3))


def npy(array=None, header=None, version=(1, 0), content=b""):
    """An array's file, or one with any header (text after the magic string)."""
    if header is None:
        buffer = io.BytesIO()
        np.save(buffer, array)
        return buffer.getvalue()
    text = header.encode("latin-1").ljust(117) + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + content


def described(descr="<f8", order="False", shape="(2, 2)", content=bytes(32)):
    return npy(header=f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}}}", content=content)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped(*members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with contextlib.suppress(UserWarning), zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def bomb(header, compression=zipfile.ZIP_DEFLATED):
    """An archive whose only array unpacks to BOMB bytes."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", compression, compresslevel=1) as archive,
        archive.open("X.npy", "w", force_zip64=True) as member,
    ):
        member.write(header)
        for _ in range(BOMB // 2**24):
            member.write(bytes(2**24))
    return buffer.getvalue()


def patched(whole, signature, offset, value):
    """With bytes replaced at an offset from each place where a signature begins."""
    out, at = bytearray(whole), whole.find(signature)
    while at >= 0:
        out[at + offset : at + offset + len(value)] = value
        at = whole.find(signature, at + 1)
    return bytes(out)


def in_both_headers(whole, local, central, value):
    """Patches the same field of an archive's local headers and of its directory."""
    return patched(patched(whole, b"PK\x03\x04", local, value), b"PK\x01\x02", central, value)


def twice():
    """Two members of one name, the second with other numbers."""
    return zipped(("X.npy", npy(X)), ("Y.npy", npy(Y)), ("Y.npz", b"")).replace(b"Y.npz", b"Y.npy")


SOUND = npz(X=X, Y=Y)

ARCHIVES = {
    "empty": b"",
    "one byte": b"P",
    "text": b"height,weight\n1,2\n",
    "zeros": bytes(1000),
    "noise": RNG.bytes(2000),
    "half an archive": SOUND[: len(SOUND) // 2],
    "all but one byte": SOUND[:-1],
    "the end only": SOUND[len(SOUND) // 2 :],
    "flipped bits": SOUND[:200] + bytes(b ^ 0x55 for b in SOUND[200:264]) + SOUND[264:],
    "a wrong checksum": in_both_headers(SOUND, 14, 16, b"\1\2\3\4"),
    "a pickle": pickle.dumps({"X": 1}),
    "a pickle in an archive": zipped(("X.npy", pickle.dumps({"X": 1}))),
    "objects": npz(X=np.array([{}], dtype=object), Y=Y),
    "no arrays": zipped(("readme.txt", "nothing here")),
    "a member that is no array": zipped(("X.npy", npy(X)), ("y.npy", b"1, 2, 3")),
    "foreign arrays": npz(height=X, weight=Y),
    "a huge shape": zipped(("X.npy", described(shape="(4611686018427387904,)"))),
    "10 GB promised": zipped(("X.npy", described(shape="(10000, 125000)"))),
    "a zip bomb": bomb(described(shape=f"({BOMB // 32}, 4)", content=b"")),
    "a zip bomb behind an array": bomb(described()),
    "a zip bomb by bzip2": bomb(described(shape=f"({BOMB // 32}, 4)", content=b""), zipfile.ZIP_BZIP2),
    "a zip bomb that hides its size": in_both_headers(bomb(described()), 22, 24, struct.pack("<I", 160)),
    "sizes of 2^64": patched(SOUND, b"PK\x01\x02", 20, b"\xff" * 8),
    "names twice": twice(),
    "NUL in names": zipped(("X.npy", npy(X)), ("Y.npy", npy(Y))).replace(b"Y.npy", b"Y\0npy"),
    "a name outside": zipped(("../X.npy", npy(X)), ("/Y.npy", npy(Y))),
    "encrypted": in_both_headers(SOUND, 6, 8, b"\1\0"),
    "an unknown compression": in_both_headers(SOUND, 8, 10, b"\x63\0"),
    "broken LZMA": in_both_headers(SOUND, 8, 10, b"\x0e\0"),
    "members that overlap": patched(SOUND, b"PK\x01\x02", 42, bytes(4)),
    "a directory that points away": patched(SOUND, b"PK\x05\x06", 16, b"\xf0\xff\xff\x7f"),
    "30 000 members": zipped(*((f"{k}.npy", b"") for k in range(30_000))),
    "an open bracket": zipped(("X.npy", npy(header="{'descr': '<f8', 'shape': (3,"))),
    "an indented header": zipped(("X.npy", npy(header="  {'descr'\n 1 +\n  2"))),
    "brackets 900 deep": zipped(("X.npy", npy(header="(" * 900 + ")" * 900))),
    "a header of 60 000 characters": zipped(("X.npy", npy(header="'" + "x" * 60_000 + "'"))),
    "a header that is no dict": zipped(("X.npy", npy(header="[1, 2, 3]"))),
    "code in a header": zipped(("X.npy", npy(header="__import__('os').abort()"))),
    "an unknown version": zipped(("X.npy", npy(header="{}", version=(9, 9)))),
    "a dtype of nothing": zipped(("X.npy", described("|V0"))),
    "a dtype of 2 GB": zipped(("X.npy", described("<U500000000", shape="(1,)"))),
    "records": zipped(("X.npy", described([("a", "<f8")], shape="(4,)")), ("Y.npy", npy(Y))),
    "a negative shape": zipped(("X.npy", described(shape="(-2, -2)"))),
    "a shape of words": zipped(("X.npy", described(shape="('2', 2)"))),
    "an order of words": zipped(("X.npy", described(order="'C'"))),
    "not finite": npz(X=np.full((3, 2), np.nan), Y=np.full((3, 1), np.inf)),
    "complex": npz(X=X + 1j, Y=Y),
    "dates": npz(X=X.astype("M8[s]"), Y=Y),
    "64 dimensions": zipped(("X.npy", described(shape=f"({'1, ' * 64})", content=bytes(8)))),
    "no rows": npz(X=X[:0], Y=Y[:0]),
    "labels as many as rows": npz(X=np.zeros((100_000, 1)), y=np.arange(100_000)),
    "labels of words": npz(X=X, y=np.array(["a"] * 12)),
}
ARRAYS = {
    "half an array": npy(X)[:200],
    "a huge array": described(shape="(4611686018427387904,)"),
    "80 GB promised": described(shape="(100000, 100000)"),
    "an array of objects": npy(np.array([{}], dtype=object)),
    "an open bracket": npy(header="{'descr': '<f8', 'shape': (3,"),
    "one number": npy(np.array(1.0)),
    "a cube of NaN": npy(np.full((2, 4, 4), np.nan)),
}
TABLES = {
    "no text": b"\x89PNG\r\n\x1a\n" + RNG.bytes(500),
    "UTF-16": "a,b\n1,2\n".encode("utf-16"),
    "NUL in a cell": b"a,b\n1,\x002\n",
    "an open quote": b'a,b\n"1,2\n' + b"3,4\n" * 100_000,
    "a cell of 1 MB": b"a," + b"b" * 10**6 + b"\n1,2\n",
    "terminal commands": b"a,b\n1,\x1b]0;title\x07\n",
    "numbers beyond floats": b"a,b\n1,1e999\n",
    "names without end": b"a," * 10**7,
    "a sample without end": b"a,b\n" + b"1," * 10**7,
}


def idx(shape, content=b""):
    return bytes((0, 0, 8, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + content


def gzip_bomb():
    packer = zlib.compressobj(1, wbits=31)
    zeros = (packer.compress(bytes(2**24)) for _ in range(BOMB // 2**24))
    return b"".join([packer.compress(idx((2**32 - 1, 28, 28))), *zeros, packer.flush()])


DIGITS = {  # images, labels
    "a gzip bomb": (gzip_bomb(), gzip.compress(idx((2**32 - 1,)))),
    "no gzip": (b"plain", b"plain"),
    "4 billion images": (gzip.compress(idx((2**32 - 1, 28, 28))), gzip.compress(idx((2**32 - 1,)))),
}


def _socket(path):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as one:
        one.bind(str(path))


PLACES = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to zeros for ever": lambda path: path.symlink_to("/dev/zero"),
    "a link to a terminal": lambda path: path.symlink_to("/dev/tty"),
}
"""What is no regular file, under any suffix."""


def written(path, content):
    path.write_bytes(content)
    return path


def placed(path, make):
    make(path)
    return path


def files(folder):
    """(name, path) of every hostile file, made in the folder; digits are folders."""
    for suffix, contents in ((".npz", ARCHIVES), (".npy", ARRAYS), (".csv", TABLES)):
        for k, (name, content) in enumerate(contents.items()):
            yield name, written(folder / f"{k}{suffix}", content)
        for k, (name, make) in enumerate(PLACES.items()):
            yield name, placed(folder / f"place{k}{suffix}", make)
    for k, (name, (images, labels)) in enumerate(DIGITS.items()):
        home = folder / f"digits{k}"
        home.mkdir()
        written(home / "train-images-idx3-ubyte.gz", images)
        written(home / "train-labels-idx1-ubyte.gz", labels)
        yield name, home


def readers(path):
    """(name, call) of all that read such a file; a call answers the sentence with which it refuses, or None."""
    import linvariance as lv
    from linvariance.experiments import cli

    def load(cls):
        try:
            cls.load(path)
        except (ValueError, OSError) as error:
            return str(error)
        return None

    def command(*arguments):
        with contextlib.redirect_stderr(io.StringIO()) as heard, contextlib.redirect_stdout(io.StringIO()):
            code = cli.main([*map(str, arguments), "--out", str(path.parent / "out")])
        return heard.getvalue() if code == cli.REFUSED else None

    if path.is_dir() and path.suffix == "":
        yield "digits", lambda: command("reproduce", "fig1", "--data", path)
        return
    if path.suffix == ".npz":
        for cls in (lv.Moments, lv.Network, lv.Solution, lv.Trace, lv.RegularizationPath):
            yield f"{cls.__name__}.load", lambda cls=cls: load(cls)
    if path.suffix in (".npz", ".npy"):
        data = path.parent / "sound.npy"
        np.save(data, np.hstack([X, Y]))
        yield "--group", lambda: command("path", data, "--group", path, "--rank", 1, "--targets", 3)
    yield "data", lambda: command("path", path, "--group", "trivial", "--rank", 1)


def outcome(call):
    """(how it ended, its sentence, growth of memory in MiB) of a call in a process of its own."""
    inside, outside = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(inside)
        signal.alarm(LIMIT)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            sentence = call()
            found = ("read" if sentence is None else "refused", sentence)
        except BaseException as error:
            found = ("raised", f"{type(error).__name__}: {error}")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        os.write(outside, json.dumps([*found, grown]).encode())
        os._exit(0)
    os.close(outside)
    with os.fdopen(inside, "rb") as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(told) if told else ["crashed or hung", "", 0.0]


def main(folder):
    import linvariance.experiments.cli  # noqa: F401 - before the processes part, so that each grows by its own only

    for name, path in files(folder):
        for reader, call in readers(path):
            print(json.dumps([path.suffix or "digits", name, reader, *outcome(call)]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
