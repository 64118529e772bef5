"""Complex numbers and masked arrays are refused wherever numbers are read."""

import numpy as np
import pandas as pd
import pytest
from forecasting import fit
from sklearn.preprocessing import FunctionTransformer

from skrnn import (
    ForecastDisplay,
    RNNClassifier,
    RNNRegressor,
    SequenceVectorizer,
    WindowTransformer,
    cells,
    inspection,
    make_windows,
    window_blocks,
)

X = np.random.default_rng(0).normal(size=(20, 4, 1))
TIMES = pd.date_range("2024-01-01", periods=20)
Y, ROWS, STEPS = np.arange(20.0), np.arange(20.0)[:, np.newaxis], X[:, :, 0]
LENGTHS = [2 + i % 3 for i in range(20)]
RAGGED = [sample[:n] for sample, n in zip(X, LENGTHS, strict=True)]
LABELS = (STEPS > 0).astype(int)


def regressor(**parameters):
    return RNNRegressor("gru", 2, epochs=1, engine="numpy", random_state=0, **parameters)


def classifier(**parameters):
    return RNNClassifier("gru", 2, epochs=1, engine="numpy", random_state=0, **parameters)


FITTED, BY_STEP = regressor().fit(X, Y), regressor(return_sequences=True)
LABELS_BY_STEP = classifier(return_sequences=True)
WINDOWS = WindowTransformer(3).fit(ROWS)
VECTORIZER = SequenceVectorizer().fit(["red green", "red"])


def cut(rows, change):
    """Rows as long as the sequences, each changed."""
    return [change(row[:n]) for row, n in zip(rows, LENGTHS, strict=True)]


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


class Slices:
    """Rows of another library's array, of which only parts are in memory."""

    def __init__(self, rows):
        self.rows, self.shape = rows, rows.shape

    def __getitem__(self, part):
        return self.rows[part]


