"""The built page, which the tests of this folder share."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "client" / "web"


@pytest.fixture(scope="session")
def built(request):
    """The page in `web/`, where the service finds it; rebuilt only if it is older than its source."""
    page = ROOT / "web" / "index.html"
    with (request.config.cache.mkdir("web") / "build").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may build it
        sources = [path for path in PAGE.rglob("*") if "node_modules" not in path.parts and path.is_file()]
        newest = max(path.stat().st_mtime for path in sources if "generated" not in path.parts)
        if not page.is_file() or page.stat().st_mtime < newest or not (PAGE / "node_modules").is_dir():
            subprocess.run([sys.executable, "-m", "stages.web"], cwd=ROOT, check=True, timeout=280)
    return page.parent
