"""scikit-learn's callbacks: every fit tells them of its epochs, and stops when they ask."""

import pickle
import re
from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from fits import both_engines, small
from forecasting import bare
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import RNNClassifier, SequenceVectorizer, WindowTransformer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4, 2))
Y = X[:, -1, 0]
SERIES = pd.Series(RNG.normal(size=60), index=pd.date_range("2026-01-01", periods=60))


network = partial(small, cell_type="gru", epochs=3, engine="numpy")


class Diary:
    """Writes down each task, and asks for a stop after `last` epochs."""

    def __init__(self, last=None, fails=False):
        self.last, self.fails, self.lines, self.networks = last, fails, [], []

    def setup(self, estimator, context):
        self.lines.append("setup")

    def teardown(self, estimator, context):
        self.lines.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.lines.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.lines.append(f"{context.task_name} ends")
        if self.fails:
            raise RuntimeError("the diary is full")
        if fitted_estimator is not None:
            self.networks.append(fitted_estimator)
        return self.last is not None and len(self.networks) >= self.last


class HandedOnDiary(Diary):
    max_propagation_depth = None


@both_engines
def test_each_epoch_is_a_task_with_the_network_as_it_is_then(engine):
    diary = Diary()
    fitted = network(engine=engine).set_callbacks(diary).fit(X, Y)
    epochs = ["epoch begins", "epoch ends"] * 3
    assert diary.lines == ["setup", "fit begins", *epochs, "fit ends", "teardown"]
    for n_epochs, found in enumerate(diary.networks, start=1):
        expected = network(engine=engine, epochs=n_epochs).fit(X, Y)
        assert_array_equal(found.predict(X), expected.predict(X))
        assert found.history_["loss"] == expected.history_["loss"]
        assert found.n_epochs_ == n_epochs
    assert_array_equal(fitted.predict(X), found.predict(X))
    assert_array_equal(fitted.predict(X), network(engine=engine).fit(X, Y).predict(X))


@both_engines
def test_training_stops_when_a_callback_asks(engine):
    fitted = network(engine=engine, epochs=9).set_callbacks(Diary(last=2)).fit(X, Y)
    assert fitted.n_epochs_ == 2
    assert_array_equal(fitted.predict(X), network(engine=engine, epochs=2).fit(X, Y).predict(X))


@pytest.mark.parametrize("settings", [{"stateful": True, "batch_size": 10}, {"patience": 1}])
def test_networks_of_epochs_predict_where_state_is_carried_or_weights_are_kept(settings):
    diary = Diary()
    fitted = network(**settings).set_callbacks(diary).fit(X, Y)
    assert len(diary.networks) == fitted.n_epochs_
    for found in diary.networks:
        assert np.isfinite(found.predict(X)).all()


def test_more_epochs_go_on_counting():
    diary = Diary()
    fitted = network(warm_start=True).fit(X, Y).set_callbacks(diary).fit(X, Y)
    assert [found.n_epochs_ for found in diary.networks] == [4, 5, 6]
    assert diary.networks[-1].history_["loss"] == fitted.history_["loss"]


class StopAfterTwo(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


@pytest.mark.slow
def test_keras_callbacks_are_told_beside_them():
    diary = Diary()
    settings = {"engine": "keras", "epochs": 5, "callbacks": [StopAfterTwo()]}
    fitted = network(**settings).set_callbacks(diary).fit(X, Y)
    assert len(diary.networks) == fitted.n_epochs_ == 2


def test_a_failing_callback_leaves_the_estimator_as_it_was():
    subject, diary = network().fit(X, Y), Diary(fails=True)
    subject.set_callbacks(diary)
    before = dict(vars(subject))
    with pytest.raises(RuntimeError, match="the diary is full"):
        subject.fit(X, Y)
    assert vars(subject) == before
    assert diary.lines == ["setup", "fit begins", "epoch begins", "epoch ends", "teardown"]


def test_a_refused_fit_ends_the_work_of_callbacks():
    diary = Diary()
    subject = network().set_callbacks(diary)
    with pytest.raises(ValueError, match="inconsistent"):
        subject.fit(X, Y[1:])
    assert diary.lines == ["setup", "fit begins", "teardown"]
    assert sorted(vars(subject)) == sorted([*network().get_params(), "_skl_callbacks"])


def test_partial_fit_tells_nobody():
    diary = Diary()
    network().set_callbacks(diary).partial_fit(X, Y)
    assert diary.lines == []


TEXTS = ["good plot", "bad plot", "good cast", "bad cast"] * 5
NESTED = {
    "forecaster": (bare(network(), timesteps=4), (SERIES,)),
    "windows": (make_pipeline(WindowTransformer(4), network()), (SERIES.to_frame("sales"), SERIES)),
    "text": (
        make_pipeline(SequenceVectorizer(), network(RNNClassifier, vocab_size="auto")),
        (TEXTS, [text[0] for text in TEXTS]),
    ),
    "search": (
        GridSearchCV(bare(network(), timesteps=4), {"steps": [1, 2]}, cv=TimeSeriesSplit(2)),
        (SERIES,),
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_callbacks_reach_the_network_inside_without_a_warning(name):
    estimator, arguments = NESTED[name]
    diary = HandedOnDiary()
    clone(estimator).set_callbacks(diary).fit(*arguments)
    n_fits = 5 if name == "search" else 1
    assert diary.lines.count("epoch ends") == 3 * n_fits
    assert len(diary.networks) >= 3 * n_fits
    assert (diary.lines[0], diary.lines[-1]) == ("setup", "teardown")
    assert diary.lines.count("setup") == 1


@pytest.mark.parametrize("name", NESTED)
def test_progress_bars_count_to_the_end(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    estimator, arguments = NESTED[name]
    clone(estimator).set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*arguments)
    shown = capsys.readouterr().out
    assert type(estimator).__name__ in shown
    assert set(re.findall(r"(\d+)%", shown)) == {"100"}


def test_scoring_monitor_keeps_the_score_of_each_epoch():
    monitor = ScoringMonitor(scoring="r2")
    weights = np.repeat([0.5, 1.0], 15)
    fitted = network().set_callbacks(monitor).fit(X, Y, weights)
    scores = monitor.get_logs().data_as_pandas["r2"].dropna()
    assert len(scores) == 3
    assert scores.iloc[-1] == fitted.score(X, Y, weights)


def test_callbacks_travel_with_clones_and_pickles_but_into_no_file(tmp_path):
    subject = network().set_callbacks(Diary()).fit(X, Y)
    for copy in (clone(subject), pickle.loads(pickle.dumps(subject))):
        [diary] = copy._skl_callbacks
        assert isinstance(diary, Diary)
    skrnn.save(subject, tmp_path / "network.skrnn")
    loaded = skrnn.load(tmp_path / "network.skrnn")
    assert not hasattr(loaded, "_skl_callbacks")
    assert_array_equal(loaded.predict(X), subject.predict(X))
