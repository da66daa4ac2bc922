"""What is in the file: its text in pieces, and the first lines as readers look at them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candleloop.candles.readers.unpacked import Unpacked
from candleloop.errors import BadCandles, NotACandleFile

_HEAD = 1 << 16
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
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
    lines_before, is_last
        Lines of the file before ``data``, and whether it ends with ``data``: a large text comes in pieces, each with
        the first lines of the whole file beside it.
    findings
        What recognising has found out so far, so that not every reader looks again.
    """

    name: str
    data: bytes
    lines: tuple[str, ...]
    delimiter: str
    rows: tuple[tuple[str, ...], ...] = field(repr=False)
    lines_before: int = 0
    is_last: bool = True
    findings: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_json(self) -> bool:
        """Whether the file begins like JSON."""
        return _begins_like_json(self.data)

    @property
    def is_whole(self) -> bool:
        """Whether ``data`` is all of the file."""
        return self.lines_before == 0 and self.is_last


def open_content(source: Path | bytes, name: str | None) -> Content:
    """Return a file as a whole.

    Raises
    ------
    NotACandleFile
        When it cannot be read, is empty, is a broken archive, holds several files, or is no text that is known.
    """
    with Unpacked(source, name) as unpacked:
        return next(read_pieces(unpacked, None))


def read_pieces(unpacked: Unpacked, size: int | None) -> Iterator[Content]:
    """Yield the pieces of a file: a large text cut at ends of lines, everything else as a whole.

    Parameters
    ----------
    size
        Bytes of a piece; None for the whole file.

    Raises
    ------
    NotACandleFile
        When it is empty, is a broken archive, or is no text that is known.
    """
    name = unpacked.name
    data = unpacked.read(size)
    following = b"" if size is None or len(data) < size else unpacked.read(size)
    if not following and not data.strip():
        raise NotACandleFile(f"{name or 'The file'} is empty.", code="empty_file")
    if data[:4] == b"PAR1" or data[:6] == b"ARROW1":
        yield Content(name, data + following + unpacked.read(None), (), ",", ())
        return
    if following and (_begins_like_json(data) or data[:2] in _UTF16 or b"\x00" in data[:4096]):
        data, following = data + following + unpacked.read(None), b""
    data = _to_utf8(data, name)
    if _begins_like_json(data):
        yield Content(name, data, (), ",", ())
        return
    lines = _first_lines(data)
    delimiter = _delimiter(lines)
    rows = tuple(split_line(line, delimiter) for line in lines)
    lines_before, findings = 0, dict[str, Any]()
    while True:
        if size is not None and len(following) < size // 2:
            # A short end is no piece of its own: it would show too little of what the file is like.
            data, following = data + following, b""
        cut = len(data) if not following else (data.rfind(b"\n") + 1 or data.rfind(b"\r") + 1)
        if cut == 0:
            data, following = data + following + unpacked.read(None), b""
            cut = len(data)
        piece = _as_utf8(data[:cut])
        yield Content(name, piece, lines, delimiter, rows, lines_before, not following, findings)
        if not following:
            return
        lines_before += _count_lines(piece)
        data, following = data[cut:] + following, unpacked.read(size)


def _count_lines(data: bytes) -> int:
    returns = data.count(b"\r")
    return data.count(b"\n") + (returns - data.count(b"\r\n") if returns else 0)


def _begins_like_json(data: bytes) -> bool:
    return data[:256].lstrip()[:1] in (b"[", b"{")


def split_line(line: str, delimiter: str) -> tuple[str, ...]:
    """Return the values of one line, unquoted and stripped."""
    if '"' not in line:
        return tuple(value.strip() for value in line.split(delimiter))
    try:
        return tuple(value.strip() for value in next(csv.reader([line], delimiter=delimiter)))
    except (csv.Error, StopIteration):
        return tuple(value.strip() for value in line.split(delimiter))


def _to_utf8(data: bytes, name: str) -> bytes:
    if data[:3] == b"\xef\xbb\xbf":
        return data[3:]
    encoding = None
    if data[:2] in _UTF16:
        encoding = "utf-16"
    elif b"\x00" in data[:4096]:
        if len(data) < 4 or data[1:200:2].strip(b"\x00") or not data[0:200:2].strip(b"\x00"):
            raise NotACandleFile(f"{name or 'The file'} is not a text file with candles.", code="binary_file")
        encoding = "utf-16-le"
    if encoding is None:
        return _as_utf8(data)
    try:
        return data.decode(encoding).encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise NotACandleFile(f"{name or 'The file'} is broken UTF-16 text: {error}.", code="bad_encoding") from error


def _as_utf8(data: bytes) -> bytes:
    return data if data.isascii() or _is_utf8(data) else data.decode("latin-1").encode()


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


def not_candles(name: str, what: str) -> NotACandleFile:
    """Return the error for a file that is no candle file."""
    return NotACandleFile(f"{name or 'The file'} is not a candle file: {what}.")


def bad_file(name: str, message: str, code: str, **details: object) -> BadCandles:
    """Return the error for a candle file that cannot be used."""
    return BadCandles(f"{name}: {message}" if name else message, code=code, **details)
