"""The bytes of a file out of gzip and zip, read piece by piece."""

from __future__ import annotations

import io
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self, cast

from candleloop.errors import NotACandleFile

MAX_BYTES = 4 << 30
"""The most that a file is unpacked to, in bytes."""

MAX_RATIO = 50
"""How many times its packed size a file may have: text of candles packs 4 to 15 times, what shall harm 1000 times."""

SMALL_BYTES = 16 << 20
"""What unpacks to no more than this may be packed as tightly as it likes."""

MEMBERS, MEMBER_BYTES = 1_000, 1_000
"""A gzip file may have that many members, and one more for each so many packed bytes; each costs, an empty one too."""

MAX_DIRECTORY_BYTES = 1 << 20
"""The largest table of contents of a zip archive that is looked at; one file needs some hundred bytes."""

_DEPTH = 3
_PEEKED = 64
"""Bytes that looking at the beginning takes in addition."""
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


class Unpacked:
    """A file that may be packed, open for reading.

    Parameters
    ----------
    source
        A file, or its bytes.
    name
        The file's name where ``source`` is bytes.

    Raises
    ------
    NotACandleFile
        When it cannot be opened, is a broken archive, or holds several files.

    Notes
    -----
    ``name`` loses its folders and ``.gz``; out of a zip archive it is the one of the file inside.
    """

    def __init__(self, source: Path | bytes, name: str | None) -> None:
        if isinstance(source, Path):
            try:
                raw: IO[bytes] = source.open("rb")
                self.size = source.stat().st_size
            except OSError as error:
                raise NotACandleFile(f"{source}: cannot be read ({error.strerror}).", code="unreadable_file") from error
            name = name or source.name
        else:
            raw, self.size = io.BytesIO(source), len(source)
        self.name = name or ""
        self._raw, self._open = raw, [raw]
        self._kind = ""
        self._limit = min(MAX_BYTES, max(SMALL_BYTES, MAX_RATIO * self.size))
        try:
            self._unpack()
        except BaseException:
            self.close()
            raise

    @property
    def position(self) -> int:
        """How many of the packed bytes (of ``size``) are read."""
        return min(self._raw.tell(), self.size)

    def read(self, size: int | None) -> bytes:
        """Return the next ``size`` bytes, fewer at the end; the rest when None.

        Raises
        ------
        NotACandleFile
            When the file is a broken archive, or unpacks to more than it may.
        """
        try:
            return self._open[-1].read(-1 if size is None else size)
        except _BROKEN as error:
            raise self._broken(error) from error

    def _unpack(self) -> None:
        for depth in range(_DEPTH + 1):
            stream = self._open[-1]
            try:
                magic = stream.read(4)
                stream.seek(0)
            except _BROKEN as error:
                raise self._broken(error) from error
            if magic[:2] == b"\x1f\x8b":
                inner, inner_name = self._gzip(stream), self.name.removesuffix(".gz")
            elif magic == b"PK\x03\x04":
                inner, inner_name = self._zip(stream)
            else:
                return
            if depth == _DEPTH:
                break
            self._open.append(cast("IO[bytes]", _Counted(inner, self._limit, self._too_large)))
            self.name = inner_name
        raise NotACandleFile(f"{self.name or 'The file'} is packed too often.", code="bad_archive")

    def _gzip(self, stream: IO[bytes]) -> IO[bytes]:
        self._kind = "gzip"
        return cast("IO[bytes]", _Gzip(stream))

    def _zip(self, stream: IO[bytes]) -> tuple[IO[bytes], str]:
        self._kind = "zip"
        if len(self._open) > 1:
            # Finding the members of an archive means jumping about in it.
            stream = io.BytesIO(self.read(None))
        try:
            careful = _CarefulFile(stream)
            archive = zipfile.ZipFile(cast("IO[bytes]", careful))
            careful.most = None
            files = [info for info in archive.infolist() if not info.is_dir()]
            members = [
                info
                for info in files
                if not info.filename.startswith("__MACOSX/") and not info.filename.endswith(".txt")
            ] or files
            if len(members) == 1:
                return archive.open(members[0]), members[0].filename.rpartition("/")[2]
        except _BROKEN as error:
            raise self._broken(error) from error
        names = ", ".join(info.filename for info in members[:5])
        raise NotACandleFile(
            f"{self.name or 'The archive'} holds {len(members)} files ({names}); import them one by one.",
            code="several_files",
        )

    def _too_large(self) -> NotACandleFile:
        name, most = self.name or "The file", self._limit
        if most == MAX_BYTES:
            return NotACandleFile(f"{name} unpacks to more than {MAX_BYTES >> 30} GiB.", code="file_too_large")
        return NotACandleFile(
            f"{name} unpacks to more than {most:,} bytes, which is more than {MAX_RATIO} times its packed size of "
            f"{self.size:,}: no file of candles does. Send it unpacked.",
            code="packed_too_tightly",
        )

    def _broken(self, error: BaseException) -> NotACandleFile:
        if not self._kind:
            return NotACandleFile(f"{self.name or 'The file'} cannot be read ({error}).", code="unreadable_file")
        return NotACandleFile(f"{self.name or 'The file'} is a broken {self._kind} file: {error}.", code="bad_archive")

    def close(self) -> None:
        """Close the file."""
        for stream in reversed(self._open):
            stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Gzip(io.RawIOBase):
    """What is in a gzip file, with a limit to its members: Python's own reader takes any number, 50,000 in a second."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._begin()

    def _begin(self) -> None:
        self._inflating = zlib.decompressobj(wbits=31)
        self._packed = b""
        self._members, self._taken, self._position = 1, 0, 0

    def read(self, size: int | None = -1) -> bytes:
        left = sys.maxsize if size is None or size < 0 else size
        parts = []
        while left and self._more():
            given = self._packed
            data = self._inflating.decompress(given, min(left, 1 << 20))
            ended = self._inflating.eof
            if not (given or data or ended):
                raise EOFError("it ends before its end-of-stream marker")
            self._packed = self._inflating.unused_data if ended else self._inflating.unconsumed_tail
            left -= len(data)
            self._position += len(data)
            parts.append(data)
        return b"".join(parts)

    def _more(self) -> bool:
        """Make sure that there is something to unpack; False at the end of the file."""
        if self._inflating.eof:
            self._packed = self._packed.lstrip(b"\0")
            while not self._packed and (chunk := self._take()):
                self._packed = chunk.lstrip(b"\0")
            if not self._packed:
                return False
            self._members += 1
            if self._members > MEMBERS + self._taken // MEMBER_BYTES:
                raise zlib.error("it has more parts than its size explains")
            self._inflating = zlib.decompressobj(wbits=31)
        elif not self._packed:
            self._packed = self._take()  # nothing at the end, but what was unpacked already may still come
        return True

    def _take(self) -> bytes:
        chunk = self._stream.read(1 << 14)
        self._taken += len(chunk)
        return chunk

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the beginning, or forward."""
        if whence != io.SEEK_SET or offset:
            raise io.UnsupportedOperation("a packed file is read from its beginning")
        self._stream.seek(0)
        self._begin()
        return 0

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Counted(io.RawIOBase):
    """A stream that gives no more than a number of bytes in all, seeking back included.

    One such around every layer of packing: what is inside may throw away any amount of what is unpacked around it.
    """

    def __init__(self, stream: IO[bytes], most: int, refusal: Callable[[], NotACandleFile]) -> None:
        super().__init__()
        self._stream = stream
        self._left = most + _PEEKED
        self._refusal = refusal

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._left + 1 if size is None or size < 0 else min(size, self._left + 1)
        data = self._stream.read(wanted)
        self._left -= len(data)
        if self._left < 0:
            raise self._refusal()
        return data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


class _CarefulFile(io.RawIOBase):
    """A file of which nobody reads more than ``most`` bytes at once: a zip archive's table of contents, for one."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.most: int | None = MAX_DIRECTORY_BYTES

    def read(self, size: int | None = -1) -> bytes:
        if self.most is not None and (size is None or size > self.most):
            raise zipfile.BadZipFile(f"its table of contents is larger than {self.most:,} bytes")
        return self._stream.read(-1 if size is None else size)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
