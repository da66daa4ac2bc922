"""The RQ dashboard: ``python -m workers.dashboard``.

A wrapper around rq-dashboard that reads jobs with the JSON serializer (on the workers page too, where rq-dashboard
itself does not) and changes nothing: jobs are cancelled and started through the API, which keeps the database right.
On loopback it answers loopback names only, as the API does, so that no web page reads it under a name of its own.
"""

from __future__ import annotations

import functools

import rq_dashboard.web
from flask import Flask, request
from rq import Worker
from rq.serializers import JSONSerializer
from rq_dashboard.cli import make_flask_app
from werkzeug.serving import make_server

from api.guard import allowed_hosts, host_name
from config.settings import settings
from workers.processes import configure_logging


class _JsonWorkers(Worker):
    """Workers as rq-dashboard lists them, whose jobs are read as JSON."""

    all = functools.partial(Worker.all, serializer=JSONSerializer)


def make_app(redis_url: str, host: str = "127.0.0.1") -> Flask:
    """Return the dashboard over a Redis, to be served on the address ``host``."""
    app: Flask = make_flask_app(None, None, None, "")
    app.config.update(RQ_DASHBOARD_REDIS_URL=redis_url, RQ_DASHBOARD_DISABLE_DELETE=True)
    rq_dashboard.web.config.serializer = JSONSerializer
    rq_dashboard.web.Worker = _JsonWorkers
    rq_dashboard.web.setup_rq_connection(app)
    app.before_request(functools.partial(_refuse_foreign_names, allowed_hosts(host)))
    app.before_request(_refuse_changes)
    return app


def _refuse_foreign_names(hosts: frozenset[str] | None) -> tuple[dict[str, str], int] | None:
    if hosts is None or host_name(request.headers.get("Host", "")) in hosts:
        return None
    return {"status": f"This dashboard answers to {', '.join(sorted(hosts))} only."}, 421


def _refuse_changes() -> tuple[dict[str, str], int] | None:
    if request.method in {"GET", "HEAD", "OPTIONS"} and request.endpoint != "rq_dashboard.requeue_all":
        return None
    return {"status": "This dashboard only shows. Start and cancel jobs through the API."}, 403


def main() -> None:
    """Serve until a signal."""
    chosen = settings()
    configure_logging(chosen.log_level)
    server = make_server(chosen.host, chosen.dashboard_port, make_app(chosen.redis, chosen.host), threaded=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
