"""The page's files: which compressed copy a browser gets, and what it may keep."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from service.page import POLICY, PageFiles, choose_coding

CONTENTS = {"": b"console.log(1);" * 99, ".gz": gzip.compress(b"console.log(1);" * 99), ".br": b"brotli"}


@pytest.mark.parametrize(
    ("accepted", "available", "chosen"),
    [
        ("gzip, deflate, br, zstd", ["br", "gzip"], "br"),
        ("gzip, deflate", ["br", "gzip"], "gzip"),
        ("br", ["gzip"], None),
        ("gzip, br", [], None),
        ("", ["br", "gzip"], None),
        ("identity", ["br", "gzip"], None),
        ("br;q=0, gzip", ["br", "gzip"], "gzip"),
        ("br;q=0.5, gzip;q=0.9", ["br", "gzip"], "gzip"),
        ("BR; q=1.0 , gzip;q=1", ["br", "gzip"], "br"),
        ("gzip;q=0.5, identity", ["br", "gzip"], None),
        ("*", ["br", "gzip"], "br"),
        ("br;q=0, *;q=0.1", ["br", "gzip"], "gzip"),
        ("*;q=0", ["br", "gzip"], None),
        ("br;q=high, gzip", ["br", "gzip"], "gzip"),
        ("sbr, x-gzip", ["br", "gzip"], None),
    ],
)
def test_the_coding_that_a_client_likes_best_is_chosen(accepted, available, chosen):
    assert choose_coding(accepted, available) == chosen


@pytest.fixture
def ask(tmp_path):
    """Ask for files: `sw.js`, `plain.js` and a fixed one with copies, `icon.svg` without."""
    (tmp_path / "assets").mkdir()
    for name in ("sw.js", "plain.js", "assets/main-0a1b.js"):
        for suffix, content in CONTENTS.items():
            (tmp_path / f"{name}{suffix}").write_bytes(content)
    (tmp_path / "icon.svg").write_text("<svg/>")
    app = Starlette(routes=[Mount("/web", PageFiles(directory=tmp_path))])

    async def send(path, headers):
        """The response, and its body as it was sent."""
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
            client.stream("GET", f"/web/{path}", headers=headers) as answer,
        ):
            return answer, b"".join([part async for part in answer.aiter_raw()])

    return lambda path, **headers: asyncio.run(send(path, {name.replace("_", "-"): of for name, of in headers.items()}))


@pytest.mark.parametrize(("accepted", "suffix"), [("br", ".br"), ("gzip", ".gz"), ("identity", "")])
def test_a_file_keeps_its_type_in_each_coding_and_is_sent_once(ask, accepted, suffix):
    answer, body = ask("plain.js", accept_encoding=accepted)
    assert body == CONTENTS[suffix]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers.get("content-encoding") == (accepted if suffix else None)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-security-policy"] == POLICY
    again, body = ask("plain.js", accept_encoding=accepted, if_none_match=answer.headers["etag"])
    assert (again.status_code, body) == (304, b"")


def test_files_that_never_change_are_kept_for_good_and_others_asked_about(ask):
    headers = {path: ask(path)[0].headers for path in ("assets/main-0a1b.js", "plain.js", "icon.svg")}
    assert {path: "immutable" in of["cache-control"] for path, of in headers.items()} == {
        "assets/main-0a1b.js": True, "plain.js": False, "icon.svg": False,
    }  # fmt: skip
    assert "vary" not in headers["icon.svg"]


def test_the_service_worker_may_keep_the_page_itself(ask):
    worker, other = ask("sw.js?0123")[0].headers, ask("plain.js")[0].headers
    assert worker["service-worker-allowed"] == "/"
    assert "immutable" in worker["cache-control"]
    assert "service-worker-allowed" not in other
