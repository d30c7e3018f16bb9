"""scikit-learn's callbacks (1.9 and later): a fit is a task, every round of training a subtask of it.

A cross-validation has the tasks of scikit-learn's own searches: every fit on a part of the data, then the refit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from convexnn._progress import Clock, Observer, Progress
from convexnn._types import Floats

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport, with_callbacks as _managed

    HAS_CALLBACKS = True
except ImportError:
    HAS_CALLBACKS = False

    class CallbackSupport:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""


__all__ = ["HAS_CALLBACKS", "CallbackSupport", "FitTask", "SearchTask", "SubFit", "with_callbacks"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def with_callbacks(method: _Method) -> _Method:
    """Tear callbacks down after `method`, however it ends."""
    if not HAS_CALLBACKS:
        return method
    managed: _Method = _managed(method)
    return managed


def _shown(estimator: Any, X: Any, y: Any, weight: Floats | None) -> dict[str, Any]:
    metadata = None if weight is None else {"sample_weight": weight}
    return {"estimator": estimator, "X": X, "y": y, "metadata": metadata}


class FitTask(Clock):
    """One fit as callbacks see it, and the clock they stop it with.

    Parameters
    ----------
    estimator : CallbackSupport
    X, y, weight :
        What the callbacks are shown: samples, targets as the user gave them, sample weights.
    limit : float, optional
        Seconds.
    """

    def __init__(self, estimator: Any, X: Floats, y: Any, weight: Floats | None, limit: float | None) -> None:
        super().__init__(limit)
        self._shown = _shown(estimator, X, y, weight)
        self._root = estimator._init_callback_context(max_subtasks=None) if HAS_CALLBACKS else None
        self.stopped = False
        """Whether a callback asked to stop."""
        if self._root is not None:
            self._root.call_on_fit_task_begin(**self._shown)

    @property
    def expired(self) -> bool:
        return self.stopped or super().expired

    @property
    def left(self) -> float | None:
        return 0.0 if self.stopped else super().left

    def observer(self, other: Observer | None) -> Observer | None:
        """An observer that tells callbacks of every round, after `other`."""
        if self._root is None:
            return other

        def tell(state: Progress) -> None:
            if other is not None:
                other(state)
            self._tell()

        return tell

    def _tell(self) -> None:
        assert self._root is not None
        task = self._root.subcontext(task_name="round")
        task.call_on_fit_task_begin(**self._shown)
        # The network of a round is made at the end of training only, so callbacks get none.
        self.stopped |= bool(task.call_on_fit_task_end(**self._shown))

    def end(self) -> None:
        """The estimator is fitted."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._shown, reconstruction_attributes={})


@dataclass(frozen=True)
class SubFit:
    """One fit inside a search, which may happen in another process."""

    caller: Any
    context: Any = None

    @contextmanager
    def of(self, estimator: Any, X: Any, y: Any, weight: Floats | None) -> Iterator[None]:
        """Show the fit of `estimator` inside the block to callbacks, and hand on those that go to sub-estimators."""
        if self.context is None:
            yield
            return
        shown = _shown(self.caller, X, y, weight)
        with self.context.propagate_callback_context(estimator):
            self.context.call_on_fit_task_begin(**shown)
            yield
        self.context.call_on_fit_task_end(**shown)


class SearchTask:
    """A cross-validation over folds and candidates, then a refit, as callbacks see it.

    Parameters
    ----------
    estimator : CallbackSupport
    X, y, weight :
        What the callbacks are shown.
    n_folds, n_candidates : int
    """

    def __init__(
        self, estimator: Any, X: Floats, y: Any, weight: Floats | None, n_folds: int, n_candidates: int
    ) -> None:
        self._shown = _shown(estimator, X, y, weight)
        self.folds = [[SubFit(estimator)] * n_candidates] * n_folds
        """For each fold its fits."""
        self.refit = SubFit(estimator)
        self._root = self._search = None
        if not HAS_CALLBACKS:
            return
        self._root = estimator._init_callback_context(max_subtasks=2)
        self._root.call_on_fit_task_begin(**self._shown)
        self._search = self._root.subcontext(
            task_name="search", max_subtasks=n_folds * n_candidates, sequential_subtasks=False
        )
        self._search.call_on_fit_task_begin(estimator=estimator)
        # All contexts are made before any fit begins: the estimator must not change while it is sent to workers.
        contexts = [
            self._search.subcontext(task_name="candidate-split-evaluation", task_id=k)
            for k in range(n_folds * n_candidates)
        ]
        self.folds = [
            [SubFit(estimator, context) for context in contexts[k * n_candidates : (k + 1) * n_candidates]]
            for k in range(n_folds)
        ]

    def searched(self) -> None:
        """All folds are scored; the refit begins."""
        if self._root is not None and self._search is not None:
            self._search.call_on_fit_task_end(estimator=self._shown["estimator"])
            context = self._root.subcontext(task_name="refit-with-best-params")
            self.refit = SubFit(self._shown["estimator"], context)

    def end(self) -> None:
        """The estimator is fitted."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._shown, reconstruction_attributes={})
