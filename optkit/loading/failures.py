"""Why a request failed, in words that say what to do, and whether a retry may cure it: then it is a `TransientError`.

What went wrong is told from the errors' types and codes; their own text may name the query, phone numbers included.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from optkit.errors import AuthenticationError, OptkitError, RateLimitError, ResponseError, TransportError
from optkit.loading.http_responses import Response, UnpackError
from optkit.loading.retries import TransientError, parse_retry_after
from optkit.loading.transport import ProxyError

#: OpenSSL's codes of what is wrong with a certificate; any other code: no trusted authority has signed it.
_CERTIFICATE: Final = {
    9: "its certificate is not valid yet; check this machine's clock",
    10: "its certificate has expired; tell the vendor, or check this machine's clock",
    62: "its certificate is for another host; check OPTKIT_BASE_URL",
    64: "its certificate is for another host; check OPTKIT_BASE_URL",
}
_NOT_TRUSTED: Final = (
    "its certificate was refused, because no authority that is trusted here has signed it; set REQUESTS_CA_BUNDLE (or "
    "SSL_CERT_FILE) to a file with the certificate of the authority that did, such as your company's"
)
#: Parts of OpenSSL's other reasons, and what they mean.
_TLS: Final = {
    "CERTIFICATE_REQUIRED": "it demands a client certificate, which optkit does not send",
    "BAD_CERTIFICATE": "it demands a client certificate, which optkit does not send",
    "WRONG_VERSION_NUMBER": "it does not speak TLS on that port; check OPTKIT_BASE_URL",
    "RECORD_LAYER_FAILURE": "it does not speak TLS on that port; check OPTKIT_BASE_URL",
    "HTTP_REQUEST": "it does not speak TLS on that port; check OPTKIT_BASE_URL",
    "UNSUPPORTED_PROTOCOL": "it speaks TLS 1.1 or older only, which is not safe; ask the vendor for TLS 1.2",
    "PROTOCOL_VERSION": "it speaks TLS 1.1 or older only, which is not safe; ask the vendor for TLS 1.2",
    "HANDSHAKE_FAILURE": "there is no cipher that both sides accept, or it demands a client certificate",
    "NO_SHARED_CIPHER": "there is no cipher that both sides accept",
    "INSUFFICIENT_SECURITY": "there is no cipher that both sides accept",
}


def explain_error(
    error: Exception, host: str, *, proxy: str | None, timeout: float
) -> TransportError | TransientError:
    """Return what to raise for a request that got no answer, from the error that `Connections.get` raised."""
    if isinstance(error, ProxyError):
        return _explain_proxy(error, proxy)
    tls = _explain_tls(error) if isinstance(error, ssl.SSLError) else None
    if tls is not None:
        return TransportError(f"no TLS connection to {host}: {tls}")
    is_late = isinstance(error, TimeoutError)
    why = f"no answer within {timeout:g} s" if is_late else _reason(error)
    return TransientError(
        TransportError(f"{host} gave no usable answer, repeatedly: {why}"), was_refused=is_late
    )


def explain_status(response: Response, host: str, paths: Sequence[str]) -> OptkitError | TransientError:
    """Return what to raise for an answer with another status than 200."""
    status = response.status
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return AuthenticationError(
            f"{host} refused the token (HTTP {status}); check OPTKIT_TOKEN, or get a new one from the vendor's "
            "settings"
        )
    retry_after = parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        asked = "" if retry_after is None else f" and asks for a pause of {retry_after:g} s"
        error = RateLimitError(
            f"{host} limits the rate{asked}; load again later, or set OPTKIT_MAX_RPS to a lower rate",
            retry_after=retry_after,
        )
        return TransientError(error, was_refused=True, retry_after=retry_after)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        is_busy = status == HTTPStatus.SERVICE_UNAVAILABLE
        return TransientError(
            TransportError(f"{host} failed, repeatedly (HTTP {status}); try again later", status_code=status),
            was_refused=is_busy,
            retry_after=retry_after if is_busy else None,
        )
    if 300 <= status < 400:  # noqa: PLR2004 - the range of redirects
        target = _host_of(response.headers.get("location") or "")
        problem = (
            f"redirects{f' to {target}' if target else ''} (HTTP {status}), which optkit does not follow, because "
            "the token would go along; set OPTKIT_BASE_URL to the right origin"
        )
    elif status == HTTPStatus.NOT_FOUND:
        problem = f"does not know {' or '.join(paths)} (HTTP 404); check OPTKIT_BASE_URL"
    else:
        problem = f"did not accept the request (HTTP {status})"
    return ResponseError(f"{host} {problem}")


def _host_of(url: str) -> str:
    """Return the host and port that a URL names, without a login; empty if it names none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _explain_tls(error: ssl.SSLError) -> str | None:
    """Return what TLS says; None where the connection just broke."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, _NOT_TRUSTED)
    reason = error.reason or ""
    return next((meaning for part, meaning in _TLS.items() if part in reason), None)


def _explain_proxy(error: ProxyError, proxy: str | None) -> TransportError | TransientError:
    status = error.status
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return TransportError(
            f"the proxy {proxy} wants a login (HTTP 407); put it into HTTPS_PROXY, as in "
            "http://user:password@host:port",
            status_code=status,
        )
    if status is None:
        return TransportError(
            f"the proxy {proxy}, which HTTPS_PROXY names, cannot be used: {_reason(error)}; correct it, or set "
            "NO_PROXY where no proxy is needed"
        )
    why = f"the proxy {proxy}, which HTTPS_PROXY names, does not let requests through (HTTP {status})"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(TransportError(f"{why}, repeatedly; try again later", status_code=status))
    return TransportError(f"{why}; set NO_PROXY where no proxy is needed", status_code=status)


def _reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, socket.gaierror):
            return "its name is unknown (is there a network?)"
        if isinstance(cause, UnpackError):
            return "the body cannot be unpacked"
    return "the connection broke"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
