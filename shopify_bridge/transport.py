"""The only way out: HTTPS to `*.myshopify.com` with time limits, no redirects and a size cap.

With SHOPIFY_SANDBOX set (development only), `https://{shop}/...` goes to the sandbox and names the
shop in `Host`. Besides that only the files of bulk operations are read, from where Shopify keeps them.
Nothing else is ever called, whatever an input says.
"""

import threading
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from urllib.parse import urlsplit

import httpx
import requests
from django.conf import settings
from requests.adapters import HTTPAdapter

from shopify_bridge.signatures import is_shop_domain

CONNECT_SECONDS = 2.0
GRANT_BYTES_MAX = 100_000
POOL_SIZE = 20
FILE_HOST, FILE_FOLDER = "storage.googleapis.com", "/shopify-"
"""Where Shopify keeps the files of bulk operations: https://shopify.dev/docs/api/usage/bulk-operations/queries"""

_local = threading.local()


def address(shop_domain: str, path: str) -> tuple[str, dict[str, str]]:
    """Where a call to this shop goes, and the headers it needs to get there."""
    if not is_shop_domain(shop_domain):
        raise ValueError("not a shop's domain")
    if settings.SHOPIFY_SANDBOX:
        return settings.SHOPIFY_SANDBOX.rstrip("/") + path, {"Host": shop_domain}
    return f"https://{shop_domain}{path}", {}


def session() -> requests.Session:
    """This thread's connection pool. Sessions aren't safe to share among threads."""
    pool: requests.Session | None = getattr(_local, "session", None)
    if pool is None:
        pool = requests.Session()
        pool.trust_env = False  # no proxy and no .netrc may come between: the token travels in a header
        pool.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one shop's cookies reach no other
        adapter = HTTPAdapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0)
        pool.mount("https://", adapter)
        pool.mount("http://", adapter)
        _local.session = pool
    return pool


def is_file_address(url: str) -> bool:
    """Whether this is where Shopify (or the sandbox) keeps the files of bulk operations."""
    if settings.SHOPIFY_SANDBOX:
        return url.startswith(settings.SHOPIFY_SANDBOX.rstrip("/") + "/sandbox/bulk/")
    parts = urlsplit(url)
    return (
        parts.scheme == "https"
        and parts.netloc == FILE_HOST
        and parts.path.startswith(FILE_FOLDER)
        and "/." not in parts.path
    )


def file(url: str, offset: int) -> requests.Response:
    """The file behind such an address, from this byte on where the server can. Stream it, and close it."""
    if not is_file_address(url):
        raise ValueError("not an address of Shopify's files")
    headers = {"Range": f"bytes={offset}-", "Accept-Encoding": "identity"} if offset else {}
    limits = (CONNECT_SECONDS, settings.SHOPIFY_READ_SECONDS)
    return session().get(url, headers=headers, timeout=limits, allow_redirects=False, stream=True)


def grant_client() -> httpx.Client:
    """The HTTP client handed to the official package for the token endpoint."""
    return httpx.Client(
        transport=_ShopsOnly(),
        timeout=httpx.Timeout(settings.SHOPIFY_READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


class _Capped(httpx.SyncByteStream):
    """A body that ends in an error when it grows too big or trickles in for too long."""

    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self.stream = stream
        self.deadline = monotonic() + settings.SHOPIFY_READ_SECONDS

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self.stream:
            size += len(chunk)
            if size > GRANT_BYTES_MAX or monotonic() > self.deadline:
                raise httpx.ReadError("answer too big or too slow")
            yield chunk

    def close(self) -> None:
        self.stream.close()


class _ShopsOnly(httpx.BaseTransport):
    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme != "https" or not is_shop_domain(request.url.host):
            raise httpx.ConnectError("only shops may be called")
        if settings.SHOPIFY_SANDBOX:
            # The Host header still names the shop; only the connection goes elsewhere.
            sandbox = httpx.URL(settings.SHOPIFY_SANDBOX)
            request.url = request.url.copy_with(scheme=sandbox.scheme, host=sandbox.host, port=sandbox.port)
        response = self.inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Capped(response.stream)
        return response

    def close(self) -> None:
        self.inner.close()
