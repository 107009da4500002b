"""The BentoML service: it opens the model, mounts the application, and leaves health and metrics to BentoML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("DO_NOT_TRACK", "true")

import bentoml
from bentoml.exceptions import BentoMLException

from service.errors import ServiceError
from service.recogniser import Recogniser
from service.web import build_app, install

MODEL_VARIABLE: Final = "FINGERSPELL_MODEL"
"""Environment variable with the path of another model than the packaged one."""
MAX_CONNECTIONS: Final = 128
"""Requests and open streams at a time: each holds one of BentoML's slots as long as it lasts."""
TIMEOUT: Final = 30
"""Seconds until a request must have begun its answer; a stream has when it is accepted."""

app = build_app()


def model_path() -> Path:
    """Return the model to serve: the variable's, else `champion.onnx` beside the service package in the Bento."""
    return Path(os.environ.get(MODEL_VARIABLE) or Path(__file__).resolve().parents[1] / "champion.onnx").absolute()


@bentoml.service(name="Fingerspell", traffic={"timeout": TIMEOUT, "max_concurrency": MAX_CONNECTIONS})
@bentoml.asgi_app(app)
class Fingerspell:
    """Reads masks of the ASL manual alphabet: `POST /predict`, `WS /stream`, `GET /model`."""

    def __init__(self) -> None:
        install(app, Recogniser(model_path()))

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check_model() -> None:
        """Refuse a bad model before any worker starts: BentoML would start a failing worker over and over.

        Raises:
            BentoMLException: the model cannot be used; `bentoml serve` prints the sentence and ends.
        """
        path = model_path()
        os.environ[MODEL_VARIABLE] = str(path)  # workers run in the Bento's folder, where a relative path leads nowhere
        try:
            Recogniser(path)
        except ServiceError as error:
            raise BentoMLException(str(error)) from error
