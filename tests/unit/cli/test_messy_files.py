"""Twenty messy files, each from fit to ONNX Runtime on raw columns with the same predictions as the command's."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from convexnn.cli import main
from convexnn.cli.models import load_model
from convexnn.data import TableRecipe, open_table
from convexnn.export import onnx_inputs

N = 60
rng = np.random.default_rng(0)
SIZE = np.round(rng.normal(100, 30, N), 2)
TOWN = rng.choice(["Ulm", "Bern", "Köln"], N, p=[0.5, 0.3, 0.2])
GARDEN = rng.random(N) < 0.4
DAY = [date(2020, 1, 1) + timedelta(days=int(k)) for k in rng.integers(0, 900, N)]
PRICE = np.round(20 * SIZE + 300 * (TOWN == "Bern") + 90 * np.abs(SIZE - 100) / 30 + rng.normal(0, 30, N), 2)
KIND = np.array(["cheap", "fair", "dear"])[np.digitize(PRICE, np.quantile(PRICE, [1 / 3, 2 / 3]))]
SOLD = rng.poisson(np.exp(0.8 - (SIZE - 100) / 60))
BASE = {
    "size": list(SIZE), "town": list(TOWN), "garden": list(GARDEN), "day": [str(day) for day in DAY],
    "price": list(PRICE),
}  # fmt: skip


def text(table, sep=",", decimal=".", header=True):
    """A table as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=sep)
    writer.writerow(table)
    for row in zip(*table.values()):
        writer.writerow(["" if v is None else str(v).replace(".", decimal) if isinstance(v, float) else v for v in row])
    return file.getvalue()


def gaps(entries, every=7):
    return [None if k % every == 0 else entry for k, entry in enumerate(entries)]


def with_gaps(word):
    def change(table):
        return {name: [word if entry is None else entry for entry in gaps(table[name], 7 + k)] if name != "price"
                else table[name] for k, name in enumerate(table)}  # fmt: skip

    return change


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("houses.csv", content)
    return file.getvalue()


def parquet(table):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    file = io.BytesIO()
    typed = {**table, "day": DAY, "garden": gaps(table["garden"]), "size": gaps(table["size"])}
    files.write_table(pa.table({**typed, "town": pa.array(gaps(table["town"])).dictionary_encode()}), file)
    return file.getvalue()


def excel(table):
    openpyxl = pytest.importorskip("openpyxl")
    book, file = openpyxl.Workbook(), io.BytesIO()
    days = [datetime(day.year, day.month, day.day) for day in DAY]
    typed = {name: [v.item() if hasattr(v, "item") else v for v in entries] for name, entries in table.items()}
    for row in [list(typed), *zip(*{**typed, "day": days, "size": gaps(typed["size"])}.values())]:
        book.active.append(list(row))
    book.save(file)
    return file.getvalue()


ROWS = list(range(N))
FILES = {
    "plain.csv": (lambda: text(BASE).encode(), "price"),
    "semicolons and decimal commas.csv": (lambda: text(BASE, ";", ",").encode(), "price"),
    "tabs.tsv": (lambda: text(BASE, "\t").encode(), "price"),
    "bars.txt": (lambda: text(BASE, "|").encode(), "price"),
    "byte order mark.csv": (lambda: b"\xef\xbb\xbf" + text(BASE).encode(), "price"),
    "utf16.csv": (lambda: text(BASE, "\t").encode("utf-16"), "price"),
    "code page.csv": (lambda: text(BASE, ";", ",").encode("cp1252"), "price"),
    "spreadsheet.csv": (lambda: b"sep=;\r\n" + text(BASE, ";", ",").encode(), "price"),
    "index of pandas.csv": (lambda: text({"": ROWS, **BASE}).encode(), "price"),
    "index twice.csv": (lambda: text({"Unnamed: 0": ROWS, **BASE, "id": ROWS}).encode(), "price"),
    "names of rows.csv": (lambda: text({"": [f"r{k}" for k in ROWS], **BASE})[1:].encode(), "price"),
    "gaps.csv": (lambda: text(with_gaps("")(BASE)).encode(), "price"),
    "gaps in words.csv": (lambda: text(with_gaps("n/a")(BASE)).encode(), "price"),
    "gaps in the target.csv": (lambda: text({**BASE, "price": gaps(BASE["price"])}).encode(), "price"),
    "packed.csv.gz": (lambda: gzip.compress(text(BASE).encode()), "price"),
    "archive.zip": (lambda: zipped(text(BASE, ";", ",")), "price"),
    "german days.csv": (lambda: text({**BASE, "day": [f"{d:%d.%m.%Y}" for d in DAY]}, ";", ",").encode(), "price"),
    "typed.parquet": (lambda: parquet(BASE), "price"),
    "sheet.xlsx": (lambda: excel(BASE), "price"),
    "names twice.csv": (lambda: text({**BASE, "x": list(SIZE[::-1])}).replace(",x", ",size", 1).encode(), "price"),
    "two labels.csv": (lambda: text({**BASE, "price": list(np.where(PRICE > 2100, "yes", "no"))}).encode(), "price"),
    "labels 0 and 1.csv": (lambda: text({**BASE, "price": list((PRICE > 2100).astype(int))}).encode(), "price"),
    "three labels.csv": (lambda: text({**BASE, "price": list(KIND)}).encode(), "price"),
    "counts.csv": (lambda: text({**BASE, "price": list(SOLD)}).encode(), "price"),
    "codes.csv": (lambda: text({**BASE, "zip": [f"0{k % 5}" for k in ROWS], "note": [f"n{k}" for k in ROWS]}).encode(),
                  "price"),
}  # fmt: skip


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", FILES)
def test_from_a_messy_file_to_raw_columns_in_onnxruntime(tmp_path, name):
    onnxruntime = pytest.importorskip("onnxruntime")
    content, target = FILES[name]
    file, model = tmp_path / name, tmp_path / "model"
    file.write_bytes(content())
    settings = ("--beta-ratio", "0.3", "--test-size", "0.25", "--tol", "0.05", "--json")
    fitted = run("fit", file, "--target", target, "--out", model, *settings)
    report = json.loads(fitted.stdout)
    assert {f"{part}_{score}" for part in ("train", "test") for score in scores_of(report["loss"])} <= set(report)
    assert "size" in fitted.stderr
    evaluated = json.loads(run("evaluate", model, file, "--json").stdout)
    shared = [key for key in evaluated if key.startswith(("train_", "test_"))]
    assert len(shared) >= 3
    assert [evaluated[key] for key in shared] == pytest.approx([report[key] for key in shared], rel=1e-9)
    certified = json.loads(run("certify", model, file, "--time-limit", "0.1", "--json").stdout)
    assert certified["objective"] == pytest.approx(report["objective"], rel=1e-9)
    predicted = json.loads(run("predict", model, file, "--json").stdout)
    for dtype, tol in (("float64", 1e-12), ("float32", 1e-6)):
        run("export", model, tmp_path / "model.onnx", "--dtype", dtype)
        recipe = TableRecipe.from_json(json.dumps(load_model(model)[1].table))
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        names = [entry.name for entry in session.get_outputs()]
        found = dict(zip(names, session.run(None, onnx_inputs(recipe, open_table(file)))))
        compare(found, predicted, target, tol)


