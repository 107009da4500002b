"""A fall of the champion's figures fails the check: against commits of real repositories, and against real networks."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile

import pytest
import tiny_models

from stages.commands import check_figures
from stages.data.people import hash_name, pack_people
from stages.errors import InputError

LETTERS = "ABCDEFGHIKLMNOPQRSTUVWXY"
SIGNERS = 24


def scores(mean=0.95, f1=0.94, ece=0.03, letters=(), several=True):
    """One network's scores on `SIGNERS` signers who show each letter once; without intervals if there is only one."""
    interval = (mean - 0.02, mean + 0.02) if several else None
    accuracies = dict.fromkeys(LETTERS, 1.0) | dict(letters)
    return {
        "mean": mean,
        "interval": interval,
        "f1": f1,
        "precision": f1,
        "recall": mean,
        "sources": {"synthetic": {"accuracy": mean, "n_photos": SIGNERS * 24, "interval": interval}},
        "letters": {
            letter: {"accuracy": accuracy, "n_photos": SIGNERS, "interval": (accuracy, accuracy)}
            for letter, accuracy in accuracies.items()
        },
        "ece": ece,
        "at_threshold": {"threshold": 0.5, "coverage": 0.9, "risk": 0.1},
        "non_letters": None,
    }


def report(champion="custom_cnn", model_hash="aa", synthetic=True, n_photos=SIGNERS * 24, **changed):
    source = {"n_photos": n_photos, "found": 570, "detection_rate": 0.99, "signers": SIGNERS, "letters": 24}
    return {
        "champion": champion,
        "model_hash": model_hash,
        "synthetic": synthetic,
        "sources": {"synthetic": source},
        "networks": {champion: scores(**changed), "landmark_mlp": scores(mean=0.5)},
    }


def write(folder, contents, path="reports/test.json"):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(json.dumps(contents))


def write_all(folder, f1=0.92, samples=800, **changed):
    """Write the champion's reports; `f1` is that of validation."""
    write(folder, report(**changed))
    champion = changed.get("champion", "custom_cnn")
    write(folder, {"f1": f1, "accuracy": f1, "samples": samples}, f"reports/{champion}/metrics.json")


