"""The page for browsers, if it was built: its files, compressed ones too, and what it may load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
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


class PageFiles(StaticFiles):
    """The files of a folder; a browser that accepts gzip gets `name.gz` if there is one."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Respond with a file, or with its compressed form."""
        path = Path(full_path)
        fixed = path.parent.name == _NAMED_BY_CONTENT
        headers = _HEADERS | {"Cache-Control": "public, max-age=31536000, immutable" if fixed else "no-cache"}
        response = super().file_response(path, stat_result, scope, status_code)
        compressed = path.with_name(f"{path.name}.gz")
        if response.status_code == status_code and compressed.is_file():
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
                response = FileResponse(compressed, status_code, media_type=response.headers["content-type"])
                headers["Content-Encoding"] = "gzip"
        response.headers.update(headers)
        return response


FILES: Final = PageFiles(directory=FOLDER, check_dir=False, follow_symlink=True)


def wants_page(request: Request) -> bool:
    """Whether the request is a browser's and there is a page to show."""
    return "text/html" in request.headers.get("accept", "") and (FOLDER / "index.html").is_file()


def is_of_page(path: str) -> bool:
    """Whether a path is that of the page or its files, which hold no secrets: they need no token."""
    return path == "/" or path.startswith(f"{PREFIX}/")