# What is done with numbers that `change` spoils.
READERS = {
    "X": lambda change: regressor().fit(change(X), Y),
    "X, 2-D": lambda change: regressor().fit(change(STEPS), Y),
    "X, rows": lambda change: regressor().fit([change(row) for row in STEPS], Y),
    "X, lists of rows": lambda change: regressor().fit([[*change(sample)] for sample in X], Y),
    "X, sequences": lambda change: regressor().fit(cut(X, change), Y),
    "X, objects": lambda change: regressor().fit(objects(cut(X, change)), Y),
    "X, tokens": lambda change: regressor(vocab_size=20).fit(change(ROWS.astype(int)), Y),
    "X of predict": lambda change: FITTED.predict(change(X)),
    "X of hidden_states": lambda change: FITTED.hidden_states(change(X)),
    "X of partial_fit": lambda change: regressor().partial_fit(change(X), Y),
    "X of a block": lambda change: regressor().fit_batches([(change(X), Y)]),
    "X of importances": lambda change: inspection.timestep_importance(FITTED, change(X), Y),
    "y": lambda change: regressor().fit(X, change(Y)),
    "y, rows": lambda change: regressor().fit(X, [change(row) for row in STEPS]),
    "y of score": lambda change: FITTED.score(X, change(Y)),
    "y of a block": lambda change: regressor().fit_batches([(X, change(Y))]),
    "y of validation": lambda change: regressor().fit(X, Y, validation_data=(X, change(Y))),
    "y by step": lambda change: BY_STEP.fit(X, change(STEPS)),
    "y by step, padded": lambda change: BY_STEP.fit(RAGGED, change(STEPS)),
    "y by step, sequences": lambda change: BY_STEP.fit(RAGGED, cut(STEPS, change)),
    "labels": lambda change: classifier().fit(X, change(LABELS[:, 0])),
    "several labels": lambda change: classifier().fit(X, change(LABELS)),
    "labels by step": lambda change: LABELS_BY_STEP.fit(X, change(LABELS)),
    "labels by step, sequences": lambda change: LABELS_BY_STEP.fit(RAGGED, cut(LABELS, change)),
    "weights": lambda change: regressor().fit(X, Y, change(Y)),
    "weights of score": lambda change: FITTED.score(X, Y, change(Y)),
    "weights by step": lambda change: BY_STEP.fit(X, STEPS, change(LABELS)),
    "weights by step, sequences": lambda change: BY_STEP.fit(
        RAGGED, cut(STEPS, np.asarray), cut(LABELS, change)
    ),
    "embedding_init": lambda change: regressor(
        vocab_size=20, embedding_dim=1, embedding_init=change(ROWS)
    ).fit(ROWS.astype(int), Y),
    "rows": lambda change: make_windows(change(Y), 3),
    "rows in a list": lambda change: make_windows([*change(ROWS)], 3),
    "target": lambda change: make_windows(Y, 3, target=change(Y)),
    "rows of a transformer": lambda change: WindowTransformer(3).fit(change(ROWS)),
    "rows to transform": lambda change: WINDOWS.transform(change(ROWS)),
    "rows in blocks": lambda change: window_blocks(change(Y), 3),
    "target in blocks": lambda change: window_blocks(Y, 3, target=change(Y)),
    "rows read in blocks": lambda change: window_blocks(Slices(change(Y)), 3)[0],
    "ids": lambda change: VECTORIZER.inverse_transform(change(np.array([[2, 3, 1]]))),
    "transformer": lambda change: fit(
        pd.Series(Y), transformer=FunctionTransformer(change, check_inverse=False)
    ),
}
# What pandas holds: it reads what is masked as NaN.
TABLES = {
    "frame": lambda change: regressor().fit(pd.DataFrame(change(STEPS)), Y),
    "frames": lambda change: regressor().fit([pd.DataFrame(change(sample)) for sample in X], Y),
    "series": lambda change: fit(pd.Series(change(Y), TIMES)),
    "objects": lambda change: fit(pd.Series([*change(Y)], TIMES, dtype=object)),
    "wide": lambda change: fit(pd.DataFrame({"a": Y, "b": change(Y)}, TIMES)),
    "update": lambda change: fit(pd.Series(Y)[:9]).update(pd.Series(change(Y))),
    "score": lambda change: fit(pd.Series(Y)[:9]).score(pd.Series(change(Y))[9:]),
    "exog": lambda change: fit(pd.Series(Y), pd.DataFrame({"x": change(Y)})),
    "truth": lambda change: ForecastDisplay.from_predictions(
        pd.Series(Y, TIMES), truth=pd.Series(change(Y), TIMES)
    ),
    "forecast": lambda change: ForecastDisplay.from_predictions(pd.Series(change(Y), TIMES)),
    "exog of predict": lambda change: fit(pd.Series(Y)[:9], pd.DataFrame({"x": Y})).predict(
        exog=pd.DataFrame({"x": change(Y)})
    ),
    "static": lambda change: fit(
        pd.DataFrame({0: Y, 1: Y}), static=pd.DataFrame({"size": change(Y)})
    ),
}


def masked(values):
    return np.ma.masked_equal(values, values.ravel()[1])


@pytest.mark.parametrize("read", READERS)
def test_masked_arrays_are_refused(read):
    with pytest.raises(TypeError, match=r"must not have a mask, .* Pass its `filled"):
        READERS[read](masked)


@pytest.mark.parametrize("read", READERS | TABLES)
def test_complex_numbers_are_refused(read):
    with pytest.raises(ValueError, match=r"Complex data not supported|whole numbers .* complex128"):
        (READERS | TABLES)[read](lambda values: values + 0j)


def test_cells_take_no_masked_arrays():
    arrays = X[0], np.ones((1, 6)), np.ones((2, 6)), np.ones((2, 6))
    for k in range(4):
        with pytest.raises(TypeError, match="must not have a mask"):
            cells.gru(*arrays[:k], masked(arrays[k]), *arrays[k + 1 :])
