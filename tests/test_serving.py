"""A service's calls: forecasts in some threads while another updates."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from skrnn import RNNForecaster
from skrnn._utils.rollback import rollback_on_error

ROWS = pd.Series(np.arange(65.0), pd.date_range("2026-01-01", periods=65, freq="h"))


@pytest.fixture
def quick_switches():
    """Let threads take turns often."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def last_value():
    """Return a forecaster whose forecast of each hour is the value of the cutoff."""
    settings = {"baseline": "last", "network_weight": 0, "calibration": 20}
    return RNNForecaster(timesteps=4, **settings).fit(ROWS[:40])


def while_updated(read, forecaster, calls):
    """Return what a thread reads while `calls` are made one after another."""
    begun, done = threading.Event(), threading.Event()

    def work():
        found = []
        while not done.is_set():
            found.append(read(forecaster))
            begun.set()
        return found

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(work)
        try:
            begun.wait(10)
            for call in calls:
                call()
        finally:
            done.set()
        return reading.result()


@pytest.mark.usefixtures("quick_switches")
def test_forecast_during_updates_is_that_of_one_cutoff():
    forecaster, after = last_value(), last_value()
    expected = [after.predict(level=80)]
    for row in range(40, 55):
        expected.append(after.update(ROWS[row : row + 1], adaptive=True).predict(level=80))
    expected = {forecast.index[0]: forecast for forecast in expected}
    calls = [
        lambda row=row: forecaster.update(ROWS[row : row + 1], adaptive=True)
        for row in range(40, 55)
    ]
    for found in while_updated(lambda read: read.predict(level=80), forecaster, calls):
        pd.testing.assert_frame_equal(found, expected[found.index[0]])


def test_no_reader_meets_an_empty_object_while_a_failed_call_is_undone():
    met = []

    class Learned:
        def __del__(self):  # in the middle of the undoing
            met.append(vars(subject).copy())

    class Subject:
        @rollback_on_error
        def fit(self):
            self.learned = Learned()
            raise ZeroDivisionError

    subject = Subject()
    subject.kept = 1
    with pytest.raises(ZeroDivisionError):
        subject.fit()
    assert met == [{"kept": 1}]
