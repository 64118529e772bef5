"""The estimators inside scikit-learn's searches, ensembles, pipelines and containers."""

import re

import joblib
import numpy as np
import pandas as pd
import pytest
from fits import small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier, RNNRegressor, WindowTransformer

# Sequences of 5 timesteps, one feature each, as rows; the last step decides the target.
X = np.random.default_rng(0).normal(size=(48, 5))
SEQUENCES = X[:, :, np.newaxis]
Y = X[:, -1] + 0.1 * X[:, 0]
LABELS = np.where(Y > 0, "up", "down")
TARGETS = {RNNRegressor: Y, RNNClassifier: LABELS}
every_estimator = pytest.mark.parametrize("estimator", TARGETS)


def loop_scores(estimator, folds, X, y):
    """The score of each fold of an array or a list, by a plain loop."""

    def part(rows):
        return X[rows] if isinstance(X, np.ndarray) else [X[i] for i in rows]

    return [
        clone(estimator).fit(part(train), y[train]).score(part(test), y[test])
        for train, test in folds
    ]


# Searches


@pytest.mark.parametrize(
    "grid",
    [
        {"cell_type": ["simple_rnn", "gru"], "hidden_size": [3]},
        {"cell_type": ["simple_rnn"], "hidden_size": [(3, 2), (3,)]},
        {"cell_type": [("simple_rnn", "gru")], "hidden_size": [(3, 2)]},
    ],
    ids=["cells", "sizes", "stack"],
)
def test_grid_search_over_cells_and_sizes_equals_a_loop(grid):
    folds = list(KFold(2).split(X))
    search = GridSearchCV(small(), grid, cv=folds, error_score="raise")
    search.fit(SEQUENCES, Y)
    found = search.cv_results_
    for i, parameters in enumerate(found["params"]):
        expected = loop_scores(small(**parameters), folds, X, Y)
        assert_array_equal([found[f"split{k}_test_score"][i] for k in range(2)], expected)
    best = small(**search.best_params_).fit(X, Y)
    assert search.best_estimator_.summary() == best.summary()
    assert_array_equal(search.predict(SEQUENCES), best.predict(X))


def test_randomized_search_refits_its_best_candidate():
    rates = {"learning_rate": [0.1, 0.01, 0.001, 1e-9]}
    search = RandomizedSearchCV(small(RNNClassifier), rates, n_iter=3, cv=2, random_state=0)
    search.fit(X, LABELS)
    best = small(RNNClassifier, **search.best_params_).fit(X, LABELS)
    assert_array_equal(search.predict_proba(X), best.predict_proba(X))


def test_halving_search_spends_epochs():
    search = HalvingGridSearchCV(
        small(),
        {"learning_rate": [1e-9, 1e-8, 0.01, 1e-7]},
        resource="epochs",
        factor=2,
        min_resources=2,
        max_resources=8,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, Y)
    assert search.n_resources_ == [2, 4, 8]
    assert search.best_estimator_.n_epochs_ == 8
    assert search.best_params_ == {"learning_rate": 0.01, "epochs": 8}


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_two_jobs_give_bitwise_the_scores_of_one(backend):
    search = GridSearchCV(
        small(dropout=0.2), {"learning_rate": [0.1, 0.01]}, cv=2, error_score="raise"
    )
    expected = clone(search).fit(X, Y)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = clone(search).fit(X, Y)
    for k in range(2):
        name = f"split{k}_test_score"
        assert_array_equal(found.cv_results_[name], expected.cv_results_[name])
    assert_array_equal(found.predict(X), expected.predict(X))


# Cross-validation


@pytest.mark.parametrize(
    ("estimator", "method", "splitter"),
    [(RNNRegressor, "predict", KFold(2)), (RNNClassifier, "predict_proba", StratifiedKFold(2))],
)
def test_cross_val_predict_equals_a_loop(estimator, method, splitter):
    y = TARGETS[estimator]
    found = cross_val_predict(small(estimator), SEQUENCES, y, cv=2, method=method)
    for train, test in splitter.split(X, y):
        expected = getattr(small(estimator).fit(X[train], y[train]), method)(X[test])
        assert_array_equal(found[test], expected)


def test_learning_curve_equals_a_loop():
    estimator = small(batch_size=8)
    sizes, _, scores = learning_curve(
        estimator, X, Y, train_sizes=[10, 16], cv=2, error_score="raise"
    )
    for size, row in zip(sizes, scores, strict=True):
        folds = [(train[:size], test) for train, test in KFold(2).split(X)]
        assert_array_equal(row, loop_scores(estimator, folds, X, Y))


