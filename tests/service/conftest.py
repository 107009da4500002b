"""A served model that the tests of a module share."""

from __future__ import annotations

import pytest
from serving import ROOT, server, write_model, write_trail_model, write_words


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """'host:port' of a service that answers any number of requests a second."""
    folder = tmp_path_factory.mktemp("service")
    model = write_model(folder / "model.onnx")
    words = write_words(folder / "vocabulary.tsv")
    trail = write_trail_model(folder / "trail.onnx")
    settings = {
        "FINGERSPELL_MODEL": str(model),
        "FINGERSPELL_TRAIL": str(trail),
        "FINGERSPELL_VOCABULARY": str(words),
        "FINGERSPELL_RATE": "0",
    }
    with server("service.service:Fingerspell", folder, ROOT, **settings) as (address, _):
        yield address
