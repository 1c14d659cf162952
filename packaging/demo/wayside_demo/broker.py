"""The demo's MQTT broker on TLS: mosquitto where it is installed, else amqtt from the registry (no root needed)."""

import os
import shutil
import sys
from pathlib import Path

from wayside_demo.stage import Program, StoryError

NAME_MOSQUITTO, NAME_AMQTT = "mosquitto", "amqtt"


def broker(port: int, *, certificates: Path, work_dir: Path, log_dir: Path) -> Program:
    """The broker, not started. `certificates` holds `ca.pem`, `certificate.pem` and `key.pem`.

    Raises: StoryError: neither is there.
    """
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if mosquitto:
        return Program(NAME_MOSQUITTO, [mosquitto, "-c", str(_mosquitto(port, certificates, work_dir))], log_dir)
    amqtt = Path(sys.executable).parent / "amqtt"
    if not amqtt.exists():
        raise StoryError("no MQTT broker: install mosquitto, or run `make setup` for amqtt")
    return Program(NAME_AMQTT, [str(amqtt), "-c", str(_amqtt(port, certificates, work_dir))], log_dir)


def plain_broker(port: int, *, work_dir: Path, log_dir: Path) -> Program:
    """A broker on this machine without TLS, open to all that runs here; not started.

    Raises: StoryError: there is none.
    """
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if mosquitto:
        config = work_dir / "city.conf"
        lines = [f"listener {port} localhost", "allow_anonymous true", "persistence false"]
        config.write_text("\n".join([*lines, *(["user root"] if os.getuid() == 0 else [])]) + "\n")
        return Program("city-broker", [mosquitto, "-c", str(config)], log_dir)
    amqtt, config = Path(sys.executable).parent / "amqtt", work_dir / "city.yaml"
    if not amqtt.exists():
        raise StoryError("no MQTT broker: install mosquitto, or run `make setup` for amqtt")
    config.write_text(
        f"""
listeners:
  default:
    type: tcp
    bind: localhost:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""
    )
    return Program("city-broker", [str(amqtt), "-c", str(config)], log_dir)


def _mosquitto(port: int, certificates: Path, work_dir: Path) -> Path:
    """Mutual TLS; a node may publish under its own name only, the operator may read everything."""
    access = work_dir / "mosquitto.acl"
    access.write_text("pattern write wayside/v1/%u/#\nuser operators/admin\ntopic read wayside/v1/#\n")
    access.chmod(0o600)
    config = work_dir / "mosquitto.conf"
    lines = [
        f"listener {port} localhost",
        f"cafile {certificates / 'ca.pem'}",
        f"certfile {certificates / 'certificate.pem'}",
        f"keyfile {certificates / 'key.pem'}",
        "require_certificate true",
        "use_identity_as_username true",
        f"acl_file {access}",
        "allow_anonymous false",
        "persistence false",
        *(["user root"] if os.getuid() == 0 else []),
    ]
    config.write_text("\n".join(lines) + "\n")
    return config


def _amqtt(port: int, certificates: Path, work_dir: Path) -> Path:
    config = work_dir / "amqtt.yaml"
    config.write_text(
        f"""
listeners:
  default:
    type: tcp
    bind: localhost:{port}
    ssl: true
    cafile: {certificates / "ca.pem"}
    certfile: {certificates / "certificate.pem"}
    keyfile: {certificates / "key.pem"}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""
    )
    return config
