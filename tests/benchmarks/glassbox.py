"""Additive models with pairs of features on ten tables: this package, EBM, pyGAM and gradient boosting.

    python tests/benchmarks/glassbox.py run --tables FOLDER --methods convexnn,hist --out a.jsonl
    python tests/benchmarks/glassbox.py run --tables FOLDER --methods ebm,pygam --out b.jsonl   # in an environment with
    python tests/benchmarks/glassbox.py page a.jsonl b.jsonl --out docs/benchmarks-glassbox.md  # interpret and pygam

All methods see the same folds. FOLDER has winequality-red.csv, abalone.csv, ionosphere.csv, phoneme.csv and sonar.csv
of the UCI and ELENA collections, without header, target last (abalone: sex first); what is not there is left out.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_friedman1, make_friedman2
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RATIOS = (0.1, 0.03, 0.01)
FILES = ("winequality-red", "abalone", "ionosphere", "phoneme", "sonar")


def tables(folder: Path) -> dict[str, tuple[Any, Any, bool]]:
    """Name, samples, targets, and whether these are classes."""
    found: dict[str, tuple[Any, Any, bool]] = {
        "diabetes": (*load_diabetes(return_X_y=True), False),
        "breast cancer": (*load_breast_cancer(return_X_y=True), True),
        "wine": (*load_wine(return_X_y=True), True),
        "friedman1 (500 x 10)": (*make_friedman1(500, noise=1.0, random_state=0), False),
        "friedman2 (500 x 4)": (*make_friedman2(500, noise=125.0, random_state=0), False),
    }
    for name in FILES:
        path = folder / f"{name}.csv"
        if not path.exists():
            continue
        rows = [line.split(",") for line in path.read_text("utf-8").splitlines() if line and '"' not in line]
        rows = [row for row in rows if len(row) == len(rows[-1])]
        labels = np.array([row[-1] for row in rows])
        if name == "abalone":
            X = [[float(row[0] == "M"), float(row[0] == "F"), *map(float, row[1:-1])] for row in rows]
            found[name] = np.array(X), labels.astype(float), False
        elif name == "winequality-red":
            found[name] = np.array([row[:-1] for row in rows], dtype=float), labels.astype(float), False
        else:
            codes = np.unique(labels, return_inverse=True)[1]
            found[name] = np.array([row[:-1] for row in rows], dtype=float), codes, True
    return found


def convexnn_model(classes: bool, n_classes: int) -> Any:
    """Pairs, the penalty by three folds; single features where there are several classes."""
    from convexnn.estimators import ConvexReLUClassifierCV, ConvexReLURegressorCV

    kind = ConvexReLUClassifierCV if classes else ConvexReLURegressorCV
    cst = "no_interactions" if n_classes > 2 else "pairwise"
    model = kind(beta_ratios=RATIOS, cv=3, interaction_cst=cst, tol=1e-2, n_jobs=1)
    return make_pipeline(StandardScaler(), model)


def ebm_model(classes: bool, n_classes: int) -> Any:
    """As it comes; one worker, so that its time is seen."""
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    kind = ExplainableBoostingClassifier if classes else ExplainableBoostingRegressor
    return kind(n_jobs=1, random_state=0)


def pygam_model(classes: bool, n_classes: int) -> Any:
    """One spline per feature, the penalty by generalised cross-validation."""
    from pygam import LinearGAM, LogisticGAM

    kind = LogisticGAM if classes else LinearGAM

    class Searched:
        _estimator_type = "classifier" if classes else "regressor"

        def fit(self, X: Any, y: Any) -> Any:
            self.model = kind().gridsearch(X, y, lam=np.logspace(-2, 3, 6), progress=False)
            return self

        def predict(self, X: Any) -> Any:
            return self.model.predict(X)

    return Searched()


def hist_model(classes: bool, n_classes: int) -> Any:
    """Boosted trees that see at most two features each."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return kind(interaction_cst="pairwise", early_stopping=True, random_state=0)


MODELS: dict[str, Callable[[bool, int], Any]] = {
    "convexnn": convexnn_model, "ebm": ebm_model, "pygam": pygam_model, "hist": hist_model,
}  # fmt: skip


def pieces(method: str, model: Any) -> float:
    """Kinks of the network, or bins of all terms; nan where that is not told."""
    if method == "convexnn":
        return float(model[-1].n_neurons_)
    if method == "ebm":
        return float(sum(np.size(scores) for scores in model.term_scores_))
    return float("nan")