def git(folder, *arguments):
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder, tag=""):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "reports")
    if tag:
        git(folder, "tag", tag)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one commit of reports."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    tiny_models.write_params(folder)
    write_all(folder)
    write(folder, {"f1": 0.7, "samples": 800}, "reports/mobilenet_v2/metrics.json")
    git(folder, "init", "--quiet")
    commit(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def check(monkeypatch, capsys):
    """Run the command; returns its exit status and what it printed."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["check_figures", *map(str, arguments)])
        capsys.readouterr()
        try:
            check_figures.main()
        except SystemExit as stop:
            return stop.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def fallen(out):
    return [line.split("|")[1].strip() for line in out.splitlines() if "**falls**" in line]


TEST = "reports/test.json: "


@pytest.mark.parametrize(
    ("before", "now", "names"),
    [
        ({}, {}, []),
        ({}, {"mean": 0.97}, []),
        ({}, {"mean": 0.935}, []),
        ({}, {"mean": 0.925}, [TEST + "accuracy"]),
        ({"several": False}, {"mean": 0.93, "several": False}, []),
        ({"several": False}, {"mean": 0.91, "several": False}, [TEST + "accuracy"]),
        ({}, {"f1": 0.905}, []),
        ({}, {"f1": 0.89}, ["macro F1 in validation"]),
        ({}, {"ece": 0.49}, []),
        ({}, {"ece": 0.51}, [TEST + "calibration error (ECE)"]),
        ({"ece": 0.6}, {"ece": 0.55}, []),
        ({}, {"letters": {"K": 20 / 24}}, []),
        ({}, {"letters": {"K": 12 / 24}}, [TEST + "letters"]),
        ({}, {"champion": "resnet18"}, []),
        ({}, {"champion": "resnet18", "mean": 0.6}, [TEST + "accuracy"]),
    ],
)
def test_a_run_s_reports_are_compared_with_those_committed(checkout, check, before, now, names):
    write_all(checkout, **before)
    commit(checkout)
    write_all(checkout, **now)
    write(checkout, {"f1": 0.5, "samples": 800}, "reports/mobilenet_v2/metrics.json")
    status, out = check()
    assert "Compared with the reports committed last" in out
    assert fallen(out) == names, out
    assert status == (2 if names else 0)


def test_macro_f1_on_unseen_signers_may_fall_as_far_as_accuracy_may(checkout, check):
    for f1, names in ((0.925, []), (0.915, [TEST + "macro F1"])):
        changed = report()
        changed["networks"]["custom_cnn"]["f1"] = f1
        write(checkout, changed)
        assert fallen(check()[1]) == names


def test_a_clean_checkout_is_compared_with_the_last_release_before_it(checkout, check):
    commit(checkout, "v1.0")
    write_all(checkout, mean=0.80)
    commit(checkout, "v1.1")
    status, out = check()
    assert status == 2, "the fall is in this release: comparing it with itself would find none"
    assert "the last release, v1.0 (" in out
    assert "0.950 (0.930-0.970)" in out

    commit(checkout)
    status, out = check()
    assert status == 0
    assert "the last release, v1.1 (" in out
    git(checkout, "switch", "--quiet", "--orphan", "unrelated")
    tiny_models.write_params(checkout)
    write_all(checkout, mean=0.3)
    commit(checkout)
    assert "nothing to compare with" in check()[1], "releases of another branch are none of this one's"


def test_a_run_is_compared_with_the_last_release_too(checkout, check):
    commit(checkout, "v1.0")
    write_all(checkout, mean=0.90)
    commit(checkout)
    write_all(checkout, mean=0.89)
    status, out = check()
    assert (status, fallen(out)) == (2, [TEST + "accuracy"])
    assert out.index("the reports committed last") < out.index("the last release, v1.0") < out.index("**falls**")


def test_without_a_release_the_reports_are_compared_with_the_ones_committed_before(checkout, check):
    status, out = check()
    assert (status, fallen(out)) == (0, [])
    assert "no release (v*) and no earlier reports/test.json, so there is nothing to compare with." in out

    write_all(checkout, mean=0.8)
    commit(checkout)
    (checkout / "notes.txt").write_text("a later commit of something else")
    commit(checkout)
    status, out = check()
    assert (status, fallen(out)) == (2, [TEST + "accuracy"])
    assert "the reports committed before these" in out


def test_a_person_names_the_base(checkout, check):
    git(checkout, "tag", "good")
    write_all(checkout, mean=0.8)
    commit(checkout)
    write_all(checkout, mean=0.79)
    assert check()[0] == 0
    assert check("--base", "good")[0] == 2
    with pytest.raises(InputError, match=r"BASE=v9: git knows no such commit .* git fetch --tags"):
        check("--base", "v9")


def test_a_shallow_clone_says_that_history_is_missing(checkout, check, tmp_path, monkeypatch):
    write_all(checkout, mean=0.8)
    commit(checkout)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{checkout}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    status, out = check()
    assert (status, fallen(out)) == (0, [])
    assert out == (
        "This clone is shallow, so earlier figures are missing. To compare with them: git fetch --unshallow --tags\n"
    )
    git(tmp_path / "shallow", "fetch", "--quiet", "--unshallow", "--tags")
    assert check()[0] == 2
    write_all(tmp_path / "shallow", mean=0.7)
    assert check()[0] == 2


def test_a_copy_without_git_says_so(checkout, check):
    shutil.rmtree(checkout / ".git")
    status, out = check()
    assert status == 0
    assert "git shows no committed figures here (fatal: not a git repository" in out


@pytest.mark.parametrize("named", [(), ("--base", "HEAD")], ids=["no base", "a base"])
def test_a_clone_that_git_cannot_read_is_an_error_with_its_reason(checkout, check, named):
    (checkout / ".git/config").write_text("[core")
    with pytest.raises(InputError, match=r"git cannot read this clone \(fatal: bad config line"):
        check(*named)


def test_a_committed_report_that_git_cannot_read_is_not_taken_for_a_missing_one(checkout, check):
    write_all(checkout, mean=0.8)
    blob = subprocess.run(["git", "rev-parse", "HEAD:reports/test.json"], capture_output=True, text=True, check=True)
    (checkout / ".git/objects" / blob.stdout[:2] / blob.stdout[2:].strip()).unlink()
    with pytest.raises(InputError, match=r"git cannot read this clone \(fatal: .*reports/test\.json"):
        check("--base", "HEAD")


def test_reports_in_an_older_format_are_named_and_not_compared(checkout, check):
    old = report(mean=0.99)
    for name in ("f1", "precision", "recall"):
        del old["networks"]["custom_cnn"][name]
    write(checkout, old)
    commit(checkout, "v1.0")
    write_all(checkout, mean=0.5)
    commit(checkout)
    status, out = check()
    assert (status, fallen(out)) == (0, [])
    assert "reports/test.json: cannot be read in that commit, which has an older format" in out


@pytest.mark.parametrize("other", [{"synthetic": False}, {"n_photos": 100}])
def test_figures_of_another_test_set_are_not_compared(checkout, check, other):
    write_all(checkout, mean=0.5, f1=0.8, **other)
    status, out = check()
    assert "another test set than in that commit" in out
    assert (status, fallen(out)) == (2, ["macro F1 in validation"]), "validation is compared all the same"
    write_all(checkout, mean=0.5, f1=0.8, samples=900, **other)
    status, out = check()
    assert status == 0
    assert "another validation split than" in out


def test_scores_on_people_count_if_they_are_of_the_present_champion(checkout, check):
    people = "reports/people/test.json"
    write(checkout, report(synthetic=False), people)
    commit(checkout)
    write(checkout, report(synthetic=False, mean=0.8), people)
    status, out = check()
    assert (status, fallen(out)) == (2, [f"{people}: accuracy"])
    assert "reports/people/development.json: not in this checkout" in out
    write_all(checkout, model_hash="bb")
    status, out = check()
    assert status == 0
    assert f"{people}: of another model than reports/test.json" in out


def test_a_damaged_report_of_the_work_tree_is_an_error(checkout, check):
    (checkout / "reports/test.json").write_text("{}")
    with pytest.raises(InputError, match=r"reports/test\.json: cannot be read"):
        check()


@pytest.fixture
def networks(checkout):
    """A champion that confuses B and C, a released model that does not, and people to evaluate both on."""
    tiny_models.write_people(checkout)
    tiny_models.write_network(checkout / "models/champion/model.onnx", classes=tiny_models.SWAPPED)
    tiny_models.write_network(checkout / "released/model.onnx")
    return checkout


def test_a_champion_worse_than_the_released_model_fails(networks, check):
    status, out = check("--model", "released/model.onnx")
    assert status == 2
    assert fallen(out) == [
        "accuracy on unseen signers", "macro F1 on unseen signers", "letters with the largest falls"
    ]  # fmt: skip
    assert "0.333 (difference -" in out
    assert out.count(" | 1.000 ") == 2, out
    assert not list((networks / "data").glob("predictions/*")), "nothing of the released model is kept"


def test_a_champion_as_good_as_the_released_model_or_better_passes(networks, check):
    shutil.copy(networks / "models/champion/model.onnx", networks / "same.onnx")
    assert check("--model", "same.onnx")[0] == 0
    shutil.copy(networks / "released/model.onnx", networks / "models/champion/model.onnx")
    assert check("--model", "same.onnx")[0] == 0


def test_the_released_model_is_found_in_a_bento_and_in_its_archive(networks, check):
    (networks / "bento/src").mkdir(parents=True)
    shutil.copy(networks / "released/model.onnx", networks / "bento/src/champion.onnx")
    with tarfile.open(networks / "bento-v1.0.tar.gz", "w:gz") as archive:
        archive.add(networks / "bento", "bento")
    for path in ("bento", "bento-v1.0.tar.gz"):
        assert check("--model", path)[0] == 2
    with tarfile.open(networks / "empty.tar.gz", "w:gz"):
        pass
    for path in ("empty.tar.gz", "reports", "none.onnx", "params.yaml"):
        with pytest.raises(InputError, match=rf"{path}: there is no network in it .* Name an \.onnx file"):
            check("--model", path)


def test_a_released_model_of_other_masks_is_not_evaluated_and_a_damaged_one_is_an_error(networks, check):
    tiny_models.write_network(networks / "released/model.onnx", mask_version="0")
    status, out = check("--model", "released/model.onnx")
    assert status == 0
    assert "The released model cannot be evaluated here" in out
    assert "was trained on masks '0'" in out
    (networks / "released/model.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match="cannot be loaded"):
        check("--model", "released/model.onnx")


@pytest.mark.parametrize(("known", "status"), [(2, 2), (4, 0)])
def test_signers_that_the_released_model_was_trained_on_are_left_out(networks, check, known, status):
    people = frozenset(hash_name(f"signer {number}") for number in range(known))
    tiny_models.write_network(networks / "released/model.onnx", trained_on=pack_people(people))
    code, out = check("--model", "released/model.onnx")
    assert code == status
    assert f"Left out: {known} signers of the test set on whom one of them was trained." in out
    assert ("Nobody is left, so nothing was compared." in out) == (known == tiny_models.SIGNERS)
