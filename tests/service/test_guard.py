"""Access control, rate limit and settings."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from service.errors import ServiceError
from service.guard import MAX_CLIENTS, Guard, RateLimit
from service.settings import Settings, read_settings

SECRET = "secret"  # noqa: S105 - of these tests


def client(**settings):
    """Return a function that requests a guarded page."""

    async def hello(_request):
        return PlainTextResponse("hello")

    routes = [Route(path, hello) for path in ("/", "/model", "/metrics", "/livez", "/readyz", "/healthz")]
    app = Guard(Starlette(routes=routes), Settings(**settings))

    async def get(headers, path):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as asked:
            return await asked.get(path, headers=headers)

    return lambda headers=None, path="/model": asyncio.run(get(headers or {}, path))


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        ((), None, 200),
        ((), "http://localhost:3000", 200),
        ((), "https://elsewhere.example", 403),
        ((), "null", 403),
        (("https://elsewhere.example",), "https://elsewhere.example", 200),
        (("https://elsewhere.example",), "https://elsewhere.example.evil", 403),
        (("*",), "https://anywhere.example", 200),
    ],
)
def test_pages_come_from_here_or_from_an_allowed_origin(origins, origin, status):
    headers = {} if origin is None else {"origin": origin}
    answer = client(origins=origins)(headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        ("", "localhost", 200),
        ("", "LocalHost:3000", 200),
        ("", "localhost.:3000", 200),
        ("", "127.0.0.1:3000", 200),
        ("", "10.1.2.3", 200),
        ("", "[::1]:3000", 200),
        ("", "[fe80::1%25eth0]:3000", 200),
        ("", "elsewhere.example:3000", 421),
        ("", "localhost.elsewhere.example", 421),
        ("", "127.0.0.1.elsewhere.example", 421),
        ("", "elsewhere", 421),
        ("", "", 421),
        ("", "[::1", 421),
        ("sign.example.org, Fingerspell", "SIGN.example.org:443", 200),
        ("sign.example.org, Fingerspell", "fingerspell", 200),
        ("sign.example.org, Fingerspell", "localhost:3000", 200),
        ("sign.example.org", "www.sign.example.org", 421),
        ("*", "anything.example", 200),
    ],
)
def test_only_named_hosts_and_addresses_in_numbers_are_answered(hosts, host, status):
    answer = client(hosts=hosts)({"host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.headers["content-type"] == "application/problem+json"
        assert "FINGERSPELL_HOSTS" in answer.json()["detail"]


def test_a_page_whose_name_was_resolved_to_this_machine_is_not_of_this_origin():
    host = "elsewhere.example:3000"
    assert client()({"host": host, "origin": f"http://{host}"}).status_code == 421


@pytest.mark.parametrize(
    ("path", "needs_a_token"),
    [("/metrics", True), ("/model", True), ("/", False), ("/livez", False), ("/readyz", False), ("/healthz", False)],
)
def test_a_token_is_required_but_for_the_page_and_health_checks(path, needs_a_token):
    assert client(token=SECRET)(path=path).status_code == (401 if needs_a_token else 200)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_health_checks_are_answered_under_any_name_and_at_any_rate(path):
    guarded = client(rate=1)
    assert {guarded({"host": "pod.elsewhere.example"}, path).status_code for _ in range(9)} == {200}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic secret"}, 401),
        ({"authorization": "Bearer sécret".encode("latin-1")}, 401),
        ({"authorization": "Bearer secret"}, 200),
        ({"authorization": "bearer  secret "}, 200),
    ],
)
def test_a_token_is_required(headers, status):
    answer = client(token=SECRET)(headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


def test_more_requests_than_the_rate_are_refused_with_the_time_to_wait():
    guarded = client(rate=5)
    answers = [guarded() for _ in range(40)]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"


@given(st.lists(st.floats(0.0, 0.5), min_size=1, max_size=300), st.floats(0.5, 50.0))
def test_no_client_gets_more_than_its_rate_and_its_burst(gaps, rate):
    limit, now, allowed = RateLimit(rate), 0.0, 0
    for number, gap in enumerate(gaps):
        now += gap
        allowed += limit.allow("a", now)
        assert limit.allow(f"other {number}", now), "clients do not share a bucket"
    assert allowed <= max(1.0, 2 * rate) + now * rate + 1e-6


def test_clients_that_are_gone_are_forgotten():
    limit = RateLimit(1.0)
    for number in range(MAX_CLIENTS + 50):
        limit.allow(str(number), 0.0)
    assert len(limit._buckets) == MAX_CLIENTS


def test_settings_come_from_the_environment(monkeypatch):
    assert read_settings() == Settings()
    variables = {
        "FINGERSPELL_MODEL": "models:/fingerspell@champion",
        "FINGERSPELL_TOKEN": SECRET,
        "FINGERSPELL_ORIGINS": "https://a.example, https://b.example",
        "FINGERSPELL_HOSTS": "Sign.example.org",
        "FINGERSPELL_RATE": "0",
        "FINGERSPELL_STREAMS": "7",
        "FINGERSPELL_STREAMS_PER_CLIENT": "",
        "FINGERSPELL_POLL": "0.5",
        "FINGERSPELL_LOG": "json",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000",
        "MLFLOW_TRACKING_TOKEN": SECRET,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.origins == ("https://a.example", "https://b.example")
    assert settings.hosts == ("sign.example.org",)
    assert (settings.rate, settings.streams, settings.poll, settings.log) == (0.0, 7, 0.5, "json")
    assert (settings.model, settings.registry) == ("models:/fingerspell@champion", "http://127.0.0.1:5000")
    assert settings.token.get_secret_value() == settings.registry_token.get_secret_value() == SECRET
    assert settings.streams_per_client == 64, "an empty variable is not set"
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RATE", "many", "RATE is 'many', but must be a number"),
        ("RATE", "-1", "must be 0"),
        ("RATE", "nan", "must be 0"),
        ("POLL", "0", "FINGERSPELL_POLL is 0, but must be more than 0"),
        ("POLL", "nan", "must be more than 0"),
        ("STREAMS", "0", "must be more than 0"),
        ("STREAMS", "1.5", "must be a whole number"),
        ("STREAMS_PER_CLIENT", "-3", "FINGERSPELL_STREAMS_PER_CLIENT is -3, but must be more than 0"),
        ("LOG", "xml", "must be 'text' or 'json'"),
    ],
)
def test_a_setting_out_of_bounds_is_refused_with_a_sentence(monkeypatch, name, value, says):
    monkeypatch.setenv(f"FINGERSPELL_{name}", value)
    monkeypatch.setenv("FINGERSPELL_TOKEN", SECRET)
    with pytest.raises(ServiceError, match=says) as refused:
        read_settings()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("token", [" ", f"{SECRET} {SECRET}", f"{SECRET}é"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(monkeypatch, token):
    monkeypatch.setenv("FINGERSPELL_TOKEN", token)
    with pytest.raises(
        ServiceError, match=r"FINGERSPELL_TOKEN has other characters .* openssl rand -hex 32"
    ) as refused:
        read_settings()
    assert SECRET not in str(refused.value)


def test_the_end_of_the_line_in_a_file_is_not_part_of_the_token():
    assert client(token=f"{SECRET}\n")({"authorization": f"Bearer {SECRET}"}).status_code == 200
