"""`static_features`: columns of X that are constant in time, joined to the last state."""

import numpy as np
import pandas as pd
import pytest
from fits import FLOAT64, assert_same_training, both_engines, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import RNNClassifier, SequenceVectorizer, cells

RNG = np.random.default_rng(0)
N, T = 40, 5
MOVING = RNG.normal(size=(N, T, 2))
IDS = RNG.integers(1, 9, (N, T))
IDS[::3, 3:] = 0
STATIC = RNG.normal([10.0, -1.0], [5.0, 0.01], size=(N, 2))
Y = (STATIC[:, 0] > 10).astype(int)
STEPS = np.concatenate([MOVING, np.repeat(STATIC[:, np.newaxis], T, axis=1)], axis=2)
TOKENS = {"vocab_size": 9, "embedding_dim": 3, "mask_value": 0}


def with_ids(**parameters):
    """Return a classifier of token ids and two columns after them, and its X."""
    settings = TOKENS | {"static_features": (-2, -1)} | parameters
    return small(RNNClassifier, **settings), np.hstack([IDS, STATIC])


def with_features(**parameters):
    """Return a regressor of two features and two columns after them, and its X."""
    return small(**{"static_features": (2, 3)} | parameters), STEPS


# Meaning


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_output_is_that_of_the_last_state_joined_to_the_standardized_static_features(pooling):
    estimator, X = with_features(pooling=pooling, dense_sizes=(4,), dtype="float64")
    fitted = estimator.fit(X, Y)
    mean, scale = MOVING.mean(axis=(0, 1)), MOVING.std(axis=(0, 1))
    states = cells.simple_rnn((MOVING - mean) / scale, *fitted.weights_[:3])
    state = states[:, -1] if pooling == "last" else states.mean(axis=1)
    static = (STATIC - STATIC.mean(axis=0)) / STATIC.std(axis=0)
    W, b, V, c = fitted.weights_[3:]
    hidden = np.maximum(np.hstack([state, static]) @ W + b, 0)
    expected = (hidden @ V + c)[:, 0] * Y.std() + Y.mean()
    assert_allclose(fitted.predict(X), expected, rtol=1e-9)
    assert_allclose(fitted.transform(X), states[:, -1], rtol=1e-9)


def test_fewer_timesteps_than_columns_are_read():
    estimator, X = with_features(epochs=1)
    fitted = estimator.fit(X[:, :1], Y)
    assert_array_equal(fitted.predict(list(X[:, :1])), fitted.predict(X[:, :1]))


def test_network_learns_what_only_static_features_say():
    y = (X := with_features()[1])[:, 0, 2] - 300 * X[:, 0, 3]
    r2 = [
        small(static_features=columns, epochs=200).fit(x, y).score(x, y)
        for columns, x in (((2, 3), X), ((), X[:, :, :2]))
    ]
    assert r2[0] > 0.95 > 0.85 > r2[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "settings"),
    [
        (with_ids, {}),
        (
            with_features,
            {"pooling": "max", "bidirectional": True, "dense_sizes": (3,), "mask_value": 7},
        ),
        (with_ids, {"hidden_size": (3, 2), "stateful": True, "batch_size": 8, "mask_value": None}),
    ],
    ids=["ids", "numbers", "states"],
)
def test_engines_agree(case, settings):
    found = []
    for engine in ("numpy", "keras"):
        estimator, X = case(engine=engine, **FLOAT64 | {"standardize": True} | settings)
        found.append(estimator.fit(X, Y, validation_data=(X[:8], Y[:8])))
    assert_same_training(*found, rtol=1e-7)
    predict = [getattr(each, "predict_proba", each.predict)(X) for each in found]
    assert_allclose(*predict, rtol=1e-7)
    assert_allclose(*[each.transform(X) for each in found], rtol=1e-7)


def test_without_static_features_nothing_changes():
    estimator, X = with_features()
    plain = clone(estimator).set_params(static_features=()).fit(X, Y)
    assert plain.n_features_in_ == 4
    assert plain.weights_[0].shape == (4, 3)
    assert plain._network.architecture.n_static == 0


# The forms of X


def frames():
    names = [*(f"id{i}" for i in range(T)), "price", "stars"]
    return pd.DataFrame(np.hstack([IDS, STATIC]), columns=names)


AS_GIVEN = {
    "positions": (lambda: np.hstack([IDS, STATIC]), [T, T + 1]),
    "names": (frames, ["price", "stars"]),
    "in front": (lambda: np.hstack([STATIC, IDS]), (0, 1)),
    "between": (lambda: np.hstack([IDS[:, :2], STATIC, IDS[:, 2:]]), (2, 3)),
    "3-D": (lambda: np.dstack([IDS, np.repeat(STATIC[:, np.newaxis], T, axis=1)]), (1, 2)),
    "NumPy's int": (lambda: np.hstack([IDS, STATIC]), tuple(np.array([-2, -1]))),
}


