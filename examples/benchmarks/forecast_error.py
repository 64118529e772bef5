"""ETTh1, seven columns, 24 hours ahead: seconds of a fit to about the same validation error.

    python examples/benchmarks/forecast_error.py FOLDER skrnn
    PYTHON examples/benchmarks/forecast_error.py FOLDER darts
    PYTHON examples/benchmarks/forecast_error.py FOLDER neuralforecast

PYTHON is the interpreter of an environment with the peer. Each side has a GRU and settings that
were fast in a short search, on one core. It trains on twelve months. The mean squared error is that
of forecasts from every fifth hour of the next four months, in units of the training deviation. The
script prints elapsed seconds and CPU seconds of the fit only, and the error.
"""

import argparse
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

STEPS, TRAINED, ROWS, EVERY = 24, 8640, 11520, 5
ORIGINS = np.arange(ROWS - STEPS, TRAINED - 1, -EVERY)[::-1]


def read(folder):
    """Return the standardized columns, (n_rows, 7)."""
    rows = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0).to_numpy()[:ROWS]
    scaled = (rows - rows[:TRAINED].mean(axis=0)) / rows[:TRAINED].std(axis=0)
    return scaled.astype(np.float32)


def timed(fit, *args, **settings):
    """Return elapsed seconds and CPU seconds."""
    start = np.array([time.perf_counter(), time.process_time()])
    fit(*args, **settings)
    return np.array([time.perf_counter(), time.process_time()]) - start


def mean_squared_error(rows, found):
    truth = np.stack([rows[origin : origin + STEPS].T for origin in ORIGINS])
    return np.square(truth - found.reshape(truth.shape)).mean()


def windows_before(rows, timesteps):
    """Return the rows before each origin of each column, in this order."""
    return [column[origin - timesteps : origin] for origin in ORIGINS for column in rows.T]


def with_skrnn(rows):
    from skrnn import RNNForecaster, RNNRegressor

    columns = pd.concat({k: pd.Series(column) for k, column in enumerate(rows.T)})
    known = pd.concat({k: pd.Series(column[:TRAINED]) for k, column in enumerate(rows.T)})
    forecaster = RNNForecaster(
        RNNRegressor("gru", 64, learning_rate=0.003, batch_size=256, epochs=1, random_state=0),
        steps=STEPS,
        timesteps=96,
        segment=24,
        stride=5,
        scale="level",
        baseline=None,
        calibration=0,
    )
    seconds = timed(forecaster.fit, known)
    table = forecaster.backtest(columns, folds=len(ORIGINS), step=EVERY)
    return seconds, table.summary()["RMSE"]["forecast"] ** 2


def with_darts(rows):
    import torch
    from darts import TimeSeries
    from darts.models import BlockRNNModel

    torch.set_num_threads(1)
    trainer = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    model = BlockRNNModel(
        48,
        STEPS,
        model="GRU",
        hidden_dim=64,
        batch_size=128,
        n_epochs=200,  # `max_steps` comes first
        use_reversible_instance_norm=True,
        optimizer_kwargs={"lr": 0.01},
        random_state=0,
        pl_trainer_kwargs=trainer
        | {"accelerator": "cpu", "max_steps": 200, "enable_checkpointing": False},
    )
    columns = [TimeSeries.from_values(column[:TRAINED]) for column in rows.T]
    seconds = timed(model.fit, columns, stride=5)
    windows = [TimeSeries.from_values(window) for window in windows_before(rows, 48)]
    found = model.predict(STEPS, series=windows, batch_size=2048)
    return seconds, mean_squared_error(rows, np.stack([part.values() for part in found]))


def with_neuralforecast(rows):
    import torch
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import GRU

    torch.set_num_threads(1)
    model = GRU(
        h=STEPS,
        input_size=96,
        encoder_hidden_size=64,
        encoder_n_layers=1,
        decoder_hidden_size=64,
        loss=MSE(),
        learning_rate=0.003,
        batch_size=7,
        windows_batch_size=256,
        max_steps=200,
        scaler_type="standard",
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        logger=False,
    )
    forecaster = NeuralForecast([model], freq=1)
    seconds = timed(forecaster.fit, long_frame([column[:TRAINED] for column in rows.T]))
    found = forecaster.predict(df=long_frame(windows_before(rows, 96)))
    found = found.reset_index().sort_values(["unique_id", "ds"])["GRU"].to_numpy()
    return seconds, mean_squared_error(rows, found)


def long_frame(parts):
    """Return series of equal length as NeuralForecast reads them."""
    n_rows = len(parts[0])
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(parts)), n_rows),
            "ds": np.tile(np.arange(n_rows), len(parts)),
            "y": np.concatenate(parts),
        }
    )


SIDES = {"skrnn": with_skrnn, "darts": with_darts, "neuralforecast": with_neuralforecast}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    parser.add_argument("side", choices=SIDES)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    seconds, error = SIDES[options.side](read(options.folder))
    print(f"{options.side}: {seconds[0]:.2f} s, processor {seconds[1]:.2f} s, error {error:.4f}")


if __name__ == "__main__":
    main()
