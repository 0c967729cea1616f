"""The Compose file: its mounts exist, its ports are local, and its services start in order."""

import re
from typing import Any

import pytest

from tests.deploy.queries import DEPLOY, read_yaml
from tests.deploy.runbooks import RUNBOOKS
from tests.deploy.tools import ENVIRONMENT, check

COMPOSE = read_yaml(DEPLOY / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
each = pytest.mark.parametrize("name", SERVICES)


def test_file_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose, even an old version, accepts the file."""
    monkeypatch.setitem(ENVIRONMENT, "GRAFANA_PASSWORD", "choose")
    check("docker-compose", "--file", DEPLOY / "compose.yaml", "config", "--quiet")


def test_services() -> None:
    """The services are ours, Prometheus, Alertmanager and Grafana."""
    assert set(SERVICES) == {"digits", "prometheus", "alertmanager", "grafana"}


@each
def test_mounts_exist(name: str) -> None:
    """Mounted files and folders of this project exist and are read-only; every volume is declared."""
    for mount in SERVICES[name].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (DEPLOY / source).exists(), source
            assert mode == ["ro"], mount
        else:
            assert source in COMPOSE["volumes"], source


@each
def test_ports_are_local(name: str) -> None:
    """Every published port is bound to 127.0.0.1."""
    assert SERVICES[name]["ports"]
    for port in SERVICES[name]["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


@each
def test_services_are_confined(name: str) -> None:
    """Each service has no capabilities, no new privileges, a memory limit and a health check."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert service["healthcheck"]["test"][0] == "CMD"


def test_our_service_has_documented_limits() -> None:
    """Our service has the documented limits: a read-only root and 256 MB."""
    assert (SERVICES["digits"]["read_only"], SERVICES["digits"]["mem_limit"]) == (True, "256m")
    assert (DEPLOY / SERVICES["digits"]["build"] / "Dockerfile").exists()


def test_metrics_port_is_private() -> None:
    """Metrics have a port of their own, which is not published, and which Prometheus scrapes."""
    digits = SERVICES["digits"]
    port = digits["environment"]["DIGITS_METRICS_PORT"]
    assert not [publish for publish in digits["ports"] if publish.endswith(f":{port}")]
    (job,) = read_yaml(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"digits:{port}"]}]


@each
def test_images_are_pinned(name: str) -> None:
    """Every image that is not built here is pinned to a full version."""
    if "build" not in SERVICES[name]:
        assert re.search(r":v?\d+\.\d+\.\d+$", SERVICES[name]["image"])


def test_start_order() -> None:
    """A service starts when those that it depends on are healthy, and no dependencies form a circle."""
    needs = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    assert needs["prometheus"].keys() == {"digits", "alertmanager"}
    assert needs["grafana"].keys() == {"prometheus"}
    started: set[str] = set()
    while started != SERVICES.keys():
        ready = {name for name, other in needs.items() if other.keys() <= started} - started
        assert ready, f"these wait for each other: {SERVICES.keys() - started}"
        started |= ready
    assert all(other["condition"] == "service_healthy" for need in needs.values() for other in need.values())


def test_names_and_ports_agree() -> None:
    """The configurations use the names and ports of the Compose file."""
    prometheus = read_yaml(DEPLOY / "prometheus" / "prometheus.yml")
    addresses = [*prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]]
    sources = read_yaml(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml")
    addresses.append(sources["datasources"][0]["url"].removeprefix("http://"))
    for address in addresses:
        name, port = address.split(":")
        assert f"127.0.0.1:{port}:{port}" in SERVICES[name]["ports"], address
    receivers = read_yaml(DEPLOY / "alertmanager" / "alertmanager.yml")["receivers"]
    receiver = re.sub(r"http://(\w+):.*", r"\1", receivers[0]["webhook_configs"][0]["url"])
    assert SERVICES["alertmanager"]["extra_hosts"][0].startswith(f"{receiver}:")


def test_variables_are_documented() -> None:
    """docs/operations.md has every environment variable of the Compose file."""
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    assert asked
    assert all(f"| `{name}` |" in RUNBOOKS.read_text(encoding="utf-8") for name in asked)
