"""The page for browsers, where it was built: its files, compressed where they were, and what it may load."""

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

FOLDER: Final = Path(__file__).resolve().parents[1] / "web"
"""The built page, beside the service package in the Bento and in a checkout."""
PREFIX: Final = "/web"
"""Where its files are served; the page itself is at `/`."""
POLICY: Final = "; ".join(
    [
        "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "connect-src 'self'",
        "style-src 'self'", "img-src 'self'", "media-src 'self' blob:", "manifest-src 'self'", "base-uri 'none'",
        "form-action 'none'", "frame-ancestors 'none'",
    ]
)  # fmt: skip
"""What the page may load, and from where: its own service, and nothing else. https://www.w3.org/TR/CSP3/"""
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_NAMED_BY_CONTENT: Final = "assets"
"""Folder of the files whose names tell their contents: they never change."""


class PageFiles(StaticFiles):
    """The files of a folder; where a browser takes gzip and `name.gz` is there, it gets that."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Answer with a file, or with its compressed form."""
        path, headers = Path(full_path), dict(_HEADERS)
        fixed = path.parent.name == _NAMED_BY_CONTENT
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if fixed else "no-cache"
        response = super().file_response(path, stat_result, scope, status_code)
        compressed = path.with_name(f"{path.name}.gz")
        if response.status_code == status_code and compressed.is_file():
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
                media_type = response.headers["content-type"]
                response = FileResponse(compressed, status_code, media_type=media_type)
                headers["Content-Encoding"] = "gzip"
        response.headers.update(headers)
        return response


FILES: Final = PageFiles(directory=FOLDER, check_dir=False)


def wants_page(request: Request) -> bool:
    """Whether a browser asks and there is a page to show."""
    return "text/html" in request.headers.get("accept", "") and (FOLDER / "index.html").is_file()


def is_of_page(path: str) -> bool:
    """Whether a path leads to the page or its files, which hold no secrets: they need no token."""
    return path == "/" or path.startswith(f"{PREFIX}/")