def scores_of(loss):
    return {
        "squared_error": ["r2", "root_mean_square_error"], "log_loss": ["accuracy", "log_loss"],
        "poisson": ["d2", "mean_deviance"],
    }[loss]  # fmt: skip


def compare(found, predicted, target, tol):
    if "label" not in found:
        expected = np.array(predicted[target])
        np.testing.assert_allclose(found["prediction"][:, 0], expected, rtol=0, atol=tol * np.abs(expected).max())
        return
    assert found["label"].tolist() == predicted[target]
    expected = np.column_stack([predicted[name] for name in predicted if name != target])
    np.testing.assert_allclose(found["probabilities"], expected, rtol=0, atol=tol)


@pytest.mark.parametrize(
    ("name", "loss"),
    [("plain.csv", "squared_error"), ("counts.csv", "poisson"), ("two labels.csv", "log_loss"),
     ("three labels.csv", "log_loss"), ("labels 0 and 1.csv", "log_loss")],
)  # fmt: skip
def test_the_task_is_found_and_can_be_chosen(tmp_path, name, loss):
    """By the target, or by the option."""
    file = tmp_path / name
    file.write_bytes(FILES[name][0]())
    settings = ("--target", "price", "--beta-ratio", "0.5", "--tol", "0.1", "--json", "--out", tmp_path / "model")
    assert json.loads(run("fit", file, *settings).stdout)["loss"] == loss
    if loss != "log_loss":
        assert json.loads(run("fit", file, *settings, "--loss", "huber(500)").stdout)["loss"] == "huber(500)"
    elif name != "three labels.csv":
        assert json.loads(run("fit", file, *settings, "--loss", "squared_hinge").stdout)["loss"] == "squared_hinge"


def test_columns_can_be_chosen(tmp_path):
    """Dropped, listed with quotes where a name has a comma, and of another kind."""
    file = tmp_path / "a.csv"
    file.write_text(text({"size, m2": list(SIZE), "rooms": [int(k % 4) for k in ROWS], "price": list(PRICE)}))
    settings = ("--target", "price", "--beta-ratio", "0.3", "--tol", "0.1", "--json", "--out", tmp_path / "model")
    run("fit", file, *settings, "--features", '"size, m2",rooms', "--kind", "rooms=categorical")
    table = load_model(tmp_path / "model")[1].table
    assert [(column["name"], column["kind"]) for column in table["columns"]] == [
        ("size, m2", "numeric"), ("rooms", "categorical"),
    ]  # fmt: skip
    groups = ("--interaction-cst", "rooms")
    run("fit", file, *settings, "--drop", '"size, m2"', "--kind", "rooms=categorical", *groups)
    assert load_model(tmp_path / "model")[1].interaction_cst == [[0, 1, 2, 3]]
    assert load_model(tmp_path / "model")[1].features == ["rooms"]


def test_beta_by_cross_validation(tmp_path):
    """--beta auto chooses the ratio that the estimator chooses on the same rows."""
    file = tmp_path / "a.csv"
    file.write_text(text({"size": list(SIZE), "price": list(PRICE)}))
    run("fit", file, "--target", "price", "--beta", "auto", "--out", tmp_path / "model")
    from convexnn import ConvexReLURegressorCV

    X = TableRecipe().fit_transform({"size": list(SIZE)})
    expected = ConvexReLURegressorCV(random_state=0).fit(X, PRICE)
    assert load_model(tmp_path / "model")[1].beta == pytest.approx(expected.beta_)
