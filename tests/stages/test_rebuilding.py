"""A registry that was lost is rebuilt from the champion record, in real sqlite stores."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_models

from stages import register as register_stage
from stages.commands import promote, rollback
from stages.errors import InputError, StoreError
from stages.registry.champion import read_champion, read_versions, roll_back, tag
from stages.registry.history import REFUSALS_KEPT, PastDecision, read_history
from stages.registry.record import ChampionRecord
from stages.registry.store import open_store

MODEL = "tiny-model"


@pytest.fixture
def lose_registry(tmp_path, monkeypatch, empty):
    """Begin an empty registry: MLflow keeps files open, so it is another one, not the same one deleted."""

    def lose(name="new.db"):
        shutil.copy(empty, tmp_path / name)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / name}")

    return lose


@pytest.fixture
def checkout(tmp_path, monkeypatch, lose_registry):
    """Three networks that confuse B and C, mobilenet_v2 champion."""
    monkeypatch.chdir(tmp_path)
    lose_registry("mlflow.db")
    tiny_models.write_checkout(tmp_path, tiny_models.SWAPPED)
    tiny_models.write_people(tmp_path)
    register_stage.main()
    return tmp_path


def run(monkeypatch, command, *arguments):
    monkeypatch.setattr("sys.argv", [command.__name__, *arguments])
    command.main()


def tags_by_architecture():
    return {version.architecture: version.tags for version in read_versions(MODEL)}


def promote_own(checkout, monkeypatch):
    """Make custom_cnn, trained anew, a champion that recognises everything."""
    tiny_models.write_network(checkout / "models/custom_cnn/model.onnx", data_hash="d" * 32)
    tiny_models.write_metrics(checkout, "custom_cnn", 1.0)
    register_stage.main()
    assert read_champion(MODEL).architecture == "custom_cnn"


def test_a_network_that_was_rolled_back_is_not_champion_of_a_new_registry(checkout, lose_registry, monkeypatch):
    promote_own(checkout, monkeypatch)
    run(monkeypatch, rollback)
    before = ChampionRecord.read()
    assert {each.architecture: each.verdict for each in before.history} == {
        "mobilenet_v2": "promoted",
        "custom_cnn": "rolled back",
    }
    lose_registry()
    register_stage.main()
    after = ChampionRecord.read()
    assert (after.champion, after.champion_reasons) == ("mobilenet_v2", before.champion_reasons)
    assert after.decision.reasons[0].startswith("It was rolled back, so only a person can propose it again")
    tags = tags_by_architecture()
    assert tags["custom_cnn"]["rolled_back"] == "true"
    assert "rolled_back" not in tags["mobilenet_v2"]


def test_rollback_goes_back_as_far_in_a_new_registry_as_there_are_files(checkout, lose_registry, monkeypatch):
    promote_own(checkout, monkeypatch)
    first, second = read_champion(MODEL), checkout / "proposals/resnet18/other.onnx"
    tiny_models.write_network(second, sharpness=20.0)
    with pytest.raises(SystemExit):
        run(monkeypatch, promote, str(second))
    assert read_champion(MODEL).model_hash == first.model_hash, "it is no better"
    lose_registry()
    register_stage.main()
    assert read_champion(MODEL).model_hash == first.model_hash
    assert [each.architecture for each in roll_back(MODEL)] == ["custom_cnn", "mobilenet_v2"]
    with pytest.raises(StoreError, match="there is none before"):
        roll_back(MODEL)


def promote_by_hand(checkout, monkeypatch):
    """Make a network champion that is none of the checkout's."""
    tiny_models.write_network(checkout / "proposals/custom_cnn/better.onnx", data_hash="e" * 32)
    run(monkeypatch, promote, "proposals/custom_cnn/better.onnx")
    shutil.rmtree(checkout / "proposals")
    return read_champion(MODEL)


def test_a_champion_proposed_by_hand_comes_back_from_the_file_in_models(checkout, lose_registry, monkeypatch):
    by_hand = promote_by_hand(checkout, monkeypatch)
    lose_registry()
    register_stage.main()
    champion = read_champion(MODEL)
    assert champion.model_hash == by_hand.model_hash
    assert champion.tags["data_hash"] == "e" * 32
    assert champion.tags["gate_reasons"] == by_hand.tags["gate_reasons"]
    assert ChampionRecord.read().version == champion.number == 4
    assert json.loads((checkout / "models/champion/metrics.json").read_text())["f1"] == 1.0
    assert roll_back(MODEL)[1].architecture == "mobilenet_v2"


