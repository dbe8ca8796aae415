"""Proxies that the environment names: used for the vendor's server and never for this machine."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from accounts import CLOCK, distinct, events_of, make_history
from network import proxying, speaking_tls

import optkit
from optkit.emulator import Emulator

ASKED = ("2026-03-02", "2026-03-16")
HISTORY = make_history(300)
HOST = "cx.optkit.test"
TOKEN = "made-up"  # noqa: S105 - nobody's


@pytest.fixture(autouse=True)
def no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "NO_PROXY",
        "no_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """How the server with the made-up name speaks TLS; the client trusts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    return context


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_this_machine_is_never_asked_through_a_proxy(
    variable: str,
    connect: Callable[[Emulator], None],
    authority: trustme.CA,
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority.issue_cert("localhost").configure_cert(tls)
    with (
        Emulator(HISTORY, clock=CLOCK) as server,
        speaking_tls(int(server.url.rpartition(":")[2]), tls) as (port, _),
        proxying({}) as proxy,
    ):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        connect(server)
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)
        optkit.configure(base_url=f"https://localhost:{port}", account="encrypted")
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)
    assert not proxy.asked


def test_the_demo_account_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert optkit.load("2026-05-04", "2026-05-11", account="demo").height
    assert not proxy.asked


def test_a_load_goes_through_the_proxy_that_the_environment_names(
    connect: Callable[[Emulator], None], tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Emulator(HISTORY) as server,
        speaking_tls(int(server.url.rpartition(":")[2]), tls) as (port, _),
        proxying({HOST: port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        connect(server)
        optkit.configure(base_url=f"https://{HOST}")
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)
        assert proxy.asked
        assert all(head.startswith(f"CONNECT {HOST}:443 ") for head in proxy.asked)
        assert not any(server.token in head for head in proxy.asked)


@pytest.mark.parametrize(
    ("status", "says", "tries"),
    [
        ("407 Proxy Authentication Required", "wants a login", 1),
        ("403 Forbidden", "HTTP 403", 1),
        ("502 Bad Gateway", "HTTP 502", 6),
    ],
)
@pytest.mark.usefixtures("quick_retries")
def test_a_proxy_that_refuses_is_named_without_its_password(
    status: str, says: str, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxying({HOST: 1}, status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cret@127.0.0.1:{proxy.port}")
        optkit.configure(base_url=f"https://{HOST}", token=TOKEN, workers=1)
        with pytest.raises(
            optkit.TransportError, match=rf"proxy 127\.0\.0\.1:{proxy.port}.*{says}"
        ) as caught:
            optkit.load("2026-03-02", "2026-03-09")
    assert "s3cret" not in str(caught.value)
    assert "HTTPS_PROXY" in str(caught.value)
    assert len(proxy.asked) == tries, "what cannot get better is not tried again"
    assert all("Basic bWU6czNjcmV0" in head for head in proxy.asked), "the login, in Base64"


@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        ("http://me:s3cret@127.0.0.1:{closed}", "connection refused"),
        ("http://me:s3cret@proxy.invalid:3128", "name is unknown"),
    ],
)
def test_a_proxy_that_cannot_be_reached_is_named_without_its_password(
    proxy: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens there
        url = proxy.format(closed=closed.getsockname()[1])
        monkeypatch.setenv("HTTPS_PROXY", url)
        optkit.configure(base_url=f"https://{HOST}", token=TOKEN)
        with pytest.raises(optkit.TransportError, match=f"proxy {url.rpartition('@')[2]}.*{says}") as caught:
            optkit.load(*ASKED)
    assert "s3cret" not in str(caught.value)
    assert "HTTPS_PROXY" in str(caught.value)
