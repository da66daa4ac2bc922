"""Yahoo Finance: the old and the new download, and what yfinance writes, its three header lines included."""

from __future__ import annotations

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.columns import find_roles, normal_name
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.generic import read_headed
from candleloop.candles.readers.text_table import Layout, read_text, usual_width

_PLAIN = {"date", "open", "high", "low", "close", "volume", "adjclose"}
_YFINANCE = {"dividends", "stocksplits", "capitalgains", "repaired"}


class YahooReader(Reader):
    """Yahoo Finance CSV.

    Prices are taken as traded (split-adjusted, as Yahoo gives them); ``Adj Close`` is not used.
    """

    family = "yahoo"

    def recognises(self, content: Content) -> bool:
        """Tell a Yahoo header: its very columns, the time first."""
        if content.delimiter != "," or not content.rows:
            return False
        if _is_multi_header(content):
            return True
        names = [normal_name(name) for name in content.rows[0]]
        if names[0] not in ("date", "datetime"):
            return False
        columns = {"date" if name == "datetime" else name for name in names}
        if _YFINANCE & columns:
            return columns - _YFINANCE <= _PLAIN and find_roles(content.rows[0]) is not None
        return columns == _PLAIN

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        if _is_multi_header(content):
            return _read_multi_header(content)
        roles = find_roles(content.rows[0])
        if roles is None:
            raise not_candles(content.name, "it has no Yahoo header")
        return read_headed(content, 0, roles)


def _is_multi_header(content: Content) -> bool:
    rows = content.rows
    return (
        len(rows) > 3
        and normal_name(rows[0][0]) == "price"
        and normal_name(rows[1][0]) == "ticker"
        and normal_name(rows[2][0]) in ("date", "datetime")
    )


def _read_multi_header(content: Content) -> RawCandles:
    """Read the CSV of ``yfinance.download``: names, tickers, and the name of the index, one line each."""
    names, tickers, index = content.rows[:3]
    symbols = sorted({ticker for ticker in tickers[1:] if ticker})
    if len(symbols) != 1:
        listed = ", ".join(symbols[:8]) or "none"
        raise not_candles(
            content.name, f"it has {len(symbols)} tickers side by side ({listed}); write one file for each"
        )
    header = (index[0], *names[1:])
    roles = find_roles(header)
    if roles is None:
        raise not_candles(content.name, "its header does not name open, high, low and close")
    width = usual_width(content, 3)
    return read_text(content, Layout(first_line=3, width=width, roles=roles, names=header, more={"symbol": symbols[0]}))
