"""Packages that take scikit-learn's estimators take those of skrnn: the code of the site's page.

Each is skipped where the package is not installed; "slow" in pyproject.toml installs those that
leave the other packages at their newest versions.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pages import blocks, page
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import RNNForecaster, RNNRegressor, WindowTransformer, make_windows

PAGE = page("hosts")
# What other packages warn of is theirs.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def shown(host, module):
    """Run the page's code for a package, and return its variables."""
    pytest.importorskip(module, reason=f"{host} is not installed")
    variables = {}
    for caption in dict.fromkeys(("data", host)):
        (code,) = blocks(PAGE, caption)
        exec(compile(code, caption, "exec"), variables)
    return variables


def recursive_forecast(network, values, timesteps, steps):
    """Return a forecast fed back step by step, with windows made by `make_windows`."""
    X, y = make_windows(values, timesteps)
    fitted, known = clone(network).fit(X, y), list(values)
    for _ in range(steps):
        known.extend(fitted.predict(np.array(known[-timesteps:])[np.newaxis, :, np.newaxis]))
    return known[-steps:]


@pytest.mark.parametrize("host", ["sktime", "skforecast", "mlforecast"])
def test_reduction_forecasts_what_the_network_does_on_windows(host):
    found = shown(host, host)
    expected = recursive_forecast(found["network"], found["series"].to_numpy(), 12, 12)
    assert_allclose(found["forecast"], expected, atol=1e-4)


def test_sampler_and_network_are_one_pipeline():
    found = shown("imbalanced-learn", "imblearn")
    X, y = found["SMOTE"](random_state=0).fit_resample(found["table"], found["y"] > 2)
    network = clone(found["classifier"]).fit(X.reshape(len(X), 6, 2), y)
    assert len(X) > len(found["table"])
    assert_array_equal(found["labels"], network.predict(found["X"]))


def test_shap_explains_each_timestep_and_feature():
    found = shown("shap", "shap")
    change = found["model"].predict(found["table"][:3]) - found["values"].sum(axis=1)
    assert_allclose(change, change[0], atol=1e-4)  # the prediction without any information
    assert found["by_timestep"].shape == (3, 6, 2)


def test_mapie_calibrates_intervals():
    found = shown("MAPIE", "mapie")
    lower, upper = found["intervals"][:, :, 0].T
    inside = (lower <= found["y"]) & (found["y"] <= upper)
    assert 0.75 < inside[100:].mean() < 0.95


def test_dask_ml_searches():
    found = shown("dask-ml", "dask_ml")
    assert found["search"].best_params_["hidden_size"] in (2, 4)


def test_mlflow_logs_and_loads_pipelines_and_forecasters(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    series = shown("data", "pandas")["series"].to_timestamp()
    network = RNNRegressor("gru", 4, epochs=2, random_state=0)
    frame = series.to_frame()
    pipeline = make_pipeline(WindowTransformer(12), network).fit(frame, series)
    forecaster = RNNForecaster(network, timesteps=12).fit(series)
    trusted = {"serialization_format": "skops", "skops_trusted_types": skrnn.trusted_types}
    with mlflow.start_run():
        logged = [
            mlflow.sklearn.log_model(model, name="model", **trusted).model_uri
            for model in (pipeline, forecaster)
        ]
    of_pipeline, of_forecaster = map(mlflow.sklearn.load_model, logged)
    assert_array_equal(of_pipeline.predict(frame), pipeline.predict(frame))
    assert of_forecaster.predict().equals(forecaster.predict())
