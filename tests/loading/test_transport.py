import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from accounts import CLOCK, make_history

from optkit.config import resolve
from optkit.datasets.opt_status import OPT_STATUS
from optkit.emulator import Emulator
from optkit.errors import SettingsError, TransportError
from optkit.loading.pages import PageRequest
from optkit.loading.session import ApiSession

ALL = PageRequest(0, 2_000_000_000_000, 1)
ANYTHING = "any"


class Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"entries":[]}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that refuses the certificate: that is the point."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Localhost's certificate, signed by itself; its key lies beside it."""
    if shutil.which("openssl") is None:
        missing = pytest.fail if os.environ.get("OPTKIT_REQUIRE_ALL") else pytest.skip
        missing("needs openssl: apt-get install openssl")
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = (
        "openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run(
        [*command.split(), "-keyout", file.with_suffix(".key"), "-out", file], check=True, capture_output=True
    )
    return file


@pytest.fixture(scope="module")
def https(certificate: Path) -> Iterator[str]:
    """A server that speaks TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with Quiet(("127.0.0.1", 0), Empty) as server:
        # the handshake is the connection's thread's, not the listening one's: a refused certificate harms nobody else
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()


def test_the_environment_says_which_certificates_are_trusted(
    https: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with ApiSession(resolve(base_url=https, token=ANYTHING), OPT_STATUS) as client:
        assert client.get(ALL).entries == []


def test_an_unknown_certificate_is_refused(https: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with (
        ApiSession(resolve(base_url=https, token=ANYTHING), OPT_STATUS) as client,
        pytest.raises(TransportError, match="certificate was refused"),
    ):
        client.get(ALL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere/certificates.pem"),
        ("HTTPS_PROXY", "http://"),
        ("HTTPS_PROXY", "nonsense://127.0.0.1:1"),
    ],
)
def test_files_named_in_the_environment_must_exist(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        ApiSession(resolve(base_url="https://cx.optkit.test", token=ANYTHING), OPT_STATUS)


def test_connections_are_reused() -> None:
    with (
        Emulator(make_history(150), clock=CLOCK) as server,
        ApiSession(resolve(base_url=server.url, token=server.token), OPT_STATUS) as client,
    ):
        for _ in range(5):
            client.get(ALL)
        assert len(client._connections._idle) == 1
