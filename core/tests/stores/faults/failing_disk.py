"""A disk that fails, or a process that dies, at the k-th change of what is on the disk.

Everything that the product and its libraries change goes through these calls of Python: what they
write to files, and the functions of `os` that flush, rename, link, cut, make and remove.
"""

import errno
import io
import os
import threading

CHANGES = ("fsync", "replace", "rename", "link", "truncate", "ftruncate", "mkdir")
CLEANING = ("unlink", "rmdir")
REAL_OPEN = io.open
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}


class FailingDisk:
    """Counts changes; from the `at`-th on, or at it alone, does what `failure` says.

    `failure`: `ENOSPC` and `EIO` raise OSError, `short` writes a part, `die` ends the process as a
    kill does. Removing files fails for nobody but those that die.
    """

    def __init__(self, at: int, failure: str, forever: bool = False) -> None:
        self.at, self.failure, self.forever = at, failure, forever
        self.count = 0
        self._lock = threading.Lock()

    def install(self) -> None:
        real_write = os.write
        os.write = lambda handle, data: real_write(handle, data[: self.step("write", len(data))])
        for name in (*CHANGES, *CLEANING):
            setattr(os, name, self._counted(name, getattr(os, name)))
        io.open = self._open

    def step(self, what: str, n_bytes: int = 0) -> int:
        """Count one change; return how many of its bytes to write."""
        if what in CLEANING and self.failure != "die":
            return n_bytes
        with self._lock:  # a shard is flushed while the next is written
            self.count += 1
            count = self.count
        if count != self.at and not (self.forever and count > self.at):
            return n_bytes
        if self.failure == "die":
            os._exit(9)
        if self.failure == "short":
            return (n_bytes + 1) // 2
        raise OSError(ERRORS[self.failure], os.strerror(ERRORS[self.failure]))

    def _counted(self, name, real):
        def call(*args, **kwargs):
            self.step(name)
            # SIGKILL and errors lose nothing that the kernel has: flushing would only take time.
            return None if name == "fsync" else real(*args, **kwargs)

        return call

    def _open(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None):
        if not set(mode) & set("wax+"):
            return REAL_OPEN(file, mode, buffering, encoding, errors, newline)
        raw = _CountedFile(self, file, mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        whole = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return whole if "b" in mode else io.TextIOWrapper(whole, encoding, errors, newline)


class _CountedFile(io.FileIO):
    def __init__(self, disk, file, mode):
        self._disk = disk
        super().__init__(file, mode)

    def write(self, data):
        with memoryview(data) as view, view.cast("B") as octets:
            return super().write(octets[: self._disk.step("write", len(octets))])

    def truncate(self, size=None):
        self._disk.step("truncate")
        return super().truncate(size)
