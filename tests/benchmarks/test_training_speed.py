"""The benchmark of training separates waiting from computing, and reports every network in every variant."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch

from benchmarks import train as bench
from benchmarks.loops import Lane, Loop, Pass, Source, Way, run
from stages.models.build import build_network
from stages.params import ARCHITECTURES, Augment, Phase, Train, changed, read_params

BATCH = (np.zeros((4, 56, 56, 3), np.uint8), np.zeros(4, np.int64), np.zeros((4, 0, 2), np.float32))
SCHEDULE = [
    Phase(epochs=3, image_size=56, samples=4, precision="bf16"),
    Phase(epochs=1, image_size=112, samples=2, precision="bf16"),
]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Steps this small are no quicker with two, and on a busy machine each waits for the other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def source():
    return Source(bench.synthetic_data(), read_params(Augment))


@pytest.fixture(scope="module")
def train():
    return changed(read_params(Train), batch_size=2)


@pytest.fixture(scope="module")
def report(source, train):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", lambda network, **_: network)  # a minute of C++ for each network
        patch.setattr(bench, "MASK_SIZE", 56)  # emulated bfloat16 takes a second for a sample of 224 px
        return bench.measure_all(source, dict.fromkeys(ARCHITECTURES, SCHEDULE), train, seconds=0.0, rounds=1)


def slowly(batches, seconds=0.03):
    for batch in batches:
        time.sleep(seconds)
        yield batch


@pytest.mark.parametrize(
    ("batches", "step_seconds", "low", "high"),
    [
        pytest.param(slowly([BATCH] * 5), 0.0, 0.8, 1.0, id="slow batches, no work: all of it is waiting"),
        pytest.param(slowly([BATCH] * 5), 0.03, 0.2, 0.8, id="as slow as the work: half of it"),
        pytest.param([BATCH] * 5, 0.03, 0.0, 0.05, id="batches that are there: none of it"),
    ],
)
def test_the_wait_is_the_time_that_batches_take(batches, step_seconds, low, high):
    measured = run(batches, lambda _: time.sleep(step_seconds))
    assert (measured.steps, measured.samples) == (5, 20)
    assert low <= measured.waited / measured.seconds <= high


def test_the_first_pass_warms_up_and_is_not_counted(source):
    lane = Lane(print, source, "here", SCHEDULE[0], 2)
    lane.passes = [Pass(1, 10, 50.0, 40.0), Pass(2, 20, 2.0, 0.0), Pass(2, 20, 6.0, 2.0), Pass(2, 20, 4.0, 1.0)]
    assert lane.seconds_per_sample == pytest.approx(0.2)
    assert lane.wait == pytest.approx(0.25)
    assert lane.warm_up_seconds == pytest.approx(48.0)


def test_phases_count_with_their_samples_in_the_schedule(source):
    lanes = [Lane(print, source, "here", phase, 2) for phase in SCHEDULE]
    lanes[0].passes = 2 * [Pass(1, 2, 2.0, 0.0)]
    lanes[1].passes = 2 * [Pass(1, 2, 8.0, 4.0)]
    together = bench.summary(lanes, plain=4.0)
    assert together["samples_per_second"] == pytest.approx(14 / 20)
    assert together["ratio"] == pytest.approx(2.8)
    assert together["wait"] == pytest.approx(4 / 20)


@pytest.mark.parametrize("feed", ["here", "ahead", "fixed"])
def test_every_feed_gives_the_batches_of_the_phase(source, feed):
    phase = Phase(epochs=1, image_size=56, samples=7, precision="fp32")
    batches = list(source.batches(feed, phase, 2))
    assert [(tuple(masks.shape), len(classes)) for masks, classes, _ in batches] == 3 * [((2, 56, 56, 3), 2)]


def test_a_step_trains_and_prediction_does_not():
    loop = Loop(build_network("custom_cnn", 3, 0.0), Way(), "cpu")
    weights = loop._network.by_features.layers[-1].weight
    before = weights.detach().clone()
    loop.infer(BATCH, bfloat16=False)
    assert torch.equal(weights, before)
    loop.train(BATCH, bfloat16=False)
    assert not torch.equal(weights, before)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_variant_of_every_network_is_reported(report, architecture):
    variants = report["networks"][architecture]["variants"]
    assert list(variants) == list(bench.VARIANTS)
    assert all(variant["samples_per_second"] > 0 and 0 <= variant["wait"] < 1 for variant in variants.values())
    assert variants[bench.PLAIN]["ratio"] == 1.0
    assert [phase["image_size"] for phase in variants[bench.TRAINING]["phases"]] == [56, 112]


def test_the_tables_name_everything_in_100_columns(report):
    text = bench.as_text(report)
    assert max(map(len, text.splitlines())) <= 100
    assert all(name in text for name in (*ARCHITECTURES, *bench.VARIANTS))


def test_the_command_prints_the_tables_and_writes_the_report(report, tmp_path, monkeypatch, capsys):
    asked = []
    written = tmp_path / "reports" / "bench_train.json"
    monkeypatch.setattr(bench, "measure_all", lambda *values: asked.append(values) or report)
    monkeypatch.setattr("sys.argv", ["train", "--seconds", "0.5", "--rounds", "2", "--report", str(written)])
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # restored afterwards
    bench.main()
    assert asked[0][-3:] == (0.5, 2, list(bench.VARIANTS))
    assert list(asked[0][1]) == list(ARCHITECTURES)
    assert capsys.readouterr().out == bench.as_text(report)
    assert json.loads(written.read_text()) == report


def test_another_batch_size_and_no_compiled_network(report, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(bench, "measure_all", lambda *values: asked.append(values) or report)
    options = ["--batch-size", "7", "--without-compiled", "--report", str(tmp_path / "bench.json")]
    monkeypatch.setattr("sys.argv", ["train", *options])
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # restored afterwards
    bench.main()
    assert asked[0][2].batch_size == 7
    assert bench.COMPILED not in asked[0][-1]
    assert bench.PLAIN in asked[0][-1]


def test_a_variant_left_out_is_not_in_the_table(source, train):
    names = [bench.PLAIN, bench.TRAINING]
    left = bench.measure_all(source, {"custom_cnn": SCHEDULE[:1]}, train, 0.0, 1, names)
    assert list(left["networks"]["custom_cnn"]["variants"]) == names
    assert bench.COMPILED not in bench.as_text(left)


def test_without_a_compiler_the_table_says_so(source, report, monkeypatch):
    def refuse(*_):
        raise RuntimeError("No working C++ compiler found\nand much more")

    monkeypatch.setattr(torch, "compile", lambda *_, **__: refuse)
    way = bench.VARIANTS[bench.COMPILED]
    lanes = bench.lanes_of(way, Loop(build_network("custom_cnn", 25, 0.0), way, "cpu"), SCHEDULE, source, 2)
    note = bench.compile_failure(lanes[0])
    assert note.endswith("No working C++ compiler found")
    plain = report["networks"]["custom_cnn"]["variants"]
    variants = plain | {bench.COMPILED: {"note": note}}
    assert note in bench.as_text(report | {"networks": {"custom_cnn": {"variants": variants}}})


def test_training_and_inference_are_compared_with_a_batch_on_the_device(source, train, report):
    limits = bench.against_limit("custom_cnn", source, train, seconds=0.0, rounds=1)
    assert list(limits) == ["training", "inference"]
    assert all(of["loader"] > 0 and of["one batch"] > 0 for of in limits.values())
    networks = {"custom_cnn": report["networks"]["custom_cnn"] | {"limits": limits}}
    assert max(map(len, bench.as_text(report | {"networks": networks}).splitlines())) <= 100
