"""Query parameters: a call refuses those that it does not have, so that a misspelt one is never passed over."""

from __future__ import annotations

from fastapi import Request
from fastapi.dependencies.models import Dependant

from candleloop.errors import BadRequest


async def known_parameters(request: Request) -> None:
    """Refuse query parameters that the call does not have.

    Raises
    ------
    BadRequest
        With the name of the first one, and of those that there are.
    """
    if not request.scope["query_string"]:
        return
    known = _query_parameters(request.scope["route"].dependant)
    unknown = [name for name in dict.fromkeys(request.query_params.keys()) if name not in known]
    if unknown:
        parameters = "query parameter" if len(unknown) == 1 else "query parameters"
        taken = f"it takes {', '.join(known)}" if known else "it takes none"
        detail = f"{request.url.path} has no {parameters} {', '.join(unknown)}; {taken}."
        raise BadRequest(detail, code="unknown_parameter", field=unknown[0])


def _query_parameters(dependant: Dependant) -> list[str]:
    """Return the names of the query parameters of a call, in the order of its description."""
    own = [field.alias for field in dependant.query_params]
    return own + [name for needed in dependant.dependencies for name in _query_parameters(needed)]
