"""Checks of user input, made once at the public edge."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, cast

import numpy as np

from convexnn._arrays import to_numpy
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.exceptions import DataError, ParameterError

NORMS = ("l1", "l2")
BIASES = (True, False, "penalized")


def check_norm(norm: object) -> Norm:
    """Return `norm` if it is "l1" or "l2"."""
    if not isinstance(norm, str) or norm not in NORMS:
        raise ParameterError(f"norm={norm!r} is unknown; choose 'l1' or 'l2' (the norm of the hidden weights).")
    return cast(Norm, norm)


def check_bias(bias: object) -> Bias:
    """Return `bias` if it is True, False or "penalized"."""
    if isinstance(bias, (bool, np.bool_)):
        return cast(Bias, bool(bias))
    if bias == "penalized":
        return "penalized"
    raise ParameterError(f"bias={bias!r} is unknown; choose True (free), False (none) or 'penalized'.")


def check_real(
    name: str, value: Any, *, low: float = -math.inf, high: float = math.inf, strict: bool = False, hint: str = ""
) -> float:
    """Return `value` as float if it is a finite real number in [low, high] ((low, high] if `strict`)."""
    ok = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if ok:
        number = float(value)
        if math.isfinite(number) and number <= high and (number > low if strict else number >= low):
            return number
    bounds = f"{'>' if strict else '>='} {low:g}" if math.isfinite(low) else ""
    if math.isfinite(high):
        bounds += f"{' and ' if bounds else ''}<= {high:g}"
    text = f"{name}={plain(value)!r}: must be a finite number {bounds}".rstrip()
    raise ParameterError(f"{text}.{' ' + hint if hint else ''}")


def plain(value: Any) -> Any:
    """A scalar of NumPy as that of Python, for messages; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def check_tol(tol: Any) -> float | None:
    """Return `tol` as float, or None, which stands for the default of each method."""
    return None if tol is None else check_real("tol", tol, low=0.0, hint="Or None for the default.")


def check_time_limit(time_limit: Any) -> float | None:
    """Return `time_limit` as float seconds, or None for no limit."""
    if time_limit is None:
        return None
    return check_real("time_limit", time_limit, low=0.0, strict=True, hint="It counts seconds.")


def check_fields(params: Any, may_vanish: Sequence[str] = ()) -> None:
    """Raise if a number in a dataclass of parameters is not positive, or is negative where it may vanish."""
    for field in fields(params):
        value = getattr(params, field.name)
        if value is None or is_dataclass(value):
            continue
        for number in value if isinstance(value, tuple) else (value,):
            if not (number > 0 or (number == 0 and field.name in may_vanish)):
                kind = type(params).__name__
                raise ParameterError(f"{kind}({field.name}={value!r}): must be > 0; see its docstring.")


def check_count(name: str, value: Any, *, low: int = 1) -> int:
    """Return `value` as int if it is an integer of at least `low`."""
    flag = isinstance(value, (bool, np.bool_))
    if not flag and isinstance(value, numbers.Integral) and int(value) >= low:
        return int(value)
    raise ParameterError(f"{name}={plain(value)!r}: must be an integer >= {low}.")


# More threads than any machine has.
_MANY = 2**16


def check_jobs(n_jobs: Any) -> int | None:
    """Return `n_jobs` as int if it is a number of threads, or a negative one as joblib reads it, or None."""
    whole = isinstance(n_jobs, numbers.Integral) and not isinstance(n_jobs, (bool, np.bool_))
    if n_jobs is None or (whole and n_jobs != 0 and abs(int(n_jobs)) <= _MANY):
        return None if n_jobs is None else int(n_jobs)
    raise ParameterError(f"n_jobs={plain(n_jobs)!r}: must be None or -1 for all processors, or an integer >= 1.")


