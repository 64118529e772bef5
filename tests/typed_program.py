"""What a user's program looks like to type checkers; `main` runs, `mistakes` is only looked at.

Checked by `mypy --strict` and by basedpyright, which both refuse a comment that silences nothing:
each line of `mistakes` is one that they must report.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl

import skrnn
from skrnn import cells
from skrnn.inspection import integrated_gradients, timestep_importance
from skrnn.metrics import flat_scorer

Array = npt.NDArray[Any]


def blocks() -> Iterator[tuple[Array, Array]]:
    """Yield blocks of samples, as from files."""
    for start in (0, 100):
        yield skrnn.make_windows(np.sin(np.arange(start, start + 100) / 7), timesteps=8)


def largest_miss(y_true: Array, y_pred: Array) -> float:
    """Return a metric of skrnn's user."""
    return float(np.abs(y_true - y_pred).max())


def of_last_row(inputs: Any, width: int = 1) -> Any:
    """Return a network without layers, of Keras's tensors."""
    return inputs[:, -1, :width]


class ByHalf:
    """A splitter like those of scikit-learn, which has no types."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Array, Array]]:
        """Yield the positions of the first half, and of the second."""
        yield np.arange(len(X) // 2), np.arange(len(X) // 2, len(X))

    def get_n_splits(self) -> int:
        """Return how many splits there are."""
        return 1


def main() -> None:
    """Do in short what the README does."""
    series = np.sin(np.arange(120) / 7)
    X, y = skrnn.make_windows(series, timesteps=8)
    assert_type(X, Array)
    regressor = skrnn.RNNRegressor("gru", hidden_size=(4, 4), epochs=2, random_state=0)
    assert_type(regressor.fit(X, y, validation_data=(X[:9], y[:9])), skrnn.RNNRegressor)
    assert_type(regressor.predict(X), Array)
    assert_type(regressor.score(X, y), float)
    assert_type(regressor.history_["val_loss"], list[float])
    assert_type(regressor.weights_, list[Array])
    falling = skrnn.RNNRegressor(epochs=1, learning_rate={"schedule": "cosine", "alpha": 0.1})
    falling.set_params(learning_rate=lambda epoch: 0.01 / (1 + epoch)).fit(X, y)
    skrnn.RNNClassifier(epochs=1, learning_rate="plateau").fit(X, y > 0)
    tuned = skrnn.RNNRegressor(frozen_layers=["lstm_1"], epochs=1, warm_start=True)
    print(tuned.fit(X, y).summary())
    by_groups = skrnn.RNNRegressor(epochs=1, validation_split=ByHalf())
    by_groups.fit(X, y, groups=np.arange(len(X)) // 9)
    measured = skrnn.RNNRegressor(epochs=1, metrics=["mae", largest_miss], monitor="val_mae")
    assert_type(flat_scorer("mae")(measured.fit(X, y), X, y), float)
    assert_type(regressor.summary(), str)
    print(skrnn.RNNRegressor(network=of_last_row, network_params={"width": 1}))
    print(pd.DataFrame(regressor.history_))
    steps, state = regressor.hidden_states(X, return_sequences=True, return_state=True)
    print(steps.shape, state.shape)

    stepper = regressor.stepper(n_streams=2)
    assert_type(stepper, skrnn.Stepper)
    print(stepper.step(X[:2, 0]), stepper.states)
    stepper.reset([1])
    regressor.to_c(Path(tempfile.mkdtemp()) / "net.h")

    for cell_type in ("simple_rnn", "lstm"):
        skrnn.RNNRegressor(cell_type, epochs=1).fit(X.tolist(), pd.Series(y))
    with_blocks = skrnn.RNNRegressor(epochs=1, engine="numpy", dtype="float64")
    with_blocks.fit_batches(blocks).fit_batches(list(blocks()))
    with_blocks.fit_batches(skrnn.window_blocks(series, timesteps=8, rows=50))

    reshaper = skrnn.SequenceReshaper(1, channels_first=True, newest_first=True)
    assert_type(reshaper.fit(X[:, :, 0]), skrnn.SequenceReshaper)
    assert_type(reshaper.inverse_transform(reshaper.transform(X[:, :, 0])), Array)

    assert_type(skrnn.trusted_types, list[str])

    documents = ["a good film", "a bad one", "good", "bad"]
    vectorizer = skrnn.SequenceVectorizer(max_tokens=8, max_length=3)
    ids = vectorizer.fit_transform(documents)
    assert_type(vectorizer.vocabulary_, dict[str, int])
    classifier = skrnn.RNNClassifier(
        "lstm", 4, vocab_size="auto", embedding_dim=3, segment="auto", class_weight={"yes": 2.0}
    )
    classifier.fit(ids, ["yes", "no", "yes", "no"])
    assert_type(classifier.predict_proba(ids), Array)
    assert_type(classifier.classes_, Array)

    days = pd.date_range("2024-01-01", periods=len(series))
    sales = pd.Series(series, index=days, name="sales")
    windows = skrnn.WindowTransformer(5, padding="mean", freq="D").fit(sales.to_frame())
    assert_type(windows.transform(sales.to_frame()), Array)
    skrnn.make_windows(sales, 5, freq=pd.Timedelta(days=1))
    skrnn.window_blocks(sales, 5, freq=pd.offsets.Day(), target=sales)
    flat = pl.DataFrame({"id": ["a"] * len(series), "ds": days, "y": series})
    skrnn.make_windows(flat, 5, time_column="ds", series_column="id")
    skrnn.window_blocks(flat, 5, time_column="ds", series_column=["id"], target="y")
    skrnn.WindowTransformer(5, time_column="ds", series_column="id").fit(flat)
    skrnn.RNNForecaster.time_folds(flat, time_column="ds", series_column="id")
    forecaster = skrnn.RNNForecaster(
        skrnn.RNNRegressor("gru", 4, epochs=1), timesteps=7, steps=3, calibration=19, freq="D"
    )
    forecast = forecaster.fit(sales).predict(level=[80, 95])
    print(forecast.index[0], forecast["lower_80"])
    by_default = skrnn.RNNForecaster(steps=3).fit(sales)
    assert_type(by_default.settings_, dict[str, Any])
    assert_type(by_default.candidates_, pd.DataFrame)
    assert_type(by_default.contributions(), pd.DataFrame)
    print(by_default.fitted_values(2, contributions=True).shape)
    assert_type(by_default.predict(series=sales, level=80), pd.DataFrame)
    skrnn.RNNForecaster(
        timesteps="auto",
        segment=7,
        scale="level",
        baseline="ridge",
        network_weight=0.5,
        n_networks=2,
        early_stopping=True,
        differences=(7, 1),
        past_exog=("wind",),
        n_jobs=2,
    )
    detector = skrnn.RNNDetector(skrnn.RNNForecaster(network_weight=0), contamination=0.05)
    assert_type(detector.fit(sales[:-1]).update(sales), skrnn.RNNDetector)
    assert_type(detector.offset_, float)
    print(detector.p_values(sales).min(), detector.score_columns(sales).shape)
    backtest = forecaster.backtest(sales, folds=2, refit=2, gap=1, window=50)
    assert_type(backtest.summary(), pd.DataFrame)

    print(integrated_gradients(forecaster, target=2))
    importance = timestep_importance(regressor, X, y, n_repeats=1)
    print(importance.importances_mean)
    print(integrated_gradients(regressor, X[:2], baseline=X[2], target=None).shape)
    reasons = skrnn.IntegratedGradientsDisplay.from_estimator(regressor, X[:2], target=None)
    assert_type(reasons.plot(), skrnn.IntegratedGradientsDisplay)
    W, R, b = np.ones((1, 2)), np.ones((2, 2)), np.zeros(2)
    print(cells.simple_rnn(np.ones((3, 1)), W, R, b).shape)
    with tempfile.TemporaryDirectory() as folder:
        skrnn.save(regressor, Path(folder) / "network", key="secret")
        print(skrnn.load(Path(folder, "network"), key=b"secret", trusted=["m.f"]).predict(X))


def mistakes() -> None:
    """Go wrong in ways that only a type checker sees before the program runs."""
    skrnn.RNNRegressor("grru")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.RNNRegressor(hiden_size=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    skrnn.RNNRegressor(segment="9")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.RNNRegressor(network=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.RNNRegressor(epochs="9")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.RNNForecaster(baseline="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.RNNDetector("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.make_windows([1.0], "8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.RNNClassifier().fit([[1]])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    skrnn.load(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    skrnn.predict()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    skrnn.RNNRegressor().predikt([])  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    main()
