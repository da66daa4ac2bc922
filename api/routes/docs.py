"""The description of the API as a page: Swagger's, all its files from here, under a strict content policy."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

router = APIRouter(include_in_schema=False)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>candleloop API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
});
"""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts from here only, none in the page; Swagger writes styles into its elements."""

REMEMBER = {"Cache-Control": "public, max-age=86400"}


@router.get("/docs")
async def docs_page() -> Response:
    """Show every call with its examples and errors, and try them."""
    return Response(PAGE, media_type="text/html", headers={"Content-Security-Policy": POLICY})


@router.get("/docs/start.js")
async def docs_start() -> Response:
    """Start Swagger's page on the description of this API."""
    return Response(START, media_type="text/javascript")


@router.get("/docs/{name}")
def docs_file(name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"]) -> FileResponse:
    """Return one of Swagger's files."""
    return FileResponse(_swagger_files() / name, headers=REMEMBER)


@cache
def _swagger_files() -> Path:
    """Return the folder of Swagger's files, out of a package that carries them for Flask (which is not used here)."""
    package = importlib.util.find_spec("flask_swagger_ui")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "dist"