def test_without_the_champion_s_file_the_best_eligible_network_is_first(checkout, lose_registry, monkeypatch):
    by_hand = promote_by_hand(checkout, monkeypatch)
    register_stage.main()  # mobilenet_v2, the best of the checkout's, is refused
    shutil.rmtree(checkout / "models/champion")
    lose_registry()
    register_stage.main()
    record = ChampionRecord.read()
    assert record.champion == "resnet18", "the second best"
    reason = record.champion_reasons[1]
    assert f"custom_cnn (model {by_hand.model_hash[:12]}), is not on this machine" in reason
    assert "rolled back or refused did not count" in reason
    assert by_hand.model_hash in {each.model_hash for each in record.history}, "it is remembered all the same"


def test_lost_files_of_a_registry_name_the_way_to_a_new_one(checkout):
    shutil.rmtree(checkout / "mlartifacts")
    shutil.rmtree(checkout / "models/champion")
    with pytest.raises(StoreError, match=r"Restore them .* rename mlflow\.db, and make repro begins a new registry"):
        register_stage.main()


def test_inside_a_run_of_mlflow_a_network_gets_a_run_of_its_own(checkout, monkeypatch):
    """`mlflow run` names its run in the environment, and MLflow takes the next run that is started for that one."""
    other = next(version for version in read_versions(MODEL) if version.architecture == "mobilenet_v2")
    monkeypatch.setenv("MLFLOW_RUN_ID", other.run_id)
    tiny_models.write_network(checkout / "models/custom_cnn/model.onnx", sharpness=9.0, data_hash="d" * 32)
    register_stage.main()
    assert len({version.run_id for version in read_versions(MODEL)}) == 4
    with open_store() as client:
        assert client.get_run(other.run_id).info.run_name == "mobilenet_v2"


def test_without_any_network_that_may_be_champion_it_stops(checkout, lose_registry, monkeypatch):
    promote_by_hand(checkout, monkeypatch)
    for version in read_versions(MODEL)[:3]:
        tag(MODEL, version.number, {"rolled_back": "true"})
    register_stage.main()
    shutil.rmtree(checkout / "models/champion")
    lose_registry()
    with pytest.raises(InputError, match=r"every network in models/ was rolled back or refused\. Get its file"):
        register_stage.main()
    assert read_champion(MODEL) is None


def test_what_was_rolled_back_in_another_clone_is_not_promoted_here(checkout, lose_registry, monkeypatch, capsys):
    promote_own(checkout, monkeypatch)
    run(monkeypatch, rollback)
    record, network = (checkout / "reports/register.json"), checkout / "models/custom_cnn/model.onnx"
    history, rolled_back = json.loads(record.read_text())["history"], network.read_bytes()
    lose_registry()
    record.unlink()
    tiny_models.write_network(network, classes=tiny_models.SWAPPED, sharpness=3.0)
    tiny_models.write_metrics(checkout, "custom_cnn", 0.7)
    register_stage.main()
    # The history of another clone arrives with git, the network with DVC.
    record.write_text(json.dumps(json.loads(record.read_text()) | {"history": history}))
    network.write_bytes(rolled_back)
    tiny_models.write_metrics(checkout, "custom_cnn", 1.0)
    register_stage.main()
    assert read_champion(MODEL).architecture == "mobilenet_v2"
    assert "It was rolled back" in capsys.readouterr().out


def test_a_record_without_a_history_says_who_is_champion(checkout, lose_registry, monkeypatch):
    record = checkout / "reports/register.json"
    old = json.loads(record.read_text())
    for name in ("history", "champion_reasons", "init"):
        del old[name]
    record.write_text(json.dumps(old))
    tiny_models.write_metrics(checkout, "custom_cnn", 0.95)
    lose_registry()
    register_stage.main()
    after = ChampionRecord.read()
    assert after.champion == "mobilenet_v2"
    assert list(after.champion_reasons) == old["decision"]["reasons"]


def test_a_damaged_record_is_not_replaced_without_its_history(checkout, lose_registry, monkeypatch):
    (checkout / "reports/register.json").write_text("<<<<<<< HEAD")
    lose_registry()
    with pytest.raises(InputError, match=r"register\.json: cannot be read .* Run: git checkout -- reports"):
        register_stage.main()


def test_of_refusals_the_newest_are_kept_and_all_champions(lose_registry):
    lose_registry()
    count = REFUSALS_KEPT + 3
    with open_store() as client:
        client.create_registered_model(MODEL)
        for number in range(1, count + 1):
            tags = {"architecture": "custom_cnn", "model_hash": f"hash {number}"}
            tags["gate"] = "promoted" if number == 1 else "refused"
            client.create_model_version(MODEL, source="/nowhere", tags=tags)
    gone = PastDecision(
        architecture="resnet18", version=1, model_hash="gone", verdict="rolled back", reasons=(), previous="hash 1"
    )
    history = read_history(MODEL, [gone])
    kept = [f"hash {number}" for number in range(4, count + 1)]
    assert [each.model_hash for each in history] == ["gone", "hash 1", *kept]
    assert read_history(MODEL, history) == history
