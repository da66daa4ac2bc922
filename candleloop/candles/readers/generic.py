"""Any delimited text with a header that names open, high, low, close and a time, in any order and case."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.columns import Roles, common_prefix, find_roles
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.text_table import Layout, read_text, usual_width

_BANNER_LINES = 20


def find_header(content: Content) -> tuple[int, Roles] | None:
    """Return the line of the header (from 0) and the roles of its columns, looking past banner lines."""
    for line, row in enumerate(content.rows[:_BANNER_LINES]):
        if (roles := find_roles(row)) is not None:
            return line, roles
        # A header one name short: the first column has none (the index of a data frame).
        width = usual_width(content, line + 1)
        if width == len(row) + 1 and (roles := find_roles(("", *row))) is not None:
            return line, roles
    return None


class GenericReader(Reader):
    """CSV, TSV and the like with a header."""

    family = "generic"

    def recognises(self, content: Content) -> bool:
        """Tell whether one of the first lines names the columns of candles."""
        return find_header(content) is not None

    def read(self, content: Content) -> RawCandles:
        """Return the columns that the header names."""
        header = find_header(content)
        if header is None:
            raise not_candles(content, "no line names the columns time, open, high, low and close")
        return read_headed(content, *header)


def read_headed(content: Content, line: int, roles: Roles, **more: object) -> RawCandles:
    """Read a text with a header; ``more`` goes into the :class:`RawCandles`."""
    width = usual_width(content, line + 1)
    names = content.rows[line] if len(content.rows[line]) >= width else ("", *content.rows[line])
    prefix = common_prefix(names)
    if prefix is not None:
        more.setdefault("symbol", prefix)
    return read_text(content, Layout(first_line=line + 1, width=width, roles=roles, names=names, more=more))
