"""A real nginx with the shipped configuration of a place, on loopback; absent: tests are skipped."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.sink_servers import Tls

SHIPPED = Path(__file__).parents[2] / "packaging" / "nginx"
MODULE = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")


def needed() -> str:
    """The program; skips when it or its module is not there."""
    if NGINX is None or not MODULE.exists():
        pytest.skip("nginx-light and libnginx-mod-http-js are not installed; see packaging/system_packages.sh")
    return NGINX


@contextmanager
def nginx_place(folder: Path, tls: Tls, key: str) -> Iterator[tuple[str, Path]]:
    """The URL of its artifacts, and their folder."""
    program = needed()
    (folder / "artifacts").mkdir(parents=True)
    (folder / "wayside.key").write_text(key + "\n")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    moved = {
        "/etc/nginx/server.pem": tls.certificate,
        "/etc/nginx/server.key": tls.key,
        "/etc/nginx": folder,
        "/srv/wayside": folder,
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
    }
    for name in ("wayside_place.js", "wayside_place.conf"):
        text = (SHIPPED / name).read_text()
        for shipped, here in moved.items():
            text = text.replace(shipped, str(here))
        (folder / name).write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"load_module {MODULE}; daemon off; pid {folder}/pid; error_log stderr; user root;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary} include {folder}/wayside_place.conf; }}\n"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        _until_up(process, port)
        yield f"https://localhost:{port}/wayside/{{sha256}}", folder / "artifacts"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _until_up(process: "subprocess.Popen[bytes]", port: int) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue
        return
    raise RuntimeError(process.communicate()[1].decode())
