"""The bytes of a file out of gzip and zip, read piece by piece."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import IO, Self, cast

from candleloop.errors import NotACandleFile

MAX_BYTES = 4 << 30
"""The largest file that is unpacked, in bytes."""

_DEPTH = 3
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
        self._count = 0
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
            When the file is a broken archive, or larger than it may be.
        """
        limit = MAX_BYTES + 1 - self._count
        try:
            data = self._open[-1].read(limit if size is None else min(size, limit))
        except _BROKEN as error:
            raise self._broken(error) from error
        self._count += len(data)
        if self._count > MAX_BYTES:
            raise NotACandleFile(
                f"{self.name or 'The file'} unpacks to more than {MAX_BYTES >> 30} GiB.", code="file_too_large"
            )
        return data

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
            self._open.append(inner)
            self.name = inner_name
        raise NotACandleFile(f"{self.name or 'The file'} is packed too often.", code="bad_archive")

    def _gzip(self, stream: IO[bytes]) -> IO[bytes]:
        self._kind = "gzip"
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream))

    def _zip(self, stream: IO[bytes]) -> tuple[IO[bytes], str]:
        self._kind = "zip"
        if len(self._open) > 1:
            # Finding the members of an archive means jumping about in it.
            stream = io.BytesIO(self.read(None))
            self._count = 0
        try:
            archive = zipfile.ZipFile(stream)
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
