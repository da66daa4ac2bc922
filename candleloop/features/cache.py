"""Features kept from one training to the next, so that only what changed is computed again.

What is kept are the chunks in which :func:`feature_matrix` computes, each under a hash of the very candles that it was
computed from, the specification and the rules of computing. So appended candles cost the last chunk, a revised candle
the chunks that read it, and a wrong hit would take two sets of candles with the same SHA-256.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import struct
import zlib

import numpy as np
import numpy.typing as npt

from candleloop.candles.frame import Candles
from candleloop.errors import NotFound
from candleloop.features.matrix import Chunk, FeatureSpec, chunks_of, compute_chunk
from candleloop.storage import Storage

logger = logging.getLogger(__name__)

FOLDER = "features"
SMALLEST = 1_000
"""Chunks of fewer bars are computed sooner than found."""

_HEAD = struct.Struct("<4sIII")
_MAGIC = b"CLF1"


class FeatureCache:
    """Computes feature matrices with the help of what was computed before, bit by bit those of :func:`feature_matrix`.

    Several processes may share the storage: a file appears whole, and one that is gone or damaged is computed again.

    Parameters
    ----------
    storage
        Where the chunks are.
    most_bytes
        How much of it :meth:`shrink` leaves; with 0 nothing is kept.
    """

    def __init__(self, storage: Storage, most_bytes: int) -> None:
        self.storage = storage
        self.most_bytes = most_bytes
        self._used: set[str] = set()

    def matrix(self, candles: Candles, spec: FeatureSpec, *, max_gap: int | None = None) -> npt.NDArray[np.float32]:
        """Return what :func:`candleloop.features.matrix.feature_matrix` returns."""
        matrix = np.empty((len(candles), len(spec.names)), dtype=np.float32)
        for chunk in chunks_of(candles, spec, max_gap=max_gap):
            rows = slice(chunk.start, chunk.stop)
            if self.most_bytes == 0 or chunk.stop - chunk.start < SMALLEST:
                matrix[rows] = compute_chunk(candles, spec, chunk)
                continue
            name = f"{FOLDER}/{_key(candles, spec, chunk)}"
            self._used.add(name)
            kept = self._read(name, (chunk.stop - chunk.start, len(spec.names)))
            if kept is None:
                kept = compute_chunk(candles, spec, chunk)
                self._write(name, kept)
            matrix[rows] = kept
        return matrix

    def shrink(self) -> int:
        """Remove the oldest chunks beyond the limit, those used here last; return how many bytes are left."""
        filesystem, folder = self.storage.filesystem, self.storage.path(FOLDER)
        filesystem.invalidate_cache()
        if not filesystem.exists(folder):
            return 0
        found = []
        for entry in filesystem.ls(folder, detail=True):
            name = f"{FOLDER}/{entry['name'].rpartition('/')[2]}"
            age = entry.get("mtime") or entry.get("created") or entry.get("LastModified")
            stamp = age if isinstance(age, int | float) else getattr(age, "timestamp", lambda: 0.0)()
            found.append((name in self._used, stamp, name, int(entry["size"] or 0)))
        left = sum(size for *_, size in found)
        for _, _, name, size in sorted(found):
            if left <= self.most_bytes:
                break
            with contextlib.suppress(FileNotFoundError):
                filesystem.rm_file(self.storage.path(name))
            left -= size
        return left

    def _read(self, name: str, shape: tuple[int, int]) -> npt.NDArray[np.float32] | None:
        try:
            content = self.storage.read(name)
        except (NotFound, OSError):
            return None
        if len(content) != _HEAD.size + 4 * shape[0] * shape[1]:
            return None
        body = memoryview(content)[_HEAD.size :]
        if _HEAD.unpack_from(content) != (_MAGIC, zlib.crc32(body), *shape):
            return None
        return np.frombuffer(body, dtype="<f4").reshape(shape)

    def _write(self, name: str, values: npt.NDArray[np.float32]) -> None:
        body = np.ascontiguousarray(values, dtype="<f4").tobytes()
        try:
            self.storage.write(name, _HEAD.pack(_MAGIC, zlib.crc32(body), *values.shape) + body)
        except OSError as error:
            logger.warning("Features could not be kept for the next training: %s", error)


def _key(candles: Candles, spec: FeatureSpec, chunk: Chunk) -> str:
    """Return a hash of all that the rows of a chunk depend on."""
    read = candles[chunk.first : chunk.stop]
    head = f"{spec.content_hash()} {chunk.start - chunk.first} {sorted(read.columns())} "
    digest = hashlib.sha256(head.encode())
    for values in (read.time, *(read.columns()[name] for name in sorted(read.columns()))):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:40]