@pytest.mark.parametrize("form", AS_GIVEN)
def test_static_features_are_the_same_in_every_form_of_X(form):
    estimator, X = with_ids()
    expected = estimator.fit(X, Y)
    make, columns = AS_GIVEN[form]
    found = clone(estimator).set_params(static_features=columns).fit(make(), Y)
    assert_array_equal(found.predict_proba(make()), expected.predict_proba(X))
    assert found.n_features_in_ == make().shape[-1]


def test_sequences_of_a_list_hold_static_features_as_columns():
    lists = [x[: 2 + i % 4] for i, x in enumerate(STEPS)]
    masked = STEPS.copy()
    for i, x in enumerate(masked):
        x[2 + i % 4 :] = np.nan
    of_list = small(static_features=(2, 3)).fit(lists, Y).predict(lists)
    of_array = small(static_features=(2, 3), mask_value=np.nan).fit(masked, Y).predict(masked)
    assert_allclose(of_list, of_array, rtol=1e-5)
    frames = [pd.DataFrame(x, columns=list("abcd")) for x in lists]
    named = small(static_features=["c", "d"]).fit(frames, Y)
    assert_array_equal(named.predict(frames), of_list)


def test_mask_value_is_compared_with_the_other_features():
    X = STEPS.copy()
    X[:, :2, :2] = -5.0  # the static features stay as they are
    everywhere = X.copy()
    everywhere[:, :2] = -5.0
    fits = [small(static_features=(2, 3), mask_value=-5.0).fit(x, Y) for x in (X, everywhere)]
    assert_array_equal(fits[0].predict(X), fits[1].predict(everywhere))
    assert_allclose(fits[0].predict(X[:, :]), fits[0].predict(everywhere))


def test_static_features_of_a_column_transformer():
    texts = ["good soup", "bad soup", "good wine", "bad wine"] * 5
    frame = pd.DataFrame({"text": texts, "stars": np.arange(20) % 5, "price": np.arange(20.0)})
    columns = make_column_transformer(
        (SequenceVectorizer(max_length=3), "text"), remainder="passthrough"
    )
    settings = {"vocab_size": "auto", "embedding_dim": 3, "mask_value": 0}
    positions = small(RNNClassifier, static_features=[-2, -1], **settings)
    y = frame["stars"] > 2
    found = make_pipeline(columns, positions).fit(frame, y).predict_proba(frame)
    names = positions.set_params(static_features=["remainder__stars", "remainder__price"])
    pipeline = make_pipeline(columns.set_output(transform="pandas"), names).fit(frame, y)
    assert_array_equal(pipeline.predict_proba(frame), found)
    assert pipeline[-1].embeddings_.shape == (6, 3)


def test_fit_batches_and_partial_fit_and_warm_start_read_static_features():
    estimator, X = with_features(batch_size=20, shuffle=False, dtype="float64")
    whole = clone(estimator).fit(X, Y)
    blocks = clone(estimator).fit_batches([(X[:20], Y[:20]), (X[20:], Y[20:])])
    assert_allclose(blocks.predict(X), whole.predict(X), rtol=1e-9)
    one = clone(estimator).set_params(epochs=1, warm_start=True)
    again = clone(one).fit(X, Y).fit(X, Y)
    parts = one.partial_fit(X, Y).partial_fit(X, Y)
    assert_allclose(again.predict(X), whole.predict(X), rtol=1e-9)
    assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-9)
    ids, X = with_ids(batch_size=20, shuffle=False, vocab_size="auto")
    blocks = clone(ids).fit_batches([(X[:20], Y[:20]), (X[20:], Y[20:])])
    assert_allclose(blocks.predict_proba(X), ids.fit(X, Y).predict_proba(X), rtol=1e-5)


def test_metrics_are_those_of_predictions_with_static_features():
    estimator, X = with_ids(metrics=["accuracy"], validation_fraction=0.25, shuffle=False)
    fitted = estimator.fit(X, Y, validation_data=(X[:9], Y[:9]))
    assert fitted.history_["accuracy"][-1] == pytest.approx(fitted.score(X, Y))
    assert fitted.history_["val_accuracy"][-1] == pytest.approx(fitted.score(X[:9], Y[:9]))
    assert len(clone(estimator).fit(X, Y).history_["val_accuracy"]) == 2


def test_checkpoints_of_other_static_features_are_not_resumed(tmp_path):
    estimator, X = with_ids(checkpoint_dir=tmp_path)
    first = clone(estimator).fit(X, Y)
    other = X + np.r_[np.zeros(T), 3.0, np.arange(1)]
    changed = np.where(np.arange(T + 2) == T, RNG.normal(size=(N, 1)), other)
    assert_array_equal(clone(estimator).fit(X, Y).predict(X), first.predict(X))
    expected = clone(estimator).set_params(checkpoint_dir=None).fit(changed, Y)
    found = clone(estimator).fit(changed, Y)
    assert_array_equal(found.predict_proba(changed), expected.predict_proba(changed))


