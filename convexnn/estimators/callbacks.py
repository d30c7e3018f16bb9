"""scikit-learn's callbacks (1.9 and later): a fit is a task, every round of training a subtask of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from convexnn._progress import Clock, Observer, Progress
from convexnn._types import Floats

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks as _managed

    HAS_CALLBACKS = True
except ImportError:
    HAS_CALLBACKS = False

    class CallbackSupport:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""


__all__ = ["HAS_CALLBACKS", "CallbackSupport", "FitTask", "with_callbacks"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def with_callbacks(method: _Method) -> _Method:
    """Tear callbacks down after `method`, however it ends."""
    if not HAS_CALLBACKS:
        return method
    managed: _Method = _managed(method)
    return managed


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
        metadata = None if weight is None else {"sample_weight": weight}
        self._shown = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
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
