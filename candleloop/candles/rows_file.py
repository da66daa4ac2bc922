"""The file beside an import report: every row of every defect, as ranges of rows."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from candleloop.candles.report import Finding
from candleloop.storage import Storage

COLUMNS = ("kind", "action", "first_row", "last_row", "message")


def write_rows(storage: Storage, findings: Sequence[Finding]) -> str | None:
    """Store the rows of all defects of an import and return the name of the file; None when there are none.

    The name is the hash of the content, so a report never points at the rows of another import.
    """
    places = [found.places.ranges() for found in findings]
    if not sum(map(len, places)):
        return None
    repeats = np.repeat(np.arange(len(findings), dtype=np.int32), list(map(len, places)))
    rows = np.concatenate(places)
    texts = {
        name: pa.DictionaryArray.from_arrays(repeats, pa.array([getattr(found, name) for found in findings]))
        for name in ("kind", "action", "message")
    }
    columns = {**texts, "first_row": pa.array(rows[:, 0]), "last_row": pa.array(rows[:, 1])}
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: columns[name] for name in COLUMNS}), buffer, compression="zstd")
    content = buffer.getvalue()
    name = f"reports/{hashlib.sha256(content).hexdigest()[:32]}.parquet"
    storage.write(name, content)
    return name


def rows_as_csv(storage: Storage, name: str | None) -> bytes:
    """Return a stored file of rows as CSV with the header ``kind,action,first_row,last_row,message``.

    Without a name (a report without defects) the header is all there is.

    Raises
    ------
    NotFound
        When there is no such file.
    """
    if name is None:
        return (",".join(COLUMNS) + "\n").encode()
    table = pq.read_table(io.BytesIO(storage.read(name)))
    plain = pa.table({k: table[k].cast(pa.string()) if "row" not in k else table[k] for k in table.column_names})
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(plain, buffer, pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="none"))
    return buffer.getvalue()