def check_seed(random_state: Any) -> int:
    """Return `random_state` as int if it is an integer >= 0; None stands for 0."""
    whole = isinstance(random_state, numbers.Integral) and not isinstance(random_state, (bool, np.bool_))
    if random_state is None or (whole and 0 <= int(random_state) < 2**63):
        return 0 if random_state is None else int(random_state)
    raise ParameterError(f"random_state={plain(random_state)!r}: must be None or an integer >= 0.")


def check_observer(observer: Any) -> Any:
    """Return `observer` if it is None or can be called."""
    if observer is None or callable(observer):
        return observer
    raise ParameterError(f"observer={observer!r}: must be a function of one Progress, or None.")


# As pandas and polars call types of dates and durations.
_DATES = ("Date", "Duration", "datetime", "timedelta", "period")


def refuse_other_kinds(name: str, values: Any) -> None:
    """Raise DataError for what NumPy would read as numbers without a word: masks, dates, frames that have no data yet.

    Raises
    ------
    DataError
        With the remedy.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError(f"{name} has masked entries, which would count as values; fill them, or leave the rows out.")
    if hasattr(values, "collect") and hasattr(values, "collect_schema"):
        raise DataError(f"{name} is a {type(values).__name__} without data; call collect() first.")
    types: Any = getattr(values, "dtypes", None)
    kinds = list(types) if hasattr(types, "__iter__") else [getattr(values, "dtype", None)]
    for kind in kinds:
        if getattr(kind, "kind", "") in ("M", "m") or str(kind).startswith(_DATES):
            raise DataError(
                f"{name} has dates ({kind}), whose size depends on their unit. Make numbers of them before, as "
                "convexnn.data.TableRecipe does (days since the first one)."
            )


def _as_float(name: str, values: ArrayLike) -> Floats:
    refuse_other_kinds(name, values)
    if hasattr(values, "toarray"):
        raise DataError(f"{name} is a sparse matrix, but the geometry of a data set is dense; pass {name}.toarray().")
    try:
        array = np.asarray(to_numpy(values))
        if array.dtype.kind == "c":
            raise DataError(f"{name} is complex; real numbers are expected. Pass real and imaginary part as columns.")
        if array.dtype.kind not in "fiub":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name} is not an array of numbers ({error}). Encode text and dates before.") from error
    return np.ascontiguousarray(array, dtype=np.float64)


def _check_finite(name: str, array: Floats) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise DataError(
            f"{name} contains NaN or infinity ({int((~finite).sum())} entries, the first at index {where}); "
            "all entries must be finite. Impute or drop them first."
        )


def check_points(X: ArrayLike, *, n_features: int | None = None, name: str = "X") -> Floats:
    """Return the samples as a finite, C-contiguous float64 array of shape (n, d)."""
    points = _as_float(name, X)
    if points.ndim == 1:
        raise DataError(
            f"{name} has 1 dimension, shape {points.shape}; expected rows of samples. "
            f"Use {name}.reshape(-1, 1) for one feature or {name}.reshape(1, -1) for one sample."
        )
    if points.ndim != 2:
        raise DataError(f"{name} has {points.ndim} dimensions, shape {points.shape}; expected (n_samples, n_features).")
    if 0 in points.shape:
        raise DataError(f"{name} is empty, shape {points.shape}; at least one sample and one feature are needed.")
    if n_features is not None and points.shape[1] != n_features:
        raise DataError(f"{name} has {points.shape[1]} features, but {n_features} are expected; pass the same columns.")
    _check_finite(name, points)
    return points


def check_targets(y: ArrayLike, n: int) -> Floats:
    """Return the targets as a finite float64 array of shape (n, c)."""
    targets = _as_float("y", y)
    if targets.ndim == 1:
        targets = targets[:, None]
    if targets.ndim != 2 or targets.shape[1] == 0:
        raise DataError(f"y has shape {np.shape(y)}; expected (n_samples,) or (n_samples, n_outputs).")
    if targets.shape[0] != n:
        raise DataError(
            f"X has {n} rows but y has {targets.shape[0]} entries; they must match. Pass one target per row of X."
        )
    _check_finite("y", targets)
    return targets
