"""The API description as a file, from which clients are generated: ``python -m api.openapi_file PATH``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from api.main import create_app
from config.settings import Settings


def openapi_file() -> bytes:
    """Return the description of the API as JSON: the same bytes wherever, and however, candleloop is installed."""
    described = create_app(Settings(_env_file=None)).openapi()
    return (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode()


def main() -> None:
    """Write the file named on the command line."""
    Path(sys.argv[1]).write_bytes(openapi_file())


if __name__ == "__main__":
    main()
