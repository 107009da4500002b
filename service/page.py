"""The page for browsers, if it was built: its files, compressed ones too, and what it may load."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

FOLDER: Final = Path(__file__).absolute().parents[1] / "web"
"""The built page, next to the service package in the Bento and in a checkout. Links are not resolved: each file
of the Bento may be one to DVC's cache."""
PREFIX: Final = "/web"
"""Where its files are served; the page itself is at `/`."""
POLICY: Final = "; ".join(
    [
        "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "connect-src 'self'",
        "style-src 'self'", "img-src 'self'", "media-src 'self' blob:", "manifest-src 'self'", "base-uri 'none'",
        "form-action 'none'", "frame-ancestors 'none'",
    ]
)  # fmt: skip
"""What the page may load: from its own service, and nothing else. https://www.w3.org/TR/CSP3/"""
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_NAMED_BY_CONTENT: Final = "assets"
"""Folder of the files whose names contain a hash of their contents: they never change."""
_WORKER: Final = "sw.js"
"""The service worker; its address contains the page's version."""
_SUFFIXES: Final = {"br": ".br", "gzip": ".gz"}
"""Of compressed copies, by content coding, the smaller one first."""
VERSION_HEADER: Final = "Page-Version"
"""Header of `GET /model`: a page that was kept in the browser learns from it that there is a newer one."""


class PageFiles(StaticFiles):
    """The files of a folder; a browser that accepts brotli or gzip gets `name.br` or `name.gz` if there is one."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Respond with a file, or with its compressed form."""
        path = Path(full_path)
        fixed = path.parent.name == _NAMED_BY_CONTENT or path.name == _WORKER
        headers = _HEADERS | {"Cache-Control": "public, max-age=31536000, immutable" if fixed else "no-cache"}
        if path.name == _WORKER:
            headers["Service-Worker-Allowed"] = "/"
        copies = {coding: path.with_name(path.name + suffix) for coding, suffix in _SUFFIXES.items()}
        copies = {coding: copy for coding, copy in copies.items() if copy.is_file()}
        if copies:
            headers["Vary"] = "Accept-Encoding"
        coding = choose_coding(Headers(scope=scope).get("accept-encoding", ""), list(copies))
        if coding is not None:
            headers["Content-Encoding"] = coding
            path, stat_result = copies[coding], copies[coding].stat()
        response = super().file_response(path, stat_result, scope, status_code)
        response.headers.update(headers)
        return response


def choose_coding(accepted: str, available: Sequence[str]) -> str | None:
    """Choose a content coding, the first of those that a client likes best; None if it wants the file as it is.

    Args:
        accepted: an `Accept-Encoding` header, https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
        available: codings, the best one first.
    """
    weights = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        try:
            weights[name.strip()] = float(weight.replace(" ", "").removeprefix("q=") or 1)
        except ValueError:
            weights[name.strip()] = 0.0
    others = weights.get("*", 0.0)
    best = max(available, key=lambda coding: weights.get(coding, others), default=None)
    liking = 0.0 if best is None else weights.get(best, others)
    return best if liking > 0 and liking >= weights.get("identity", 0.0) else None


FILES: Final = PageFiles(directory=FOLDER, check_dir=False, follow_symlink=True)


def wants_page(request: Request) -> bool:
    """Whether the request is a browser's and there is a page to show."""
    return "text/html" in request.headers.get("accept", "") and (FOLDER / "index.html").is_file()


def is_of_page(path: str) -> bool:
    """Whether a path is that of the page or its files, which hold no secrets: they need no token."""
    return path == "/" or path.startswith(f"{PREFIX}/")


@cache
def page_version() -> str:
    """The version of the built page; "" if there is none."""
    path = FOLDER / "version.txt"
    return path.read_text() if path.is_file() else ""
