"""The BentoML service: it opens the model, mounts the application, and leaves health and metrics to BentoML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("DO_NOT_TRACK", "true")

import bentoml
from bentoml.exceptions import BentoMLException

from service.batching import Batcher
from service.errors import ServiceError
from service.logs import configure_log
from service.models import Watch, choose_source
from service.settings import MODEL_VARIABLE, VOCABULARY_VARIABLE, read_settings
from service.vocabulary import open_vocabulary
from service.web import build_app, build_middleware

TIMEOUT: Final = 30
"""Seconds until the response to a request must have begun; a stream's begins when it is accepted."""
SPARE: Final = 128
"""Requests at a time besides the open streams; BentoML refuses more, without problem details."""

try:
    settings = read_settings()
    source = choose_source(settings)
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
        mark = source.mark()
        app.state.batcher = self._batcher = Batcher(source.open())
        app.state.vocabulary = open_vocabulary(settings)
        self._watch = Watch(source, self._batcher, mark, settings.poll)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Finish the waiting masks and end the threads."""
        self._watch.close()
        self._batcher.close()

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check_model() -> None:
        """Refuse a bad model or vocabulary before any worker starts: BentoML would restart a failing one for ever.

        Raises:
            BentoMLException: one of them cannot be used; `bentoml serve` prints the message and ends.
        """
        if settings.model and not settings.model.startswith("models:"):
            # Workers run in the Bento's folder, where a relative path would not resolve.
            os.environ[MODEL_VARIABLE] = str(Path(settings.model).absolute())
        if settings.vocabulary:
            os.environ[VOCABULARY_VARIABLE] = str(Path(settings.vocabulary).absolute())
        try:
            source.open()
            open_vocabulary(settings)
        except ServiceError as error:
            raise BentoMLException(str(error)) from error


for layer in build_middleware(settings):
    Fingerspell.add_asgi_middleware(layer.cls, **layer.kwargs)  # type: ignore[attr-defined]