def run(folder: Path, methods: list[str], out: Path, n_folds: int, first: int) -> None:
    """Fit the first folds with every method, one line of JSON each."""
    with out.open("a", encoding="utf-8") as file:
        for name, (X, y, classes) in tables(folder).items():
            folds = (StratifiedKFold if classes else KFold)(n_folds, shuffle=True, random_state=0)
            n_classes = len(np.unique(y)) if classes else 0
            for k, (train, test) in islice(enumerate(folds.split(X, y)), first):
                for method in methods:
                    if method == "pygam" and n_classes > 2:
                        continue
                    model = MODELS[method](classes, n_classes)
                    began = time.process_time()
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        model.fit(X[train], y[train])
                        predicted = model.predict(X[test])
                    seconds = time.process_time() - began
                    if classes:
                        score = float(np.mean(predicted == y[test]))
                    else:
                        score = 1.0 - float(np.mean((predicted - y[test]) ** 2) / np.var(y[test]))
                    gap = float(model[-1].certificate_.relative_gap) if method == "convexnn" else None
                    line = {
                        "data": name, "shape": list(np.shape(X)), "fold": k, "method": method, "score": score,
                        "seconds": seconds, "pieces": pieces(method, model), "gap": gap,
                    }  # fmt: skip
                    file.write(json.dumps(line) + "\n")
                    file.flush()


def page(files: list[Path], out: Path) -> None:
    """Means over the folds that all methods have fitted, as a Markdown table."""
    lines = [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]
    folds: dict[tuple[str, str], set[int]] = defaultdict(set)
    for line in lines:
        folds[line["data"], line["method"]].add(line["fold"])
    common = {name: set.intersection(*(seen for key, seen in folds.items() if key[0] == name)) for name, _ in folds}
    lines = [line for line in lines if line["fold"] in common[line["data"]]]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["data"], line["method"]].append(line)
    names = list(dict.fromkeys(line["data"] for line in lines))
    methods = [m for m in MODELS if any(key[1] == m for key in groups)]
    text = [_HEAD.format(machine=platform.machine())]
    heads = ["data, shape, folds", *(f"{m}: score, seconds, pieces" for m in methods), "largest proven gap"]
    text.append(f"| {' | '.join(heads)} |")
    text.append("|---" * (len(methods) + 2) + "|")
    for name in names:
        cells = []
        for method in methods:
            found = groups.get((name, method), [])
            if not found:
                cells.append("")
                continue
            score, seconds, count = (np.mean([one[key] for one in found]) for key in ("score", "seconds", "pieces"))
            cells.append(f"{score:.3f}, {seconds:.1f}" + (f", {count:.0f}" if np.isfinite(count) else ""))
        gaps = [one["gap"] for one in groups.get((name, "convexnn"), []) if one["gap"] is not None]
        shape = groups[name, methods[0]][0]["shape"]
        first = f"{name}, {shape[0]} x {shape[1]}, {len(common[name])}"
        row = [first, *cells, f"{max(gaps, default=np.nan):.1e}"]
        text.append(f"| {' | '.join(row)} |")
    out.write_text("\n".join(text) + "\n", encoding="utf-8")


_HEAD = """# Benchmarks: models of one and two features

Written by `tests/benchmarks/glassbox.py`: R2 for numbers, share of right labels for classes, mean of as many of three
folds as all methods of a row have fitted (first column); processor seconds of one fit, choice of the penalty included
({machine}, one thread). An empty cell has not been run.
`convexnn` is `interaction_cst="pairwise"` ("no_interactions" for three classes) after standardisation, `tol=1e-2`, the
penalty chosen among .1, .03 and .01 of beta_max by three folds; its pieces are neurons. EBM (interpret) is as it comes,
with one worker; its pieces are the bins of all its terms. pyGAM has one spline per feature and no pairs, its penalty by
its own grid search. `hist` is scikit-learn's histogram gradient boosting with `interaction_cst="pairwise"`.
"""


def main() -> None:
    """Run methods, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "page"])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--tables", type=Path, default=Path())
    parser.add_argument("--methods", default="convexnn,hist")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--first", type=int, default=3, help="Folds of these that are fitted.")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.what == "run":
        run(options.tables, options.methods.split(","), options.out, options.folds, options.first)
    else:
        page(options.files, options.out)


if __name__ == "__main__":
    main()
