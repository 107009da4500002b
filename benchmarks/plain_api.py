"""The service that one would write in an afternoon: FastAPI around the same model, to hold ours against."""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when ONNX Runtime is loaded

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
    """Read one mask."""
    mask = np.asarray(Image.open(io.BytesIO(content)))
    probabilities: list[float] = session.run(["probabilities"], {"masks": mask[None]})[0][0].tolist()
    return probabilities
