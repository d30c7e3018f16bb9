"""Commands end in a line and a code, never in a traceback; outputs are checked first and appear whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import random
import signal

import numpy as np
import pytest
from click.testing import CliRunner

from convexnn.cli import main
from convexnn.cli.exits import Exit
from convexnn.cli.interrupts import StoppableClock, stopped_by_interrupts
from convexnn.cli.outputs import new_file, new_files
from convexnn.cli.tables import write_columns

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 2))
CODES = {int(code) for code in Exit}


def run(*arguments, code=None):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in CODES if code is None else result.exit_code == code, result.output
    return result


@pytest.fixture
def folder(tmp_path):
    write_columns(tmp_path / "data.csv", ["a", "b", "t"], np.column_stack([X, np.abs(X[:, 0])]))
    run("fit", tmp_path / "data.csv", "--target", "t", "--out", tmp_path / "model", "--quiet", code=0)
    (tmp_path / "text.csv").write_text("a,b,t\nu,1,x\nv,2,y\nu,3,x\n")
    (tmp_path / "broken.csv").write_bytes(b"\x00\x01\x02")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "ragged.csv").write_text("a,t\n1\n1,2,3\n")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "model.json").write_text("[]")
    return tmp_path


def test_random_command_lines(folder):
    """300 lines of commands, files and options that do not belong together."""
    draw = random.Random(0)
    files = [folder / name for name in ("data.csv", "text.csv", "broken.csv", "empty.csv", "ragged.csv", "none.csv")]
    models = [folder / "model", folder / "damaged", folder / "model" / "network.safetensors", *files]
    outs = [folder / "new", folder / "data.csv", folder / "no" / "such.csv", folder / "a.onnx", folder / "a.txt"]
    options = {
        "--target": ["t", "a", "z", ""], "--features": ["a", "a,b", "a,a", "", '"', "z", "a,t"],
        "--drop": ["a", "z", "a,b"],
        "--kind": ["a=categorical", "a=x", "a", "=", "z=date", "b=date"],
        "--loss": ["poisson", "log_loss", "x", "quantile(2)"],
        "--test-size": ["0.5", "0", "2", "x", "0.001"], "--beta": ["1", "-1", "nan", "x", "1e400"],
        "--norm": ["l1", "x"],
        "--time-limit": ["0.2", "0", "-1", "nan"], "--tol": ["0.1", "-1"],
        "--interaction-cst": ["pairwise", "a;b", ";", "z"],
        "--require-gap": ["0.1", "nan"], "--out": outs, "--bias": ["none", "x"], "--seed": ["1", "-1", str(2**70)],
    }  # fmt: skip
    arguments = {
        "fit": [files], "predict": [models, files], "certify": [models, files], "evaluate": [models, files],
        "export": [models, outs], "plot": [models, files], "verify": [models, files],
    }  # fmt: skip
    for _ in range(300):
        command = draw.choice(list(arguments))
        line = [command, *(draw.choice(group) for group in arguments[command])]
        # Most lines get the options that the command knows.
        known = {name for option in main.commands[command].params for name in option.opts}
        for name in draw.sample(list(options), draw.randint(1, 4)):
            if name in known or draw.random() < 0.05:
                line += [name, draw.choice(options[name])]
        if command in ("fit", "certify") and "--time-limit" not in line:
            line += ["--time-limit", "0.2"]
        if "--out" in known and "--out" not in line:
            line += ["--out", folder / "out.png"]
        run(*line)


def test_places_are_checked_before_the_work(folder, monkeypatch):
    """Nothing is trained or read if the result could not be written."""
    monkeypatch.setattr("convexnn.cli.fitting.prepare", None)
    monkeypatch.setattr("convexnn.cli.commands.load_model", None)
    monkeypatch.setattr("convexnn.cli.exporting.import_network", None)
    data, model = folder / "data.csv", folder / "model"
    assert "is a file" in run("fit", data, "--target", "t", "--out", data, code=Exit.USAGE).stderr
    missing = folder / "no" / "p.csv"
    assert "does not exist" in run("predict", model, data, "--out", missing, code=Exit.USAGE).stderr
    assert "is a folder" in run("predict", model, data, "--out", model, code=Exit.USAGE).stderr
    assert "does not exist" in run("export", model, folder / "no" / "a.onnx", code=Exit.USAGE).stderr
    assert "is no picture" in run("plot", model, data, "--out", folder / "a.html", code=Exit.USAGE).stderr


def test_a_failure_keeps_what_was_there(folder, monkeypatch):
    """A disk that fills up during a refit leaves the earlier model, and one line."""
    before = {path.name: path.read_bytes() for path in (folder / "model").iterdir()}

    def full(self, path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("convexnn.certificate.Certificate.save", full)
    data = folder / "data.csv"
    result = run("fit", data, "--target", "t", "--out", folder / "model", "--beta", "1", code=Exit.BAD_DATA)
    assert "No space left" in result.stderr
    assert "unchanged" in result.stderr
    assert {path.name: path.read_bytes() for path in (folder / "model").iterdir()} == before


def test_files_take_their_name_at_the_end(tmp_path):
    (tmp_path / "a").write_text("old")

    def fail():
        with new_file(tmp_path / "a") as place:
            place.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (tmp_path / "a").read_text() == "old"
    with new_files(tmp_path / "folder") as place:
        (place / "b").write_text("new")
        assert not (tmp_path / "folder" / "b").exists()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["b"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for child processes")
def test_an_interrupt_stops_the_clock_and_a_second_one_the_program():
    clock = StoppableClock()
    before = signal.getsignal(signal.SIGINT)
    with stopped_by_interrupts(clock):
        assert not clock.expired
        signal.raise_signal(signal.SIGINT)
        assert clock.expired
        assert clock.left == 0.0
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupted_fit_writes_its_network(folder, monkeypatch):
    """The clock is stopped when the first round is reported."""
    from convexnn.cli import fitting

    def printer(*, quiet):
        return lambda state: signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(fitting, "progress_printer", printer)
    data = folder / "data.csv"
    settings = ("--target", "t", "--beta-ratio", "1e-3", "--tol", "0", "--json")
    result = run("fit", data, *settings, "--out", folder / "cut", code=0)
    assert "interrupted: keeping the best network" in result.stderr
    assert json.loads(result.stdout)["neurons"] >= 0
    run("predict", folder / "cut", data, code=0)
