"""What the environment says of connections: which proxy, and which certificates are trusted."""

import base64
import os
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from optkit.errors import SettingsError

#: The variables that may name a file or folder of certificates; the first one that is set counts.
_CERTIFICATES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def find_proxy(host: str) -> SplitResult | None:
    """Return the proxy that the environment names for https requests to a host."""
    proxies = getproxies()
    url = proxies.get("https") or proxies.get("all")
    if not url or proxy_bypass(host):
        return None
    try:
        proxy = urlsplit(url if "://" in url else f"http://{url}")
        is_usable = proxy.scheme == "http" and bool(proxy.hostname) and proxy.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise SettingsError(
            "the proxy that the environment names cannot be used; set HTTPS_PROXY (or ALL_PROXY) to a URL such as "
            "http://proxy.example:3128, or NO_PROXY where none is needed"
        )
    return proxy


def proxy_login(proxy: SplitResult) -> dict[str, str]:
    """Return the headers that log in to a proxy."""
    if proxy.username is None:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def trusted_tls() -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates that the environment names, or else the usual ones."""
    name = next((name for name in _CERTIFICATES if os.environ.get(name)), None)
    path = Path(os.environ[name] if name else certifi.where())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"the certificates of {path}, which {name} names, cannot be read; set it to a file in PEM format"
        ) from None
    return context