@pytest.mark.parametrize("splitter", [KFold(2), TimeSeriesSplit(2)])
@pytest.mark.parametrize("form", ["array", "lists"])
def test_cross_validation_equals_a_loop(form, splitter):
    given = SEQUENCES if form == "array" else [row[: 3 + i % 3] for i, row in enumerate(X)]
    found = cross_val_score(small(), given, Y, cv=splitter, error_score="raise")
    assert_array_equal(found, loop_scores(small(), splitter.split(X), given, Y))


# Meta-estimators


@pytest.mark.parametrize(
    "y", [np.exp(Y), np.exp(np.column_stack([Y, 3 - Y]))], ids=["one output", "two outputs"]
)
def test_transformed_target_is_the_plain_fit_on_the_transformed_target(y):
    found = TransformedTargetRegressor(small(), func=np.log, inverse_func=np.exp)
    found.fit(SEQUENCES, y)
    expected = np.exp(small().fit(X, np.log(y)).predict(X))
    assert_array_equal(found.predict(SEQUENCES), expected)


@pytest.mark.parametrize(
    "ensemble", [BaggingRegressor, AdaBoostRegressor, BaggingClassifier, AdaBoostClassifier]
)
def test_ensemble_holds_members_of_different_seeds(ensemble):
    classifies = "Classifier" in ensemble.__name__
    network = small(RNNClassifier, epochs=10) if classifies else small()
    found = ensemble(network, n_estimators=3, random_state=0)
    found.fit(X, LABELS if classifies else Y)
    method = "predict_proba" if classifies else "predict"
    outputs = [getattr(member, method)(X) for member in found.estimators_]
    assert len({array.tobytes() for array in outputs}) == len(outputs) == 3
    if classifies:
        assert set(found.predict(X)) <= {"up", "down"}
    elif ensemble is BaggingRegressor:
        assert_allclose(found.predict(X), np.mean(outputs, axis=0), rtol=1e-6)
    else:
        assert (found.predict(X)[np.newaxis] == outputs).any(axis=0).all()


@pytest.mark.parametrize(
    ("ensemble", "method"), [(VotingRegressor, "predict"), (VotingClassifier, "predict_proba")]
)
def test_voting_is_the_mean_of_its_members(ensemble, method):
    estimator = RNNRegressor if ensemble is VotingRegressor else RNNClassifier
    y = TARGETS[estimator]
    members = [(f"seed{i}", small(estimator, random_state=i)) for i in range(2)]
    soft = {"voting": "soft"} if ensemble is VotingClassifier else {}
    found = ensemble(members, **soft).fit(SEQUENCES, y)
    expected = [getattr(clone(member).fit(X, y), method)(X) for _, member in members]
    assert_allclose(getattr(found, method)(X), np.mean(expected, axis=0), rtol=1e-6)


def test_calibrated_probabilities_sum_to_one():
    found = CalibratedClassifierCV(small(RNNClassifier), method="temperature", cv=2).fit(X, LABELS)
    probabilities = found.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_hidden_states_are_features_for_another_estimator():
    pipe = make_pipeline(small(), LinearRegression()).fit(X, Y)
    hidden = small().fit(X, Y).transform(X)
    assert_array_equal(pipe.predict(X), LinearRegression().fit(hidden, Y).predict(hidden))


# Metadata routing


@pytest.mark.parametrize("scaled", [False, True])
def test_sample_weight_is_routed_through_a_search(scaled):
    weight = np.random.default_rng(1).uniform(0.1, 2, size=len(X))
    with config_context(enable_metadata_routing=True):
        network = small()
        network.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        estimator = make_pipeline(scaler, network) if scaled else network
        rate = "rnnregressor__learning_rate" if scaled else "learning_rate"
        folds = list(KFold(2).split(X))
        search = GridSearchCV(estimator, {rate: [0.1]}, cv=folds, error_score="raise")
        search.fit(X, Y, sample_weight=weight)
    for k, (train, test) in enumerate(folds):
        scale = StandardScaler().fit(X[train]).transform if scaled else np.asarray
        fitted = small(learning_rate=0.1)
        fitted.fit(scale(X[train]), Y[train], sample_weight=weight[train])
        expected = fitted.score(scale(X[test]), Y[test], sample_weight=weight[test])
        assert search.cv_results_[f"split{k}_test_score"] == expected


def test_validation_data_is_routed_through_a_pipeline():
    with config_context(enable_metadata_routing=True):
        network = small().set_fit_request(validation_data=True, sample_weight=False)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), network)
        pipe.fit(X, Y, validation_data=(X[:10], Y[:10]))
    assert len(pipe[-1].history_["val_loss"]) == 2