# Files and other forms of the network


@pytest.mark.parametrize("case", [with_ids, with_features], ids=["ids", "numbers"])
def test_files_keep_static_features(case, tmp_path):
    estimator, X = case()
    skrnn.save(estimator.fit(X, Y), tmp_path / "file")
    loaded = skrnn.load(tmp_path / "file")
    assert_array_equal(loaded.predict(X), estimator.predict(X))
    assert_array_equal(loaded.partial_fit(X, Y).predict(X), estimator.partial_fit(X, Y).predict(X))


@pytest.mark.parametrize("case", [with_ids, with_features], ids=["ids", "numbers"])
def test_onnx_graph_takes_static_features_as_a_second_input(case, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    estimator, X = case(dense_sizes=(3,))
    estimator.fit(X, Y).to_onnx(tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    inputs = {"static": STATIC.astype(np.float32)}
    inputs["X"] = IDS if case is with_ids else MOVING.astype(np.float32)
    output = "probabilities" if case is with_ids else "prediction"
    [found] = session.run([output], inputs)
    predict = getattr(estimator, "predict_proba", estimator.predict)
    assert_allclose(found.squeeze(), predict(X), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", [with_ids, with_features], ids=["ids", "numbers"])
def test_keras_model_takes_static_features_as_a_second_input(case, tmp_path):
    import keras

    estimator, X = case(engine="keras", callbacks=[keras.callbacks.Callback()])
    estimator.fit(X, Y).to_keras(tmp_path / "net.keras")
    inputs = [IDS if case is with_ids else MOVING, STATIC]
    predict = getattr(estimator, "predict_proba", estimator.predict)
    for model in (estimator.model_, keras.models.load_model(tmp_path / "net.keras")):
        found = model.predict(inputs, verbose=0)[:, -1]
        assert_allclose(found, predict(X).reshape(N, -1)[:, -1], atol=1e-5)
    built = estimator.build_model((T, 1 if case is with_ids else 2))
    assert [each.shape[1:] for each in built.inputs][1] == (2,)
    with pytest.raises(ValueError, match=r"one input, got 2\. .*`skrnn\.save`"):
        type(estimator).from_keras(estimator.model_)


def test_summary_shows_where_static_features_are_joined():
    assert "joined (Concatenate)      (None, 5)" in with_ids()[0].summary((T, 1))


# Refused


@both_engines
@pytest.mark.parametrize(
    ("settings", "change", "message"),
    [
        ({"static_features": ["price"]}, None, r"got 'price'\. X has no names: pass positions"),
        ({"static_features": [7]}, None, "positions of the 4 columns of X, from -4 to 3, got 7"),
        ({"static_features": [1.0]}, None, "names or positions of columns, got 1.0"),
        ({"static_features": [True]}, None, "names or positions of columns, got True"),
        ({"static_features": [2, -2]}, None, "each column once"),
        ({"static_features": [0, 1, 2, 3]}, None, "must leave at least one of the 4 columns"),
        ({"static_features": 2}, None, "'static_features' parameter"),
        ({"static_features": "stars"}, None, "'static_features' parameter"),
        ({"static_features": [1]}, None, "same value at all timesteps .* static column 1, got"),
        ({"return_sequences": True}, None, "must be empty with `return_sequences=True`"),
        ({}, np.nan, "finite numbers in the static column 3, got nan in sample 4. Impute"),
        ({}, np.inf, "finite numbers in the static column 3, got inf in sample 4"),
    ],
)
def test_wrong_static_features_are_refused_by_name(engine, settings, change, message):
    estimator, X = with_features(engine=engine, **settings)
    if change is not None:
        X = X.copy()
        X[4, :, 3] = change
    y = np.repeat(Y[:, np.newaxis], T, axis=1) if estimator.return_sequences else Y
    with pytest.raises((TypeError, ValueError), match=message):
        estimator.fit(X, y)
    assert not hasattr(estimator, "weights_")


def test_prediction_refuses_columns_unlike_those_of_fit():
    estimator, X = with_ids()
    estimator.fit(X, Y)
    for wrong in (IDS, np.hstack([X, STATIC])):
        with pytest.raises(ValueError, match="must have 7 columns, as in `fit`, 2 of them static"):
            estimator.predict(wrong)
    named, frame = clone(estimator).set_params(static_features=["price", "stars"]), frames()
    named.fit(frame, Y)
    with pytest.raises(ValueError, match="feature names"):
        named.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match=r"got 'weight'\. X has the columns"):
        clone(named).set_params(static_features=["weight"]).fit(frame, Y)
    with pytest.raises(ValueError, match="static_features changed since"):
        estimator.set_params(static_features=(0, 1), warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="list of 1-D sequences"):
        clone(named).set_params(static_features=(0,)).fit([[1, 2], [3, 4, 5]], [0, 1])
