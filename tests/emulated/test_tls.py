"""Servers that no trusted TLS connection leads to: one sentence says why and what to do, and nothing is tried again."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from accounts import CLOCK, distinct, events_of, make_history
from network import answering, speaking_tls

import optkit
from optkit.emulator import Emulator

ASKED = ("2026-03-02", "2026-03-16")
HISTORY = make_history(300)
TOKEN = "made-up"  # noqa: S105 - nobody's


@pytest.fixture(autouse=True)
def trust(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the test's certificate authority, named by no variable yet."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return file


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def speaking(authority: trustme.CA, host: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def expired(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    past = [datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2021)]
    authority.issue_cert("localhost", not_before=past[0], not_after=past[1]).configure_cert(context)
    return context


def demanding(authority: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = speaking(authority)
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def outdated(authority: trustme.CA) -> ssl.SSLContext:
    context = speaking(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def without_common_cipher(authority: trustme.CA) -> ssl.SSLContext:
    context = speaking(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("NULL-SHA256:@SECLEVEL=0")
    return context


@contextmanager
def server_speaking(context: ssl.SSLContext | None) -> Iterator[list[str]]:
    """Run an account behind TLS as `context` says and point optkit to it; yields an item for each connection."""
    with (
        Emulator(HISTORY, clock=CLOCK) as server,
        speaking_tls(int(server.url.rpartition(":")[2]), context) as (port, connections),
    ):
        optkit.configure(base_url=f"https://localhost:{port}", token=server.token, workers=1)
        yield connections


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_come_from_the_file_that_the_environment_names(
    variable: str, authority: trustme.CA, trust: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(trust))
    with server_speaking(speaking(authority)):
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)


#: Of each fault how the server speaks TLS, and what the error says.
FAULTS: dict[str, tuple[Callable[[trustme.CA], ssl.SSLContext | None], str]] = {
    "signed by a stranger": (lambda _: speaking(trustme.CA()), r"certificate .* set REQUESTS_CA_BUNDLE"),
    "expired": (expired, "certificate has expired"),
    "for another host": (
        lambda authority: speaking(authority, "other.test"),
        "certificate is for another host",
    ),
    "client certificate, TLS 1.3": (
        lambda authority: demanding(authority, ssl.TLSVersion.TLSv1_3),
        "demands a client certificate",
    ),
    "client certificate, TLS 1.2": (
        lambda authority: demanding(authority, ssl.TLSVersion.TLSv1_2),
        "demands a client certificate",
    ),
    "plain HTTP": (lambda _: None, r"does not speak TLS .* check OPTKIT_BASE_URL"),
    "TLS 1.1 only": (outdated, r"TLS 1\.2"),
    "no common cipher": (without_common_cipher, "no cipher"),
}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
@pytest.mark.parametrize("fault", FAULTS)
def test_tls_failures_are_explained_and_not_retried(
    fault: str, authority: trustme.CA, trust: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trust))
    make, says = FAULTS[fault]
    with (
        server_speaking(make(authority)) as connections,
        pytest.raises(optkit.TransportError, match=f"^no TLS connection to localhost:.*{says}") as caught,
    ):
        optkit.load(*ASKED)
    assert caught.value.__suppress_context__
    assert len(connections) <= 2, "one for each week"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_certificates_that_cannot_be_read_are_an_error_that_names_the_variable(
    variable: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "certificates.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(variable, str(file))
    optkit.configure(base_url="https://localhost:1", token=TOKEN)
    with pytest.raises(optkit.SettingsError, match=rf"certificates\.pem.* {variable}"):
        optkit.load(*ASKED)


@pytest.mark.usefixtures("quick_retries")
def test_http_to_a_port_that_speaks_tls_is_an_error(authority: trustme.CA) -> None:
    with answering(b"", tls=speaking(authority)) as port:
        optkit.configure(base_url=f"http://127.0.0.1:{port}", token=TOKEN, workers=1)
        with pytest.raises(optkit.TransportError, match="no usable answer"):
            optkit.load(*ASKED)
