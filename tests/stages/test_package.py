"""Packaging: a Bento of a tiny model, built and served as a user would."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
import yaml
from tiny_models import masks_of, predictions

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
from serving import CLASSES, mask, server, write_model, write_trail_model, write_words

from client.mask import TRAIL_VERSION
from stages import package
from stages.commands import check_champion as check_command
from stages.data.processed import PROCESSED, Processed, Split, write_processed
from stages.errors import InputError, PipelineError, StoreError
from stages.evaluation.networks import load_network
from stages.export import bento
from stages.export.bento import build_bento
from stages.export.vocabulary import VOCABULARY
from stages.files import content_hash
from stages.registry.champion import move_champion
from stages.registry.git import Revision
from stages.registry.record import ChampionRecord
from stages.registry.results import Result
from stages.registry.trail import TrailRecord, register_trail
from stages.registry.versions import register

FACTS = {"architecture": "custom_cnn", "registered_model": "fingerspell", "version": 3}


def record(folder: Path, **changes: object) -> Path:
    """Write a champion record; a change of None leaves the field out."""
    decision = {"candidate": "custom_cnn", "version": 3, "model_hash": "h", "promoted": True, "reasons": []}
    whole = {"champion": "custom_cnn", "model": "fingerspell", "version": 3, "model_hash": "h", "git_commit": "c"}
    whole |= {"data_hash": "d", "run_id": "r", "models": {}, "decision": decision} | changes
    path = folder / "register.json"
    path.write_text(json.dumps({name: value for name, value in whole.items() if value is not None}))
    return path


def test_reads_the_champion(tmp_path):
    champion = ChampionRecord.read(record(tmp_path))
    assert (champion.champion, champion.model, champion.version) == ("custom_cnn", "fingerspell", 3)
    assert (champion.is_own, champion.name) == (False, "custom_cnn version 3")


@pytest.mark.parametrize(
    "change",
    [{"version": None}, {"champion": None}, {"champion": 3}, {"version": "3"}, {"models": []}, {"decision": {}}],
)
def test_refuses_a_record_without_a_champion(tmp_path, change):
    with pytest.raises(InputError, match=r"register\.json: cannot be read"):
        ChampionRecord.read(record(tmp_path, **change))


@pytest.mark.parametrize("content", ["", "no JSON", "[]", "null"])
def test_refuses_what_is_no_record(tmp_path, content):
    (tmp_path / "register.json").write_text(content)
    with pytest.raises(InputError, match=r"register\.json: cannot be read"):
        ChampionRecord.read(tmp_path / "register.json")


def test_a_missing_record_names_the_next_step(tmp_path):
    with pytest.raises(InputError, match=r"is missing\. Run: dvc repro"):
        ChampionRecord.read(tmp_path / "register.json")


def test_a_missing_model_leaves_nothing_behind(tmp_path):
    with pytest.raises(PipelineError, match=r"champion\.onnx is missing"):
        build_bento(
            tmp_path / "champion.onnx",
            tmp_path / "trail",
            tmp_path / "words",
            tmp_path / "bento",
            tmp_path / "work",
            **FACTS,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_cannot_be_imported_is_reported_and_the_old_bento_stays(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "service.py").write_text("raise RuntimeError('fix me')\n")
    monkeypatch.setattr(bento, "SERVICE", broken)
    old = tmp_path / "bento"
    old.mkdir()
    (old / "kept").touch()
    with pytest.raises(PipelineError, match="fix me"):
        build_bento(
            write_model(tmp_path / "model.onnx"),
            write_model(tmp_path / "trail.onnx"),
            write_words(tmp_path / "vocabulary.tsv"),
            old,
            tmp_path / "work",
            **FACTS,
        )
    assert [path.name for path in old.iterdir()] == ["kept"]
    assert not (tmp_path / "work").exists()


def link_files(folder: Path, store: Path, linked: Path) -> None:
    """Move a folder's files to a store and link to them, as DVC does with `cache.type = symlink`."""
    store.mkdir(parents=True)
    for number, path in enumerate(each for each in folder.rglob("*") if each.is_file()):
        link = linked / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.rename(store / str(number)))


