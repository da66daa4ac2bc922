"""The MLflow server in one process: ``python -m workers.mlflow_server``.

``mlflow server`` is a parent that imports MLflow and then starts a child that imports it again; this starts the same
application in half the time and half the memory, and leaves no child behind when it is killed. It asks for the
password of the dashboards if there is one; on other addresses than loopback it does not start without.
"""

from __future__ import annotations

import os
import sys
import uuid

from candleloop.errors import BadConfiguration
from candleloop.training.mlflow_probe import DATABASE_HEADER, database_tag
from config.logs import configure_logging
from config.settings import Settings, is_loopback, settings
from workers.passwords import PasswordGate

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""No usage statistics are sent anywhere, and MLflow's own job runner is not started."""


def server_environment(chosen: Settings) -> dict[str, str]:
    """Return the variables that tell MLflow's application where runs and artifacts are: in the data folder."""
    from mlflow.server import constants

    return {
        constants.BACKEND_STORE_URI_ENV_VAR: chosen.mlflow_database,
        constants.REGISTRY_STORE_URI_ENV_VAR: chosen.mlflow_database,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: (chosen.home_path / "mlflow-artifacts").as_uri(),
        constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        "_MLFLOW_SERVER_BOOT_ID": uuid.uuid4().hex,
        "_MLFLOW_SGI_NAME": "uvicorn",
        # Where more than this machine reaches it the password protects it, and its name is not ours to know.
        **({} if is_loopback(chosen.host) else {"MLFLOW_SERVER_ALLOWED_HOSTS": "*"}),
    }


def main() -> None:
    """Serve until a signal."""
    try:
        chosen = settings()
        chosen.require_dashboard_password("MLflow")
    except BadConfiguration as error:
        sys.exit(f"MLflow does not start. {error.message}")
    configure_logging(chosen)
    os.environ.update(QUIET)
    os.environ.update(server_environment(chosen))
    import uvicorn
    from mlflow.server.fastapi_app import app

    password = chosen.dashboard_password
    uvicorn.run(
        app if password is None else PasswordGate(app, password.get_secret_value(), "/health"),
        headers=[(DATABASE_HEADER, database_tag(chosen.mlflow_database))],
        host=chosen.host,
        port=chosen.mlflow_port,
        log_config=None,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