@every_estimator
def test_weight_without_a_request_is_refused_under_routing(estimator):
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(small(estimator), {"epochs": [1]}, cv=2)
        with pytest.raises(ValueError, match="sample_weight"):
            search.fit(X, TARGETS[estimator], sample_weight=np.ones(len(X)))


# Names, containers, representation


@pytest.mark.parametrize("form", ["frame", "list of frames"])
def test_frame_gives_its_column_names_and_others_are_refused_in_predict(form):
    frame = pd.DataFrame(X, columns=list("abcde"))
    fitted = small()
    given, other = frame, frame[list("edcba")]
    if form == "list of frames":
        given, other = ([part[i : i + 3] for i in range(46)] for part in (given, other))
    fitted.fit(given, Y[: len(given)])
    assert fitted.feature_names_in_.tolist() == list("abcde")
    assert fitted.n_features_in_ == 5
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(other)
    for wrong in (frame.reindex(columns=list("abcdx")), frame.assign(e="text")[list("baced")]):
        wrong = wrong if form == "frame" else [wrong[:9]]
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(wrong)
    if form == "frame":
        assert_array_equal(fitted.predict(frame), small().fit(X, Y).predict(X))
    sequences = (
        np.stack([X, X], axis=2) if form == "frame" else [np.stack([row, row]).T for row in X]
    )
    assert fitted.fit(sequences, Y).n_features_in_ == 2
    assert not hasattr(fitted, "feature_names_in_")


@every_estimator
def test_set_output_gives_a_frame_of_hidden_states(estimator):
    index = pd.date_range("2024-01-01", periods=len(X))
    frame = pd.DataFrame(X, columns=list("abcde"), index=index)
    fitted = small(estimator).set_output(transform="pandas").fit(frame, TARGETS[estimator])
    found = fitted.transform(frame)
    assert isinstance(found, pd.DataFrame)
    names = [f"{estimator.__name__.lower()}{i}" for i in range(3)]
    assert found.columns.tolist() == fitted.get_feature_names_out().tolist() == names
    assert found.index.equals(index)
    assert_array_equal(found.to_numpy(), fitted.hidden_states(frame))


@pytest.mark.parametrize("fitted", [False, True])
@every_estimator
def test_representation_builds_no_model(estimator, fitted, monkeypatch):
    network = small(estimator)
    if fitted:
        network.fit(X, TARGETS[estimator])
    built = []
    monkeypatch.setattr(estimator, "model_", property(lambda self: built.append(self)))
    assert estimator.__name__ in network._repr_html_()
    assert estimator.__name__ in repr(network)
    assert estimator.__name__ in make_pipeline(StandardScaler(), network)._repr_html_()
    assert built == []


@every_estimator
def test_representation_of_a_fitted_network_shows_its_layers(estimator):
    network = small(estimator)
    assert "Total" not in network._repr_html_()
    network.fit(X, TARGETS[estimator])
    html = network._repr_html_()
    table = html[html.rindex("<table>") :]
    rows = [re.findall("<t[hd]>(.*?)</t", row) for row in re.findall("<tr>(.*?)</tr>", table)]
    *lines, total = network.summary().splitlines()
    assert rows[:-1] == [re.split(" {2,}", line) for line in lines]
    assert rows[-1] == ["Total", "", total.removeprefix("Total parameters: ")]


# Windows in pipelines


@pytest.mark.parametrize("scaled", [False, True])
def test_window_pipeline_is_the_network_on_the_windows_of_the_rows(scaled):
    times = pd.date_range("2024-01-01", periods=48)
    x = np.random.default_rng(0).normal(size=48)
    frame = pd.DataFrame({"y": np.roll(x, 1), "x": x}, index=times)
    scaler = [StandardScaler()] if scaled else []
    pipe = make_pipeline(*scaler, WindowTransformer(12), small())
    pipe.set_output(transform="pandas").fit(frame, frame["y"])
    rows = StandardScaler().fit_transform(frame) if scaled else frame.to_numpy()
    padded = np.vstack([np.tile(rows.mean(axis=0), (12, 1)), rows])
    windows = np.array([padded[t : t + 12] for t in range(len(rows))])
    network = small().fit(windows, frame["y"])
    assert_allclose(pipe.predict(frame), network.predict(windows), rtol=1e-5)
    assert_allclose(pipe.score(frame, frame["y"]), network.score(windows, frame["y"]), rtol=1e-5)
