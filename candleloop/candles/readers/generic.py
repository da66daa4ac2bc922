"""Any delimited text with a header that names open, high, low, close and a time in any order, or none."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.columns import Roles, common_prefix, find_roles
from candleloop.candles.readers.content import Content, bad_file, not_candles
from candleloop.candles.readers.headless import shape_of
from candleloop.candles.readers.text_table import Layout, read_text, usual_width

_BANNER_LINES = 20


def find_header(content: Content) -> tuple[int, Roles] | None:
    """Return the line of the header (from 0) and the roles of its columns, looking past banner lines."""
    for line in range(min(_BANNER_LINES, len(content.rows))):
        if len(content.rows[line]) >= 4 and (roles := find_roles(column_names(content, line))) is not None:
            return line, roles
    return None


def column_names(content: Content, line: int) -> tuple[str, ...]:
    """Return a header's names, one for each column.

    A header one name short leaves out the first column's (the index of a data frame), unless the rows merely end with
    a delimiter.
    """
    row = content.rows[line]
    width = usual_width(content, line + 1)
    if width != len(row) + 1:
        return row
    ends = [values[-1] for values in content.rows[line + 1 :] if len(values) == width]
    return ("", *row) if any(ends) else (*row, "")


class GenericReader(Reader):
    """CSV, TSV and the like, with a header, or without one where the order of the columns is beyond doubt."""

    family = "generic"

    def recognises(self, content: Content) -> bool:
        """Tell whether one of the first lines names the columns of candles, or all lines look like candles."""
        if find_header(content) is not None:
            return True
        shape = shape_of(content)
        return shape is not None and len(shape.orders) > 0

    def read(self, content: Content) -> RawCandles:
        """Return the columns that the header names, or that the prices tell."""
        header = find_header(content)
        if header is not None:
            return read_headed(content, *header)
        shape = shape_of(content)
        if shape is None or not shape.orders:
            raise not_candles(content.name, "no line names the columns time, open, high, low and close")
        if len(shape.orders) > 1:
            raise bad_file(
                content.name,
                "It has no header, and its prices do not show whether they are in the order open, high, low, close or "
                "open, close, high, low; add a header, or say the reader.",
                "columns_in_doubt",
                field="high",
            )
        notes = (f"no header: the prices show the order {', '.join(shape.orders[0])}",)
        roles = shape.roles(shape.orders[0])
        return read_text(content, Layout(first_line=0, width=shape.width, roles=roles, more={"notes": notes}))


def read_headed(content: Content, line: int, roles: Roles, **more: object) -> RawCandles:
    """Read a text with a header; ``more`` goes into the :class:`RawCandles`."""
    width = usual_width(content, line + 1)
    names = column_names(content, line)
    prefix = common_prefix(names)
    if prefix is not None:
        more.setdefault("symbol", prefix)
    return read_text(content, Layout(first_line=line + 1, width=width, roles=roles, names=names, more=more))
