"""Optuna: the only module that imports it. A study is in a database, and any number of workers share it."""

from __future__ import annotations

import math
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import optuna
from optuna.exceptions import DuplicatedStudyError, OptunaError, StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from stages.errors import InputError, PipelineError, StoreError
from stages.search.space import Trial, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from stages.params import Range

    Objective = Callable[[Values, Callable[[int, float], None]], float]
    """Takes values and a function to call with each epoch and its accuracy; returns the final accuracy."""
    Show = Callable[[Sequence[Trial]], None]
    Beats = dict[int, tuple[object, float]]
    """Last heartbeat of each running trial, by number, and when it was first seen, by this worker's clock."""

DONE: Final = (TrialState.COMPLETE, TrialState.PRUNED)
LOST_AFTER: Final = 6
"""Missed heartbeats in a row after which a trial has failed."""
PRUNED_FROM: Final = 2
"""First epoch, counted from 0, after which a trial may be pruned: earlier accuracies are mostly chance."""
DIGITS: Final = 3
"""Significant digits of the values tried, so that the values written back are exactly those tried."""
READY: Final = "ready"
READY_WITHIN: Final = 60.0
"""Seconds that the worker which created a study has to prepare it for the others."""
ATTEMPTS: Final = 3
"""Two workers that create the tables of an empty database at once can collide; another attempt finds them."""
HEARTBEAT: Final = "heartbeat"
"""Attribute of a running trial that its worker keeps changing."""


@dataclass(frozen=True)
class Study:
    """A study in its database."""

    url: str
    optuna_study: optuna.Study
    trials: int
    """Finished trials that it needs, those of other workers included."""
    heartbeat: float
    """Seconds between the heartbeats of a running trial."""

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.optuna_study.study_name

    @property
    def done(self) -> list[Trial]:
        """The finished trials."""
        with _database(self.url, self.name):
            return [_trial(frozen) for frozen in self.optuna_study.get_trials(deepcopy=False, states=DONE)]

    @property
    def busy(self) -> bool:
        """Whether a trial is running."""
        with _database(self.url, self.name):
            return _count(self.optuna_study, TrialState.RUNNING) > 0

    @property
    def best(self) -> Trial:
        """The trial with the highest accuracy, the first of equals; pruned trials do not count.

        Raises:
            InputError: every trial was pruned.
        """
        whole = [trial for trial in self.done if not trial.pruned]
        if not whole:
            raise InputError(f"Study '{self.name}': every trial was pruned. Raise tune.startup and tune.trials.")
        return max(whole, key=lambda trial: trial.accuracy)


def store_name(url: str) -> str:
    """Name a database in messages: its URL without a password.

    Raises:
        InputError: it is not a URL.
    """
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        raise InputError(
            "TUNE_STORAGE (or tune.storage in params.yaml) is not the URL of a database. "
            "Give one such as sqlite:///tune.db or postgresql://user@host/database."
        ) from None


