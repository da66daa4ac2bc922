"""What is in the file: bytes out of gzip and zip, and the first lines as readers look at them."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candleloop.errors import BadCandles, NotACandleFile

MAX_BYTES = 4 << 30
"""The largest file that is unpacked, in bytes."""

_HEAD = 1 << 16
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Content:
    """A file, unpacked, with its first lines.

    Parameters
    ----------
    name
        File name without folders and without ``.gz`` or ``.zip``; empty where unknown.
    data
        The bytes; text is UTF-8 without byte order mark.
    lines
        The first lines (up to 64 KiB), empty for binary files and JSON.
    delimiter
        What separates the values of a line.
    rows
        The first lines, split.
    findings
        What recognising has found out so far, so that not every reader looks again.
    """

    name: str
    data: bytes
    lines: tuple[str, ...]
    delimiter: str
    rows: tuple[tuple[str, ...], ...] = field(repr=False)
    findings: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_json(self) -> bool:
        """Whether the file begins like JSON."""
        return self.data[:256].lstrip()[:1] in (b"[", b"{")


def open_content(source: Path | bytes, name: str | None) -> Content:
    """Read a file, unpack it, decode it and split its first lines.

    Raises
    ------
    NotACandleFile
        When it cannot be read, is empty, is a broken archive, holds several files, or is no text that is known.
    """
    if isinstance(source, Path):
        name = name or source.name
        try:
            data = source.read_bytes()
        except OSError as error:
            raise NotACandleFile(f"{source}: cannot be read ({error.strerror}).", code="unreadable_file") from error
    else:
        data = source
    data, name = _unpack(data, name or "")
    if not data.strip():
        raise NotACandleFile(f"{name or 'The file'} is empty.", code="empty_file")
    if data[:4] == b"PAR1" or data[:6] == b"ARROW1":
        return Content(name, data, (), ",", ())
    data = _to_utf8(data, name)
    if data[:256].lstrip()[:1] in (b"[", b"{"):
        return Content(name, data, (), ",", ())
    lines = _first_lines(data)
    delimiter = _delimiter(lines)
    return Content(name, data, lines, delimiter, tuple(split_line(line, delimiter) for line in lines))


def split_line(line: str, delimiter: str) -> tuple[str, ...]:
    """Return the values of one line, unquoted and stripped."""
    if '"' not in line:
        return tuple(value.strip() for value in line.split(delimiter))
    try:
        return tuple(value.strip() for value in next(csv.reader([line], delimiter=delimiter)))
    except (csv.Error, StopIteration):
        return tuple(value.strip() for value in line.split(delimiter))


def _unpack(data: bytes, name: str) -> tuple[bytes, str]:
    for _ in range(3):
        if data[:2] == b"\x1f\x8b":
            data, name = _gunzip(data, name), name.removesuffix(".gz")
        elif data[:4] == b"PK\x03\x04":
            data, name = _unzip(data, name)
        else:
            return data, name
    raise NotACandleFile(f"{name or 'The file'} is packed too often.", code="bad_archive")


def _gunzip(data: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            return _limited(packed.read(MAX_BYTES + 1), name)
    except (OSError, EOFError, zlib.error) as error:
        raise NotACandleFile(f"{name or 'The file'} is a broken gzip file: {error}.", code="bad_archive") from error


def _unzip(data: bytes, name: str) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [
                info
                for info in archive.infolist()
                if not info.is_dir()
                and not info.filename.startswith("__MACOSX/")
                and not info.filename.endswith(".txt")
            ] or [info for info in archive.infolist() if not info.is_dir()]
            if len(members) != 1:
                names = ", ".join(info.filename for info in members[:5])
                raise NotACandleFile(
                    f"{name or 'The archive'} holds {len(members)} files ({names}); import them one by one.",
                    code="several_files",
                )
            with archive.open(members[0]) as packed:
                return _limited(packed.read(MAX_BYTES + 1), name), members[0].filename.rpartition("/")[2]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise NotACandleFile(f"{name or 'The file'} is a broken zip file: {error}.", code="bad_archive") from error


def _limited(data: bytes, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise NotACandleFile(f"{name or 'The file'} unpacks to more than {MAX_BYTES >> 30} GiB.", code="file_too_large")
    return data


def _to_utf8(data: bytes, name: str) -> bytes:
    if data[:3] == b"\xef\xbb\xbf":
        return data[3:]
    encoding = None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\x00" in data[:4096]:
        if len(data) < 4 or data[1:200:2].strip(b"\x00") or not data[0:200:2].strip(b"\x00"):
            raise NotACandleFile(f"{name or 'The file'} is not a text file with candles.", code="binary_file")
        encoding = "utf-16-le"
    if encoding is None:
        return data if data.isascii() or _is_utf8(data) else data.decode("latin-1").encode()
    try:
        return data.decode(encoding).encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise NotACandleFile(f"{name or 'The file'} is broken UTF-16 text: {error}.", code="bad_encoding") from error


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _first_lines(data: bytes) -> tuple[str, ...]:
    head = data[:_HEAD]
    lines = head.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(data) > _HEAD and len(lines) > 1:
        lines.pop()
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(lines)


def _delimiter(lines: tuple[str, ...]) -> str:
    """Return the delimiter that splits the most lines into one and the same number of values (at least five)."""
    best, best_score = ",", 0.0
    body = [line for line in lines[:200] if line.strip()]
    for delimiter in _DELIMITERS:
        widths = [len(split_line(line, delimiter)) for line in body]
        usual = max(set(widths), key=widths.count, default=0)
        if usual < 5:
            continue
        score = widths.count(usual) / len(widths)
        if delimiter != "," and score > 0.5:
            # A comma may also be the decimal mark of such a file, so another delimiter that fits wins.
            score += 1
        if score > best_score:
            best, best_score = delimiter, score
    return best


def not_candles(content: Content, what: str) -> NotACandleFile:
    """Return the error for a file that is no candle file."""
    return NotACandleFile(f"{content.name or 'The file'} is not a candle file: {what}.")


def bad_file(content: Content, message: str, code: str, **details: object) -> BadCandles:
    """Return the error for a candle file that cannot be used."""
    return BadCandles(f"{content.name}: {message}" if content.name else message, code=code, **details)
