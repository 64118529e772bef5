"""`verbose`: the progress of training on standard error."""

import os
import re
import sys
import threading
from contextlib import suppress
from functools import partial
from types import SimpleNamespace

import pandas as pd
import pytest
import tqdm.auto
import tqdm.notebook
from small_networks import SMALL, data_for, every_estimator, outcome, overfitting, regressor

from skrnn._utils.progress import progress_bar


@pytest.mark.parametrize("has_tqdm", [True, False])
def test_verbose_shows_epochs_and_losses_on_standard_error(capsys, monkeypatch, has_tqdm):
    if not has_tqdm:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    X, y, held_out = overfitting()
    fitted = regressor(verbose=1).fit(X, y, validation_data=held_out)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [line for line in re.split(r"[\r\n]", shown.err) if line.strip()]
    history = pd.DataFrame(fitted.history_)
    for epoch, line in enumerate(lines[:3]):
        loss, val_loss = history.loc[epoch, ["loss", "val_loss"]]
        assert line.startswith(f"Epoch {epoch + 1}/3 |")
        assert f"|, loss {loss:.4g}  val_loss {val_loss:.4g}" in line
        assert line.rstrip().endswith(" left)")
    assert shown.err.endswith("\n")


def test_line_without_tqdm_fits_a_terminal_and_covers_the_one_before(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    seconds = iter([0.0, 30.0, 40.0])
    monkeypatch.setattr("skrnn._utils.progress.perf_counter", lambda: next(seconds))
    with progress_bar(1000, 997, shown=True) as tell:
        tell({"loss": 0.00012345, "val_loss": 0.00012345})
        tell({"loss": 0.5, "val_loss": 0.5})
    _, long, short = capsys.readouterr().err.removesuffix("\n").split("\r")
    assert long == "Epoch 998/1000 |========= |, loss 0.0001234  val_loss 0.0001234 (01:00 left)"
    assert short.rstrip() == "Epoch 999/1000 |========= |, loss 0.5  val_loss 0.5 (00:20 left)"
    assert len(short) == len(long) < 80


def test_bar_of_tqdm_has_room_for_the_time_left_in_a_terminal(capfd, monkeypatch):
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    with progress_bar(1000, 998, shown=True) as tell:
        tell({"loss": 0.00012345, "val_loss": 0.00012345})
    assert "|, loss 0.0001234  val_loss 0.0001234 (00:00 left)" in capfd.readouterr().err


@pytest.mark.parametrize(("fails", "style"), [(False, "success"), (True, "danger")])
def test_bar_of_a_notebook_is_red_only_when_training_fails(fails, style, monkeypatch):
    def widget(**values):
        return SimpleNamespace(layout=SimpleNamespace(), style=SimpleNamespace(), **values)

    def html():
        return widget(value="")

    def box(children):
        boxes.append(children)
        return widget(children=children)

    boxes = []  # stand-ins for ipywidgets, whose classes tqdm takes by these names
    for name, made in {
        "IProgress": partial(widget, bar_style=""),
        "HTML": html,
        "TqdmHBox": box,
        "display": lambda container: None,
    }.items():
        monkeypatch.setattr(tqdm.notebook, name, made, raising=False)
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    with suppress(ValueError), progress_bar(3, 0, shown=True) as tell:
        tell({"loss": 0.5})
        if fails:
            raise ValueError
    [[before, bar, behind]] = boxes
    assert bar.bar_style == style
    assert before.value.startswith("Epoch")
    assert behind.value.startswith(",")


def test_bar_starts_no_thread():
    X, y, _ = overfitting()
    before = set(threading.enumerate())
    regressor(verbose=1).fit(X, y)
    assert set(threading.enumerate()) == before


@every_estimator
def test_no_verbose_shows_nothing(estimator, capfd):
    X, y = data_for(estimator)
    outcome(estimator(**SMALL, verbose=0).fit(X, y), X)
    assert capfd.readouterr() == ("", "")
