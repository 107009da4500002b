"""The service that one would write in an afternoon, to compare ours with: FastAPI around the same model."""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime reads it when it is loaded

import io
from typing import Annotated

import numpy as np
import onnxruntime as ort
from fastapi import Body, FastAPI
from PIL import Image

session = ort.InferenceSession(os.environ["FINGERSPELL_MODEL"], providers=["CPUExecutionProvider"])
app = FastAPI()


@app.post("/predict")
def predict(content: Annotated[bytes, Body(media_type="image/png")]) -> list[float]:
    """Return the probabilities of one mask."""
    mask = np.asarray(Image.open(io.BytesIO(content)))
    probabilities: list[float] = session.run(["probabilities"], {"masks": mask[None]})[0][0].tolist()
    return probabilities
