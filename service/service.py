"""The BentoML service: it opens the model, mounts the application, and leaves health and metrics to BentoML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("DO_NOT_TRACK", "true")

import bentoml
from bentoml.exceptions import BentoMLException

from service.batching import Batcher, Network
from service.errors import ServiceError
from service.logs import configure_log
from service.models import FileSource, RegistrySource, Watch, choose_source, choose_trail_source
from service.settings import MODEL_VARIABLE, TRAIL_VARIABLE, VOCABULARY_VARIABLE, read_settings
from service.vocabulary import open_vocabulary
from service.web import build_app, build_middleware

TIMEOUT: Final = 30
"""Seconds until the response to a request must have begun; a stream's begins when it is accepted."""
SPARE: Final = 128
"""Requests at a time besides the open streams; BentoML refuses more, without problem details."""

try:
    settings = read_settings()
    source, trail_source = choose_source(settings), choose_trail_source(settings)
except ServiceError as error:
    raise BentoMLException(str(error)) from error
app = build_app(settings)


@bentoml.service(
    name="Fingerspell",
    traffic={"timeout": TIMEOUT, "max_concurrency": settings.streams + SPARE},
    tracing={"excluded_urls": "stream"},  # it would record a span for each message
    # "slim" is no distribution that BentoML knows: for one it knows, it would install a compiler and git.
    image=bentoml.images.Image(base_image="python:3.11-slim", distro="slim"),
    # What a build leaves in caches would stay in the image's layers.
    envs=[{"name": "UV_NO_CACHE", "value": "1"}, {"name": "PIP_NO_CACHE_DIR", "value": "1"}],
)
@bentoml.asgi_app(app)
class Fingerspell:
    """Recognises the ASL manual alphabet in masks; `GET /openapi.json` describes the requests."""

    def __init__(self) -> None:
        configure_log(settings.log)
        self._running: list[tuple[Batcher, Watch]] = []
        app.state.batcher = self._run(source, "letters")
        app.state.trail_batcher = None if trail_source is None else self._run(trail_source, "trail")
        app.state.vocabulary = open_vocabulary(settings)

    def _run(self, source: FileSource | RegistrySource, network: Network) -> Batcher:
        mark = source.mark()
        batcher = Batcher(source.open(), network)
        self._running.append((batcher, Watch(source, batcher, mark, settings.poll)))
        return batcher

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Finish the waiting masks and end the threads."""
        for batcher, watch in self._running:
            watch.close()
            batcher.close()

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check_model() -> None:
        """Refuse bad models or a bad vocabulary before any worker starts: BentoML would restart a failing one for ever.

        Raises:
            BentoMLException: one of them cannot be used; `bentoml serve` prints the message and ends.
        """
        paths = {
            MODEL_VARIABLE: settings.model,
            TRAIL_VARIABLE: settings.trail,
            VOCABULARY_VARIABLE: settings.vocabulary,
        }
        for variable, path in paths.items():
            if path and not path.startswith("models:"):
                # Workers run in the Bento's folder, where a relative path would not resolve.
                os.environ[variable] = str(Path(path).absolute())
        try:
            source.open()
            if trail_source is not None:
                trail_source.open()
            open_vocabulary(settings)
        except ServiceError as error:
            raise BentoMLException(str(error)) from error


for layer in build_middleware(settings):
    Fingerspell.add_asgi_middleware(layer.cls, **layer.kwargs)  # type: ignore[attr-defined]
