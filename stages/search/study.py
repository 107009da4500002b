"""Optuna: the only module that imports it. A study is in a database, and any number of workers go on with it."""

from __future__ import annotations

import math
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError
from optuna.storages._rdb.models import NOT_FOUND_MSG
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from stages.errors import PipelineError
from stages.search.space import Trial, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from stages.params import Range

    Objective = Callable[[Values, Callable[[int, float], None]], float]
    """Values, and a function to call with each epoch and its accuracy, to the accuracy at the end."""
    Show = Callable[[Sequence[Trial]], None]

DONE: Final = (TrialState.COMPLETE, TrialState.PRUNED)
LOST_AFTER: Final = 6
"""Signs of life missed in a row before a trial has failed."""
PRUNED_FROM: Final = 2
"""First epoch, counted from 0, after which a trial may end early: what the ones before say is chance."""
DIGITS: Final = 3
"""Significant digits of the values tried: what is written back is what was tried."""
READY: Final = "ready"
READY_WITHIN: Final = 60.0
"""Seconds that the worker which began a study has to prepare it for the others."""
ATTEMPTS: Final = 3
"""Two workers that make the tables of an empty database get into each other's way: the second try finds them."""


@dataclass(frozen=True)
class Study:
    """A study in its database."""

    url: str
    inside: optuna.Study
    trials: int
    """How many trials have to come to an end, those of other workers too."""

    @property
    def done(self) -> list[Trial]:
        """The trials that came to an end."""
        with _database(self.url):
            return [_trial(frozen) for frozen in self.inside.get_trials(deepcopy=False, states=DONE)]

    @property
    def busy(self) -> bool:
        """Whether a trial runs."""
        with _database(self.url):
            return _count(self.inside, TrialState.RUNNING) > 0

    @property
    def best(self) -> Trial:
        """The trial with the highest accuracy, the first of equals; those that ended early do not count.

        Raises:
            PipelineError: every trial ended early.
        """
        whole = [trial for trial in self.done if not trial.pruned]
        if not whole:
            raise PipelineError(
                f"Study '{self.inside.study_name}': no trial came to its end. Raise tune.startup and tune.trials."
            )
        return max(whole, key=lambda trial: trial.accuracy)


def store_name(url: str) -> str:
    """Name a database for people: its URL without a password.

    Raises:
        PipelineError: it is no URL.
    """
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        raise PipelineError(
            "TUNE_STORAGE (or tune.storage in params.yaml) is no URL of a database. "
            "Give one such as sqlite:///tune.db or postgresql://user@host/database."
        ) from None


def open_study(url: str, name: str, first: Values, *, trials: int, startup: int, heartbeat: int, show: Show) -> Study:
    """Open a study, or begin it where it is new.

    Args:
        url: the database.
        name: the study.
        first: values that a new study tries first.
        trials: how many trials have to come to an end.
        startup: first trials, drawn at random and not ended early.
        heartbeat: seconds between signs of life.
        show: called once with no trial where the study is new, before anyone's first trial.

    Raises:
        PipelineError: the database cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=ExperimentalWarning)
    with _database(url):
        create = partial(
            optuna.create_study,
            storage=_storage(url, heartbeat),
            study_name=name,
            direction="maximize",
            sampler=optuna.samplers.TPESampler(n_startup_trials=startup),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=PRUNED_FROM),
        )
        try:
            # Of several workers the database lets one begin the study; the others wait until it has prepared it.
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
    return Study(url, study, trials)


def search(study: Study, space: Mapping[str, Range], objective: Objective, show: Show) -> None:
    """Run trials until the whole study has as many as it needs.

    A trial that fails, as one does whose worker is killed, does not count: another is run in its place.

    Args:
        study: the study, which other workers may be at too.
        space: ranges by dotted name.
        objective: trains with some values and returns the accuracy.
        show: called with each of this worker's trials that came to an end.

    Raises:
        PipelineError: the database cannot be used.
    """
    with _database(study.url):
        waiting = False
        while True:
            optuna.storages.fail_stale_trials(study.inside)
            done, running = _count(study.inside, *DONE), _count(study.inside, TrialState.RUNNING)
            if done >= study.trials:
                return
            if done + running >= study.trials:
                if not waiting:
                    sys.stdout.write(f"waiting for {running} trials of other workers\n")
                waiting = True
                time.sleep(1.0)  # one that gets lost meanwhile is run again
            else:
                _run_one(study, space, objective, show)


def _run_one(study: Study, space: Mapping[str, Range], objective: Objective, show: Show) -> None:
    def run(trial: optuna.Trial) -> float:
        # Optuna's own first sign of life comes from a thread: a worker killed before it would be waited for forever.
        study.inside._storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
        if _count(study.inside, *DONE, TrialState.RUNNING, below=trial.number) >= study.trials:
            raise _Surplus

        def report(epoch: int, accuracy: float) -> None:
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        return objective(_suggest(trial, space), report)

    def ended(_: optuna.Study, frozen: FrozenTrial) -> None:
        if frozen.state in DONE:
            show([_trial(frozen)])

    try:
        study.inside.optimize(run, n_trials=1, catch=(_Surplus,), callbacks=[ended])
    except ValueError as error:
        # What a machine that was asleep finds: the others gave its trial up.
        if "Cannot tell a FAIL trial" not in str(error):
            raise


class _Surplus(Exception):  # noqa: N818 - no error: two workers began the last trial at once, and one steps back
    pass


def _suggest(trial: optuna.Trial, space: Mapping[str, Range]) -> Values:
    for name, ends in space.items():
        trial.suggest_float(name, ends.low, ends.high, log=ends.log)
    return _rounded(trial.params)


def _rounded(values: Mapping[str, float]) -> Values:
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items()}


def _trial(frozen: FrozenTrial) -> Trial:
    assert frozen.datetime_start is not None  # noqa: S101 - every trial that came to an end has begun
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
    """Count the trials in some states whose numbers are below one."""
    return sum(frozen.number < below for frozen in study.get_trials(deepcopy=False, states=states))


def _storage(url: str, heartbeat: int) -> optuna.storages.RDBStorage:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return optuna.storages.RDBStorage(url, heartbeat_interval=heartbeat, grace_period=LOST_AFTER * heartbeat)
        except (SQLAlchemyError, StorageInternalError):
            if attempt == ATTEMPTS:
                raise
            time.sleep(1.0)
    raise AssertionError


@contextmanager
def _database(url: str) -> Iterator[None]:
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise PipelineError(
            f"The study's database {store_name(url)}: {reason}. Check TUNE_STORAGE, or tune.storage in params.yaml; "
            "make tune goes on with the study, or begins it anew where it is gone."
        ) from error


def _reason(error: BaseException | None) -> str | None:
    """Say what is wrong with a database; None where it is something else.

    Optuna stumbles over its own variable where a trial's end cannot be written, so what led to an error counts too.
    """
    while error is not None:
        if isinstance(error, SQLAlchemyError | ImportError) or NOT_FOUND_MSG in error.args:
            return (str(error).strip() or type(error).__name__).splitlines()[0]
        error = error.__cause__ or error.__context__
    return None
