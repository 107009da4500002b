"""The BentoML service: it opens the model, mounts the application, and leaves health and metrics to BentoML."""

from __future__ import annotations

import os
from functools import partialmethod
from pathlib import Path
from typing import Final

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("DO_NOT_TRACK", "true")

import bentoml
import uvicorn
from bentoml.exceptions import BentoMLException

from service.batching import Batcher
from service.decoding import MAX_MASK_BYTES
from service.errors import ServiceError
from service.logs import configure_log
from service.models import Watch, choose_source
from service.settings import MODEL_VARIABLE, read_settings
from service.web import build_app

TIMEOUT: Final = 30
"""Seconds until a request must have begun its answer; a stream has when it is accepted."""
SPARE: Final = 128
"""Requests at a time beside the open streams, before BentoML refuses more with an answer of its own form."""

# BentoML starts uvicorn with its defaults: messages of 16 MiB, which are unpacked where they are compressed.
uvicorn.Config.__init__ = partialmethod(  # type: ignore[method-assign, assignment]
    uvicorn.Config.__init__, ws_max_size=MAX_MASK_BYTES, ws_per_message_deflate=False
)

try:
    settings = read_settings(os.environ)
    source = choose_source(settings, os.environ)
except ServiceError as error:
    raise BentoMLException(str(error)) from error
app = build_app(settings)


@bentoml.service(
    name="Fingerspell",
    traffic={"timeout": TIMEOUT, "max_concurrency": settings.streams + SPARE},
    tracing={"excluded_urls": "stream"},  # a span for each message, which nobody reads
    # No distribution that BentoML knows: it would install a compiler and git.
    image=bentoml.images.Image(base_image="python:3.11-slim", distro="slim"),
    # Layers keep what a build leaves in caches.
    envs=[{"name": "UV_NO_CACHE", "value": "1"}, {"name": "PIP_NO_CACHE_DIR", "value": "1"}],
)
@bentoml.asgi_app(app)
class Fingerspell:
    """Reads masks of the ASL manual alphabet; `GET /openapi.json` says how to ask."""

    def __init__(self) -> None:
        configure_log(settings.log)
        mark = source.mark()
        self._batcher = Batcher(source.open())
        app.state.batcher = self._batcher
        self._watch = Watch(source, self._batcher, mark, settings.poll)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Answer what waits and end the threads."""
        self._watch.close()
        self._batcher.close()

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check_model() -> None:
        """Refuse a bad model before any worker starts: BentoML would start a failing worker over and over.

        Raises:
            BentoMLException: the model cannot be used; `bentoml serve` prints the sentence and ends.
        """
        if settings.model and not settings.model.startswith("models:"):
            # Workers run in the Bento's folder, where a relative path leads nowhere.
            os.environ[MODEL_VARIABLE] = str(Path(settings.model).absolute())
        try:
            source.open()
        except ServiceError as error:
            raise BentoMLException(str(error)) from error
