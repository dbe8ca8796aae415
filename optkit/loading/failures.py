"""Why a request got no answer, in words that say what to do.

The errors of urllib3 and ssl hold the request's query, phone numbers included: their own text is never shown.
"""

import re
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from urllib3.exceptions import DecodeError, NameResolutionError, NewConnectionError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from optkit.errors import OptkitError, TransportError
from optkit.loading.retries import TransientError

#: Why a certificate was refused, by OpenSSL's number for it.
_CERTIFICATE: Final = {
    9: "its certificate is not valid yet; check this machine's clock",
    10: "its certificate has expired; check this machine's clock, or tell the vendor",
    62: "its certificate is for another host; check OPTKIT_BASE_URL",
    64: "its certificate is for another host; check OPTKIT_BASE_URL",
}
_UNKNOWN_SIGNER: Final = (
    "its certificate was refused, because nobody who is trusted here has signed it; set REQUESTS_CA_BUNDLE (or "
    "SSL_CERT_FILE) to a file with the certificate of who did, such as your company's authority"
)
#: What TLS says, by a part of OpenSSL's reason, and what it means.
_TLS: Final = (
    (
        ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "UNKNOWN_CA"),
        "it demands a client certificate, which optkit does not send; ask for access without one",
    ),
    (
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER"),
        "it does not speak TLS on that port; check OPTKIT_BASE_URL",
    ),
    (
        ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "VERSION_TOO_LOW"),
        "it speaks TLS 1.1 or older only, which is not safe; ask for TLS 1.2",
    ),
    (
        ("HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "INSUFFICIENT_SECURITY"),
        "there is no cipher that both sides accept, or it demands a client certificate",
    ),
)


class UnreachableError(TransportError):
    """No connection leads to the server, whatever is asked for."""


def explain(
    error: Exception, host: str, *, proxy: str | None, timeout: float
) -> OptkitError | TransientError:
    """Return what to raise for a request that got no answer.

    Parameters
    ----------
    error : Exception
        What urllib3 raised.
    host : str
        The server.
    proxy : str or None
        The proxy that was asked, without its password.
    timeout : float
        Seconds that an answer may take.

    Returns
    -------
    TransientError
        A retry may cure it.
    UnreachableError
        It will not get better by itself.
    """
    chain = list(_causes(error))
    if any(isinstance(cause, ProxyError) for cause in chain):
        return _explain_proxy(chain, proxy)
    if any(isinstance(cause, SSLError | ssl.SSLError) for cause in chain):
        meaning = _explain_tls(chain)
        if meaning:
            return UnreachableError(f"no TLS connection to {host}: {meaning}")
    if isinstance(error, Urllib3TimeoutError) and not isinstance(error, NewConnectionError):
        return _repeatedly(host, f"no answer within {timeout:g} s", was_refused=True)
    return _repeatedly(host, _reason(chain))


def explain_proxy_status(proxy: str | None, status: int) -> OptkitError | TransientError:
    """Return what to raise where a proxy answers with an error instead of the server."""
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return UnreachableError(
            f"the proxy {proxy} wants a login (HTTP 407); put it into HTTPS_PROXY or HTTP_PROXY, as in "
            "http://user:password@host:port",
            status_code=status,
        )
    why = f"the proxy {proxy}, which HTTPS_PROXY or HTTP_PROXY names, does not let requests through (HTTP {status})"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(TransportError(f"{why}, repeatedly; try again later", status_code=status))
    return UnreachableError(f"{why}; set NO_PROXY where no proxy is needed", status_code=status)


def host_of(url: str) -> str:
    """Return the host and port that a URL names, without a login; empty if it names none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _explain_tls(chain: list[BaseException]) -> str:
    """Return what stands in the way of TLS, empty where it may pass."""
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(cause.verify_code, _UNKNOWN_SIGNER)
        if isinstance(cause, ssl.SSLError):
            reason = str(cause.reason)
            return next((meaning for parts, meaning in _TLS if any(part in reason for part in parts)), "")
    return ""


def _explain_proxy(chain: list[BaseException], proxy: str | None) -> OptkitError | TransientError:
    refusals = (re.search(r"Tunnel connection failed: (\d{3})", str(cause)) for cause in chain)
    status = next((int(refusal[1]) for refusal in refusals if refusal), None)
    if status is not None:
        return explain_proxy_status(proxy, status)
    return UnreachableError(
        f"the proxy {proxy}, which HTTPS_PROXY or HTTP_PROXY names, cannot be used: {_reason(chain)}; correct it, or "
        "set NO_PROXY where no proxy is needed"
    )


def _repeatedly(host: str, why: str, *, was_refused: bool = False) -> TransientError:
    return TransientError(
        TransportError(f"{host} gave no usable answer, repeatedly: {why}"), was_refused=was_refused
    )


def _reason(chain: list[BaseException]) -> str:
    for cause in chain:
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, NameResolutionError):
            return "its name is unknown (is there a network?)"
        if isinstance(cause, DecodeError):
            return "the body cannot be unpacked"
    return "the connection broke"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and everything that it wraps."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        wrapped = [getattr(seen, "reason", None), getattr(seen, "original_error", None), *seen.args]
        inner = next((item for item in wrapped if isinstance(item, BaseException)), None)
        seen = inner or seen.__cause__ or seen.__context__