def open_study(url: str, name: str, first: Values, *, trials: int, startup: int, heartbeat: float, show: Show) -> Study:
    """Open a study, or create it if it is new.

    Args:
        url: the database.
        name: the study.
        first: values that a new study tries first.
        trials: finished trials that the study needs.
        startup: first trials, drawn at random and never pruned.
        heartbeat: seconds between heartbeats.
        show: called once without trials if the study is new, before any worker's first trial.

    Raises:
        StoreError: the database cannot be used.
        InputError: `url` is not a URL.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _database(url, name):
        create = partial(
            optuna.create_study,
            storage=_storage(url),
            study_name=name,
            direction="maximize",
            sampler=optuna.samplers.TPESampler(n_startup_trials=startup),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=PRUNED_FROM),
        )
        try:
            # The database lets only one worker create the study; the others wait until it has prepared it.
            study = create()
        except DuplicatedStudyError:
            study = create(load_if_exists=True)
            end = time.monotonic() + READY_WITHIN
            while not study.user_attrs.get(READY) and time.monotonic() < end:
                time.sleep(0.5)
        else:
            study.enqueue_trial(first)
            show([])
            study.set_user_attr(READY, True)
    return Study(url, study, trials, heartbeat)


def search(study: Study, space: Mapping[str, Range], objective: Objective, show: Show) -> None:
    """Run trials until the whole study has as many as it needs.

    A failed trial, such as one whose worker was killed, does not count: another one is run instead.

    Args:
        study: the study, which other workers may share.
        space: ranges by dotted name.
        objective: trains with some values and returns the accuracy.
        show: called with each finished trial of this worker.

    Raises:
        StoreError: the database cannot be used.
    """
    with _database(study.url, study.name):
        waiting = False
        beats: Beats = {}
        while True:
            _fail_lost(study, beats, time.monotonic())
            done, running = _count(study.optuna_study, *DONE), _count(study.optuna_study, TrialState.RUNNING)
            if done >= study.trials:
                return
            if done + running >= study.trials:
                if not waiting:
                    sys.stdout.write(f"waiting for {running} trials of other workers\n")
                waiting = True
                time.sleep(1.0)  # if one of them is lost meanwhile, another is run
            else:
                _run_one(study, space, objective, show)


def _run_one(study: Study, space: Mapping[str, Range], objective: Objective, show: Show) -> None:
    trial = study.optuna_study.ask()

    def report(epoch: int, accuracy: float) -> None:
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    accuracy: float | None = None
    state: TrialState | None = TrialState.FAIL
    try:
        with _heartbeat(trial, study.heartbeat):
            # Two workers may begin the last trial at once: one of them gives it up.
            if _count(study.optuna_study, *DONE, TrialState.RUNNING, below=trial.number) < study.trials:
                accuracy, state = objective(_suggest(trial, space), report), None
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except UpdateFinishedTrialError:
        pass  # this machine was asleep, and another worker has given the trial up
    finally:
        frozen = study.optuna_study.tell(trial, accuracy, state, skip_if_finished=True)
    if frozen.state in DONE:
        show([_trial(frozen)])


@contextmanager
def _heartbeat(trial: optuna.Trial, seconds: float) -> Iterator[None]:
    """Show the other workers that a trial is alive, from a thread.

    Optuna's own heartbeat misses a worker that is killed before its first beat: its trial would run forever.
    """
    ended = threading.Event()

    def beat() -> None:
        while True:
            with suppress(OptunaError, SQLAlchemyError, KeyError):  # the worker itself will meet the same error
                trial.set_user_attr(HEARTBEAT, time.time())
            if ended.wait(seconds):
                return

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _fail_lost(study: Study, beats: Beats, now: float) -> None:
    """Fail the trials whose heartbeat has stopped, at `now` on this worker's clock."""
    for trial in study.optuna_study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        beat = trial.user_attrs.get(HEARTBEAT)
        last, since = beats.get(trial.number, (None, now))
        beats[trial.number] = (beat, since if beat == last else now)
        if beat == last and now - since > LOST_AFTER * study.heartbeat:
            with suppress(UpdateFinishedTrialError):
                study.optuna_study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)


def _suggest(trial: optuna.Trial, space: Mapping[str, Range]) -> Values:
    for name, ends in space.items():
        trial.suggest_float(name, ends.low, ends.high, log=ends.log)
    return _rounded(trial.params)


def _rounded(values: Mapping[str, float]) -> Values:
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items()}


def _trial(frozen: FrozenTrial) -> Trial:
    assert frozen.datetime_start is not None  # noqa: S101 - every finished trial has begun
    assert frozen.datetime_complete is not None  # noqa: S101
    return Trial(
        number=frozen.number,
        pruned=frozen.state == TrialState.PRUNED,
        values=_rounded(frozen.params),
        accuracies=dict(frozen.intermediate_values),
        accuracy=float(frozen.value) if frozen.value is not None else 0.0,
        begun=frozen.datetime_start.timestamp(),
        ended=frozen.datetime_complete.timestamp(),
    )


def _count(study: optuna.Study, *states: TrialState, below: float = math.inf) -> int:
    """Count the trials in some states with numbers below a limit."""
    return sum(frozen.number < below for frozen in study.get_trials(deepcopy=False, states=states))


def _storage(url: str) -> optuna.storages.RDBStorage:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return optuna.storages.RDBStorage(url)
        except (SQLAlchemyError, StorageInternalError):
            if attempt == ATTEMPTS:
                raise
            time.sleep(1.0)
    raise AssertionError


@contextmanager
def _database(url: str, study: str) -> Iterator[None]:
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        reason = _reason(error)
        if not reason and isinstance(error, KeyError) and study not in optuna.get_all_study_names(url):
            reason = f"study '{study}' is gone"
        if not reason:
            raise
        raise StoreError(
            f"The study's database {store_name(url)}: {reason}. Check TUNE_STORAGE, or tune.storage in params.yaml; "
            "make tune goes on with the study, or creates it again if it is gone."
        ) from error


def _reason(error: BaseException | None) -> str:
    """Say what is wrong with the database, also if that led to another error; "" if it is something else."""
    while error is not None:
        if isinstance(error, SQLAlchemyError | ImportError):
            return (str(error).strip() or type(error).__name__).splitlines()[0]
        error = error.__cause__ or error.__context__
    return ""
