"""CryptoDataDownload: a banner line, newest first, the base asset's volume before the quote's, UTC."""

from __future__ import annotations

from dataclasses import replace

from candleloop.candles.readers.base import RawCandles, Reader
from candleloop.candles.readers.columns import normal_name
from candleloop.candles.readers.content import Content, not_candles
from candleloop.candles.readers.generic import find_header, read_headed


class CryptoDataDownloadReader(Reader):
    """CryptoDataDownload; the time is the epoch where the file has one."""

    family = "cryptodatadownload"

    def recognises(self, content: Content) -> bool:
        """Tell the banner, or its columns (time, symbol, prices, one volume for each asset)."""
        header = find_header(content)
        if header is None:
            return False
        line, roles = header
        if any("cryptodatadownload" in text.lower() for text in content.lines[:line]):
            return True
        names = [normal_name(name) for name in content.rows[line]]
        volumes = [name for name in names if name.startswith("volume") and name != "volume"]
        return roles.symbol is not None and len(volumes) >= 1 and names[0] in ("unix", "date", "unixtimestamp")

    def read(self, content: Content) -> RawCandles:
        """Return the columns."""
        header = find_header(content)
        if header is None:
            raise not_candles(content.name, "it has no header of CryptoDataDownload")
        line, roles = header
        roles = replace(roles, volumes=tuple(sorted(roles.volumes)))
        return read_headed(content, line, roles, vendor_zone="UTC")