@pytest.fixture
def usual_umask():
    """Whoever is not the owner may read new files."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
@pytest.mark.slow
def test_builds_a_bento_that_serves(tmp_path, monkeypatch):
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<p>the page</p>")
    (page / "assets" / "style.css").write_text("p {}")
    monkeypatch.setattr(bento, "WEB", page)
    model, vocabulary = write_model(tmp_path / "model.onnx"), write_words(tmp_path / "vocabulary.tsv")
    trail = write_trail_model(tmp_path / "trail.onnx")
    built = tmp_path / "bento"
    for version in (3, 4):
        build_bento(model, trail, vocabulary, built, tmp_path / "work", **FACTS | {"version": version})
    private = [path for path in (built, *built.rglob("*")) if not path.stat().st_mode & 0o004]
    assert private == [], "a container or another user could not read it"
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "trail.onnx", "vocabulary.tsv", "bento", "page"}
    about = yaml.safe_load((built / "bento.yaml").read_text())
    assert (about["name"], about["version"]) == ("fingerspell", "v4")
    assert about["labels"] == {"architecture": "custom_cnn", "model": "fingerspell", "version": "4"}
    sources = {path.name for path in (built / "src" / "service").iterdir()}
    assert sources == {path.name for path in bento.SERVICE.iterdir() if path.name != "__pycache__"}
    assert (built / "src" / "champion.onnx").read_bytes() == model.read_bytes()
    requirements = (built / "env" / "python" / "requirements.txt").read_text()
    assert "--hash=sha256:" in requirements
    assert "torch" not in requirements

    elsewhere = tmp_path / "elsewhere"
    link_files(built, tmp_path / "cache", elsewhere / "bento")
    # From the checkout, as `make serve` does it: the code served is the Bento's own all the same.
    with server(str(elsewhere / "bento"), tmp_path, bento.CHECKOUT) as (host, _):
        headers = {"content-type": "image/png"}
        answers = [
            httpx.post(f"http://{host}/predict", content=mask(letter), headers=headers, timeout=20).json()["letter"]
            for letter in CLASSES
        ]
        seen = [
            {"alternatives": [{"letter": letter, "confidence": 0.98}], "seconds": 0.3, "committed": letter != "A"}
            for letter in "BALL"
        ]
        assert httpx.post(f"http://{host}/words", json={"segments": seen}).json()["accepted"] == "BALL"
        assert "the page" in httpx.get(f"http://{host}/", headers={"accept": "text/html"}).text
        assert httpx.get(f"http://{host}/web/assets/style.css").text == "p {}"
    assert answers == CLASSES
    assert f"{elsewhere}/bento/src/champion.onnx: custom_cnn" in (tmp_path / "server.log").read_text()


def test_the_stage_packs_the_registrys_champion(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "reports"
    folder.mkdir()
    model = write_model(folder / "model.onnx")
    (tmp_path / "data").mkdir(exist_ok=True)
    write_words(tmp_path / VOCABULARY)
    split = Split(masks_of("A"), np.array([0]), np.array([""]))
    write_processed(PROCESSED, Processed(split, split, ("A", "B", "C")))
    result = Result(
        architecture="custom_cnn",
        model=model,
        model_hash=content_hash(model),
        classes=tuple(CLASSES),
        data_hash="0" * 32,
        report=folder,
        metrics={"f1": 0.5},
        history=pd.DataFrame({"epoch": [0.0, 1.0], "train_loss": [1.0, 1.0]}),
        validation=predictions("AB", "AB"),
        parameters={},
        stage="train@custom_cnn",
    )
    version = register(result, "test", "fingerspell", Revision("unknown", "unknown")).version
    move_champion("fingerspell", None, version)
    trail = write_trail_model(tmp_path / "trail.onnx")
    moving = register_trail(
        trail, load_network(trail, TRAIL_VERSION), experiment="test", model_name="fingerspell-trail",
        metrics={"f1": 0.9}, parameters={}, report=folder, revision=Revision("unknown", "unknown"),
    )  # fmt: skip
    move_champion("fingerspell-trail", None, moving.version)
    trail_record = TrailRecord(
        champion="custom_cnn", model="fingerspell-trail", version=moving.version, model_hash=content_hash(trail),
        run_id=moving.run_id, promoted=True, reasons=(),
    )  # fmt: skip
    (folder / "register_trail.json").write_text(trail_record.model_dump_json())
    record(folder, version=version, model_hash="another registry's")
    with pytest.raises(
        StoreError, match=r"is custom_cnn version 1 .*, but this checkout's reports say .* model another"
    ):
        package.main()
    assert not (tmp_path / "bento").exists(), "the number alone says nothing"
    record(folder, version=version, model_hash=result.model_hash)

    package.main()

    assert (tmp_path / "bento" / "src" / "champion.onnx").is_file()
    assert (tmp_path / "bento" / "src" / "trail.onnx").read_bytes() == trail.read_bytes()
    assert yaml.safe_load((tmp_path / "bento" / "bento.yaml").read_text())["version"] == f"v{version}"
    assert not (tmp_path / ".bentoml" / "build").exists()
    assert "make serve" in capsys.readouterr().out
    register_section = "{experiment: test, model: fingerspell, trail_model: fingerspell-trail}"
    (tmp_path / "params.yaml").write_text(f"register: {register_section}\n")
    assert check_champion(monkeypatch, "record") == check_champion(monkeypatch, "bento") == 0
    assert capsys.readouterr().out == ""
    packed = tmp_path / "bento/src/champion.onnx"
    packed.write_bytes(b"of an experiment")
    with pytest.raises(
        InputError,
        match=r"bento/ holds model .*, but the champion .* is custom_cnn version 1 .*--single-item package\.",
    ):
        check_champion(monkeypatch, "bento")
    record(folder, version=version, model_hash="another registry's")
    assert check_champion(monkeypatch, "record") == 3
    with pytest.raises(
        InputError, match=r"Package the champion: make repro\. To serve the other one .*FINGERSPELL_MODEL="
    ):
        check_champion(monkeypatch, "bento")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    assert check_champion(monkeypatch, "bento") == 0
    assert "elsewhere.db has no champion of 'fingerspell', so" in capsys.readouterr().out
    assert not (tmp_path / "elsewhere.db").exists(), "to ask makes no registry"


def check_champion(monkeypatch, what):
    """Run the command; returns its exit status."""
    monkeypatch.setattr("sys.argv", ["check_champion", what])
    try:
        check_command.main()
    except SystemExit as stop:
        return stop.code
    return 0
