"""What docker-compose.yml promises, read from the file; `make compose-test` tries it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.kinds import KINDS, QUEUES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
ONE_SHOT = {"prepare"}


def seconds(text: str) -> int:
    parts = re.findall(r"(\d+)([hms])", text)
    assert "".join(number + unit for number, unit in parts) == text
    return sum(int(number) * {"h": 3_600, "m": 60, "s": 1}[unit] for number, unit in parts)


def test_every_process_of_the_house_is_there():
    wanted = {"redis", "postgres", "mlflow", "api", "relay", "web", "rq-dashboard", "prepare"}
    assert wanted | {f"worker-{queue}" for queue in QUEUES} <= SERVICES.keys()


@pytest.mark.parametrize("queue", QUEUES)
def test_a_worker_may_finish_the_longest_job_of_its_queue_before_it_is_killed(queue: str):
    longest = max(kind.timeout for kind in KINDS.values() if kind.queue == queue)
    service = SERVICES[f"worker-{queue}"]
    assert service["command"][-2:] == ["workers.worker", queue]
    assert seconds(service["stop_grace_period"]) > longest


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_an_init_a_memory_limit_short_logs_and_no_way_to_more_rights(name: str):
    service = SERVICES[name]
    assert service["init"] is True
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["logging"]["options"]["max-size"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOT))
def test_a_service_is_started_again_and_asked_whether_it_is_well(name: str):
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_database_and_redis_are_on_a_network_without_a_way_out():
    assert COMPOSE["networks"]["back"]["internal"] is True
    for name in ("redis", "postgres"):
        assert SERVICES[name]["networks"] == ["back"]
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if service.get("read_only")])
def test_a_read_only_container_is_not_given_what_compose_would_copy_into_it(name: str):
    service = SERVICES[name]
    given = [COMPOSE["secrets"][one] for one in service.get("secrets", [])]
    given += [COMPOSE["configs"][one["source"]] for one in service.get("configs", [])]
    assert [one for one in given if "file" not in one] == [], "only a file is mounted"


def test_what_waits_for_another_service_says_for_which_state_of_it():
    for name, service in SERVICES.items():
        for other, wanted in service.get("depends_on", {}).items():
            state = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert wanted["condition"] == state, f"{name} waits for {other}"


def test_secrets_have_no_default_and_stand_empty_in_the_example():
    used = set(re.findall(r"\$\{(CANDLELOOP_\w*(?:KEY|PASSWORD))([^}]*)\}", TEXT))
    assert used
    assert all(rest.startswith(":?") for _, rest in used)
    example = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    assert example == dict.fromkeys(sorted(name for name, _ in used), "")


def test_every_image_is_pinned_to_a_version_or_made_here():
    for service in SERVICES.values():
        image = service["image"]
        assert image.startswith("${COMPOSE_PROJECT_NAME}-") or re.fullmatch(r"[\w./-]+:v?\d+(\.\d+)*", image)


@pytest.mark.parametrize("file", sorted((ROOT / "docker").glob("*.Dockerfile")), ids=lambda file: file.name)
def test_an_image_runs_as_a_user_of_its_own(file: Path):
    lines = file.read_text(encoding="utf-8").splitlines()
    last_stage = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    users = [line.split()[1] for line in lines[last_stage:] if line.startswith("USER ")]
    assert users
    assert users[-1] != "root"
    assert last_stage > 0, "what builds the image does not belong into it"
