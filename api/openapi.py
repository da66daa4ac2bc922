"""The OpenAPI description: problems declared as what they are, on every call."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.guard import READING
from api.keys import is_open
from api.problems import MEDIA_TYPE, ProblemDetails

Responses = dict[int | str, dict[str, Any]]

MEANINGS = {
    400: "Not JSON",
    401: "The key is missing or wrong",
    403: "A page of another site asked for it",
    404: "Something named does not exist",
    409: "Ruled out by the present state",
    412: "Somebody changed it meanwhile",
    413: "The body is too large",
    415: "The body is compressed by Content-Encoding, a form, or not declared as what the call takes",
    421: "The Host header names another host",
    422: "Well formed, but cannot be accepted; row and field name the place",
    428: "If-Match is missing",
    500: "Something failed inside candleloop",
    503: "Something candleloop needs cannot be reached",
}
EVERYWHERE = (421, 500)

SECURITY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Needed where the service has keys"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in another header"},
}


def problems(*statuses: int) -> Responses:
    """Return the declaration of the problems that a call can answer with."""
    return {
        status: {"model": ProblemDetails, "description": MEANINGS[status]}
        for status in sorted({*statuses, *EVERYWHERE})
    }


def operation_id(route: APIRoute) -> str:
    """Name an operation after its function, so that generated clients are stable."""
    return route.name


def describe(app: FastAPI) -> None:
    """Give the application its description, made on first use."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            _declare_guard(schema)
            _use_problem_type(schema)
            _refer(schema["components"]["schemas"])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _declare_guard(schema: dict[str, Any]) -> None:
    """Declare what the guard refuses by the path, the method and the body of a call."""
    schema["components"]["securitySchemes"] = SECURITY
    schema["security"] = [{}, *({name: []} for name in SECURITY)]
    for name, path in schema["paths"].items():
        for method, operation in path.items():
            if is_open(name):
                operation["security"] = []
            else:
                operation["responses"]["401"] = _refusal(401)
            if method.upper() not in READING:
                operation["responses"]["403"] = _refusal(403)
                if "requestBody" in operation:
                    operation["responses"]["415"] = _refusal(415)


def _refusal(status: int) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/ProblemDetails"}
    return {"description": MEANINGS[status], "content": {MEDIA_TYPE: {"schema": reference}}}


def _use_problem_type(schema: dict[str, Any]) -> None:
    """Declare refusals with the media type they are sent with, and drop the framework's own kind of them."""
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in list(operation["responses"].items()):
                content = response.get("content", {})
                if not status.startswith(("4", "5")) or "application/json" not in content:
                    continue
                model = content["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
                if model == "HTTPValidationError":
                    response["description"] = MEANINGS[422]
                if model in {"HTTPValidationError", "ProblemDetails"}:
                    del content["application/json"]
                    content[MEDIA_TYPE] = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _refer(schemas: dict[str, Any]) -> None:
    """Refer to a schema of its own where pydantic wrote it out (it does for what it is told not to validate)."""

    def referring(node: Any) -> Any:
        if isinstance(node, list):
            return [referring(item) for item in node]
        if not isinstance(node, dict):
            return node
        title = node.get("title")
        if isinstance(title, str) and schemas.get(title) == node:
            return {"$ref": f"#/components/schemas/{title}"}
        return {key: referring(value) for key, value in node.items()}

    for name, schema in list(schemas.items()):
        schemas[name] = {key: referring(value) for key, value in schema.items()}
