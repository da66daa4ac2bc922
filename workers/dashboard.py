"""The RQ dashboard: ``python -m workers.dashboard``.

A wrapper around rq-dashboard that reads jobs with the JSON serializer (on the workers page too, where rq-dashboard
itself does not) and changes nothing: jobs are cancelled and started through the API, which keeps the database right.
On loopback it answers loopback names only, as the API does, so that no web page reads it under a name of its own. On
other addresses it does not start without a password.
"""

from __future__ import annotations

import functools
import sys

import rq_dashboard.web
from flask import Flask, Response, request
from rq import Worker
from rq.serializers import JSONSerializer
from rq_dashboard.cli import make_flask_app
from werkzeug.serving import make_server

from api.guard import allowed_hosts, host_name
from candleloop.errors import BadConfiguration
from config.logs import configure_logging
from config.settings import settings
from workers.passwords import CHALLENGE, REFUSAL, is_right

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class _JsonWorkers(Worker):
    """Workers as rq-dashboard lists them, whose jobs are read as JSON."""

    all = functools.partial(Worker.all, serializer=JSONSerializer)


def make_app(redis_url: str, host: str = "127.0.0.1", password: str | None = None) -> Flask:
    """Return the dashboard over a Redis, to be served on the address ``host``, open to all who reach it or not."""
    app: Flask = make_flask_app(None, None, None, "")
    app.config.update(RQ_DASHBOARD_REDIS_URL=redis_url, RQ_DASHBOARD_DISABLE_DELETE=True)
    rq_dashboard.web.config.serializer = JSONSerializer
    rq_dashboard.web.Worker = _JsonWorkers
    rq_dashboard.web.setup_rq_connection(app)
    app.before_request(functools.partial(_refuse_foreign_names, allowed_hosts(host)))
    if password is not None:
        app.before_request(functools.partial(_refuse_strangers, password))
    app.before_request(_refuse_changes)
    app.after_request(_protect)
    return app


def _refuse_foreign_names(hosts: frozenset[str] | None) -> tuple[dict[str, str], int] | None:
    if hosts is None or host_name(request.headers.get("Host", "")) in hosts:
        return None
    return {"status": f"This dashboard answers to {', '.join(sorted(hosts))} only."}, 421


def _refuse_strangers(password: str) -> tuple[dict[str, str], int, dict[str, str]] | None:
    if is_right(request.headers.get("Authorization"), password):
        return None
    return {"status": REFUSAL}, 401, {"WWW-Authenticate": CHALLENGE}


def _protect(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _refuse_changes() -> tuple[dict[str, str], int] | None:
    if request.method in {"GET", "HEAD", "OPTIONS"} and request.endpoint != "rq_dashboard.requeue_all":
        return None
    return {"status": "This dashboard only shows. Start and cancel jobs through the API."}, 403


def main() -> None:
    """Serve until a signal."""
    try:
        chosen = settings()
        chosen.require_dashboard_password("The RQ dashboard")
    except BadConfiguration as error:
        sys.exit(f"The RQ dashboard does not start. {error.message}")
    configure_logging(chosen)
    password = chosen.dashboard_password
    app = make_app(chosen.redis, chosen.host, None if password is None else password.get_secret_value())
    make_server(chosen.host, chosen.dashboard_port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
