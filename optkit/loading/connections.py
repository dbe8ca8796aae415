"""Connections to one server, by the proxies and certificates that `requests` finds in the environment."""

import logging
import re
from collections.abc import Mapping
from typing import Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from optkit.errors import SettingsError


class _HidePhones(logging.Filter):
    """Takes phone numbers out of urllib3's debug lines, which hold each request's query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"((?:to|from)_phone=)[^&\s]*", r"\1(hidden)", value)
                if isinstance(value, str)
                else value
                for value in record.args
            )
        return True


#: Whoever calls repeats; made once, because urllib3 would make one for each request.
_NO_RETRIES: Final = Retry(False, redirect=False)

logging.getLogger("urllib3.connectionpool").addFilter(_HidePhones())


class Connections(HTTPAdapter):
    """Kept open between requests, and shared by threads.

    `requests` is asked once, how this origin is reached; from then on urllib3 is, directly, which takes half the time
    a request. Redirects are not followed: `requests` would hand the token on.

    Parameters
    ----------
    origin : str
        Of the server.
    size : int
        So many connections are kept.

    Raises
    ------
    SettingsError
        A proxy or a file of certificates that the environment names cannot be used.
    """

    def __init__(self, origin: str, size: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=size)
        request = requests.Request("GET", origin).prepare()
        try:
            with requests.Session() as session:
                found = session.merge_environment_settings(origin, {}, None, None, None)
            ways = (found["verify"], found["proxies"], found["cert"])
            pool = self.get_connection_with_tls_context(request, *ways)
            self.cert_verify(pool, origin, found["verify"], found["cert"])  # type: ignore[no-untyped-call]
        except (OSError, HTTPError):  # those of requests are all OSErrors
            raise SettingsError(
                "the proxy or the certificates that the environment names cannot be used; check HTTPS_PROXY, "
                "REQUESTS_CA_BUNDLE and their like"
            ) from None
        assert isinstance(pool, HTTPConnectionPool)
        self._pool = pool
        # a proxy for plain http wants whole URLs, everybody else paths
        self._prefix = self.request_url(request, found["proxies"]).rstrip("/")

    def get(self, target: str, headers: Mapping[str, str], timeout: float) -> BaseHTTPResponse:
        """Ask once for a path and query; the answer's body is still to be read."""
        return self._pool.urlopen(
            "GET",
            self._prefix + target,
            headers=headers,
            timeout=timeout,
            retries=_NO_RETRIES,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )
