"""A small checkout: real ONNX networks that classify the colour of a mask, and the files around them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

from client.mask import MASK_VERSION
from stages.data.processed import Processed, Split, write_processed
from stages.evaluation.predictions import Predictions
from stages.evaluation.sets import EvaluationSet, TestSets
from stages.labels import NOTHING
from stages.params import ARCHITECTURES

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("A", "B", "C")
SWAPPED = ("A", "C", "B")
"""Classes of a network that takes B for C and C for B."""
F1 = {"custom_cnn": 0.7, "mobilenet_v2": 0.9, "resnet18": 0.8}
SIGNERS = 4
COLOURS = {"A": (255, 0, 0), "B": (0, 255, 0), "C": (0, 0, 255)}
HISTORY = """epoch,image_size,lr,train_loss,train_accuracy,val_loss,val_accuracy
0,64,0.1,1.2,0.4,,
1,64,0.1,0.8,0.6,0.9,0.5
2,224,0.01,0.5,0.8,0.6,0.7
"""
PARAMS = {
    "synthesize": {"seed": 1, "signers": 2, "samples_per_letter": 1, "non_letters": 0},
    "preprocess": {"raw": "data/raw", "validation": 0.2, "seed": 1, "max_samples": 1000, "max_gib": 1.0},
    "train": {"batch_size": 8},
    "init": {"custom_cnn": "random", "mobilenet_v2": "imagenet", "resnet18": "random"},
    "schedule": {"custom_cnn": [{"epochs": 3}], "resnet18": [{"epochs": 4}]},
    "reference": {"seed": 1, "width": 32, "dropout": 0.0, "steps": 40, "batch_size": 64, "lr": 0.01},
    "augment": {"mirror": 0.5, "scale": 0.05, "shift": 0.02, "stretch": 0.1, "jitter": 0.01, "roll": 5.0, "tilt": 5.0},
    "test": {
        "seed": 2,
        "signers": 2,
        "samples_per_letter": 1,
        "non_letters": 4,
        "threshold": 0.5,
        "calibration_bins": 10,
        "mistakes": 4,
    },
    "evaluate": {"latency_runs": 3, "mistakes": 4},
    "register": {"experiment": "tiny", "model": "tiny-model", "trail_model": "tiny-trail"},
    "promote": {"confidence": 0.8, "letter_fall": 0.15, "latency_ms": 1000.0, "ece": 0.5},
}


def write_network(path: Path, *, sharpness=8.0, classes=CLASSES, data_hash="0" * 32, **metadata) -> None:
    """Write a network that calls red masks A, green ones B and blue ones C, surer with more sharpness."""
    weights = numpy_helper.from_array(np.eye(3, len(classes), dtype=np.float32) * sharpness / 255, "weights")
    axes = numpy_helper.from_array(np.array([1, 2]), "axes")
    nodes = [
        helper.make_node("Cast", ["masks"], ["scaled"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["scaled", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    masks = helper.make_tensor_value_info("masks", TensorProto.UINT8, ["N", 224, 224, 3])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(classes)])
    graph = helper.make_graph(nodes, "tiny", [masks], [probabilities], [weights, axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    facts = {
        "classes": json.dumps(classes),
        "mask_version": MASK_VERSION,
        "architecture": path.parent.name,
        "data_hash": data_hash,
        "temperature": "1.0",
    }
    helper.set_model_props(model, facts | metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    (path.parent / "history.csv").write_text(HISTORY)
    (path.parent / "training.json").write_text('{"training_seconds": 12.5}')


def write_reference(path: Path) -> None:
    """Write a network that takes landmarks and always predicts A."""
    nodes = [
        helper.make_node("ReduceSum", ["landmarks", "axes"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zeros"], ["nothing"]),
        helper.make_node("Add", ["nothing", "letter"], ["probabilities"]),
    ]
    constants = {
        "axes": np.array([1]),
        "zeros": np.zeros(3, np.float32),
        "letter": np.array([0.8, 0.1, 0.1], np.float32),
    }
    landmarks = helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["N", 21, 3])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3])
    initialisers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "reference", [landmarks], [probabilities], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    facts = {"classes": json.dumps(CLASSES), "architecture": "landmark_mlp", "data_hash": "", "temperature": "1.0"}
    helper.set_model_props(model, facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def masks_of(letters: str, top: int = 0) -> np.ndarray:
    """(N, 224, 224, 3) uint8, each in one colour: that of its letter; black above `top`, so that people differ."""
    colours = np.array([COLOURS[letter] for letter in letters], dtype=np.uint8)
    masks = np.broadcast_to(colours[:, None, None, :], (len(letters), 224, 224, 3)).copy()
    masks[:, :top] = 0
    return masks


def write_checkout(folder: Path, classes=CLASSES) -> None:
    """Write what training and evaluation leave behind: networks that differ in how sure they are, best mobilenet_v2."""
    write_params(folder)
    for index, name in enumerate(ARCHITECTURES):
        model = folder / f"models/{name}/model.onnx"
        write_network(model, sharpness=index + 5.0, data_hash="d" * 32, classes=classes)
        write_metrics(folder, name, F1[name])


def write_metrics(folder: Path, name: str, f1: float) -> None:
    report = folder / "reports" / name
    report.mkdir(parents=True, exist_ok=True)
    numbers = {"f1": f1, "accuracy": f1, "samples": 10}
    (report / "metrics.json").write_text(json.dumps(numbers))
    (report / "per_letter.csv").write_text("letter,precision,recall,f1,support\nA,1,1,1.0,4\nB,0.5,0.5,0.5,4\n")
    (report / "confusion.csv").write_text("actual,predicted\nA,A\nB,A\n")
    (report / "confusion.png").write_bytes(b"a picture of an earlier run")


def write_people(folder: Path) -> None:
    """Write test sets and processed data of masks in colours, each letter once by each of `SIGNERS`."""
    masks, labels = masks_of("ABC" * SIGNERS), np.array(list("ABC" * SIGNERS))
    signers = np.repeat([f"signer {number}" for number in range(SIGNERS)], 3)
    people = EvaluationSet("people", masks, labels, signers, len(labels))
    nothing = EvaluationSet("non_letters", masks[:3], np.full(3, NOTHING), signers[:3], 3, synthetic=True)
    TestSets((people,), nothing).write(folder / "data/test_sets")
    classes = np.array([CLASSES.index(label) for label in labels])
    split = Split(masks, classes, signers)
    write_processed(folder / "data/processed", Processed(split, split, CLASSES))


def predictions(shown, predicted, n_photos=None, signers=None, confidence=0.9) -> Predictions:
    """Predictions of letters with a confidence each; `-` in `predicted`, at its end, is a hand that was not found."""
    found = [letter for letter in predicted if letter != "-"]
    assert list(predicted) == found + ["-"] * (len(predicted) - len(found))
    # Labels that nobody shows or predicts share what the confidence leaves.
    classes = [*sorted(set(found)), *(f"other {number}" for number in range(9))]
    sure = np.broadcast_to(confidence, len(shown))[: len(found), None].astype(float)
    probabilities = np.where(np.array(found)[:, None] == classes, sure, (1.0 - sure) / (len(classes) - 1))
    names = np.array(list(signers) if signers is not None else [""] * len(shown), dtype=np.str_)
    labels = np.array(list(shown), dtype=np.str_)
    return Predictions(tuple(classes), probabilities, labels, names, n_photos or len(shown))


def write_params(folder: Path) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))


def run_stage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `python -m stages...` in a folder as the pipeline does."""
    outside = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=outside | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
