"""Calls of a service: forecasts while another thread updates, rows to predict, and mistakes."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import skrnn
from skrnn import RNNDetector, RNNForecaster, RNNRegressor, SequenceVectorizer, WindowTransformer
from skrnn._utils.rollback import rollback_on_error

HOURS = pd.date_range("2026-01-01", periods=65, freq="h")
ROWS = pd.Series(np.arange(65.0), HOURS, name="y")


@pytest.fixture
def quick_switches():
    """Let threads take turns often."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def last_value():
    """Return a forecaster that repeats the value of the cutoff."""
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


FRAME = ROWS.to_frame("x")
FITTED = WindowTransformer(6).fit(FRAME[:40])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (FRAME.resample("30min").ffill(), r"step in `fit`, h, got 2026-01-01 00:30.* off it"),
        (FRAME[::24], r"step in `fit`, h, got one row for 24 steps"),
        (FRAME[40::2], r"step in `fit`, h, got one row for 2 steps"),
        (FRAME.reset_index(drop=True), r"time index of datetime64.*got an index of int64"),
        (FRAME.set_axis(FRAME.index.astype(str)), r"time index of datetime64.*`pd.to_datetime`"),
        (FRAME.to_numpy(), r"time index of datetime64.*got ndarray"),
    ],
    ids="half_hours days every_second_hour row_numbers text array".split(),
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_rows_to_window_have_times_at_the_step_in_fit(rows, words):
    with pytest.raises((TypeError, ValueError), match=words):
        FITTED.transform(rows)


@pytest.mark.parametrize("step", ["MS", "ME", "B", "D", "W-WED", "QS"])
def test_multiple_of_a_calendar_step_is_another_step_and_a_gap_is_not(step):
    rows = pd.DataFrame({"x": np.arange(40.0)}, pd.date_range("2015-01-01", periods=40, freq=step))
    fitted = WindowTransformer(3).fit(rows)
    assert len(fitted.transform(rows.iloc[[0, 2, 5]])) == 3
    with pytest.raises(ValueError, match="one row for 3 steps"):
        fitted.transform(rows[::3])


def test_one_warning_if_every_window_lacks_rows_that_could_be_passed():
    late = FRAME[45:50]
    for rows in (late, late[:1] * np.nan):
        with pytest.warns(UserWarning, match=r"`X` should have more than 6 rows.*02 15:00"):
            FITTED.transform(rows)
    FITTED.transform(FRAME[40:42])  # continues the rows in `fit`
    FITTED.transform(FRAME[45:52])  # one whole window
    WindowTransformer(6).fit(FRAME[5:]).transform(FRAME[:5])  # as in a fold
    WindowTransformer(6, padding="nan").fit(FRAME[:40]).transform(late)


def test_names_of_a_row_in_another_order_are_refused_by_a_stepper():
    sequences = [pd.DataFrame(np.eye(3, 2) + k, columns=["a", "b"]) for k in range(4)]
    network = RNNRegressor("simple_rnn", 2, epochs=1, random_state=0).fit(sequences, range(4))
    row, stepper, by_array = sequences[0].iloc[0], network.stepper(), network.stepper()
    for swapped in (row[["b", "a"]], row[["b", "a"]].to_frame().T):
        with pytest.raises(ValueError, match="same order as they were in fit"):
            stepper.step(swapped)
    assert stepper.step(row) == by_array.step(row.to_numpy())


WHOLE = ROWS.to_frame().assign(temperature=1.0)
FLAT = WHOLE.reset_index(names="ds").assign(id="k")
TWICE = ROWS.set_axis(ROWS.index.where(ROWS.index != ROWS.index[9], ROWS.index[8]))
COLUMNS = {"time_column": "ds", "series_column": "id"}


@pytest.fixture(scope="module")
def detector():
    steady = RNNForecaster(timesteps=4, network_weight=0, season=1)
    noise = np.random.default_rng(0).normal(size=150)
    times = pd.date_range(end=ROWS.index[39], periods=150, freq="h")
    return RNNDetector(steady, contamination=0.1).fit(pd.Series(noise, times, name="y"))


MISTAKES = {
    "missing hours": (
        lambda _: last_value().update(ROWS[50:51]),
        ["`fill`", "'seasonal'", "again"],
    ),
    "whole frame": (lambda _: last_value().update(WHOLE[40:]), ["'temperature'", "`exog=`"]),
    "detector": (lambda one: one.score_samples(WHOLE[40:]), ["'temperature'", "`exog=`"]),
    "gap": (lambda _: last_value().predict(series=ROWS.drop(HOURS[9])), ["`fill`", "again"]),
    "flat frame": (lambda _: RNNForecaster(**COLUMNS).fit(FLAT), ["'temperature'", "`exog`"]),
    "hour twice": (lambda _: RNNForecaster().fit(TWICE), ["tz_localize", "ambiguous"]),
    "documents": (lambda _: SequenceVectorizer().fit(FLAT[["id"]]), ["frame['id']"]),
    "no samples": (lambda _: RNNRegressor().fit([], []), ["`X`", "(0,)", "`make_windows`"]),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_message_names_what_mends_it(case, detector):
    call, words = MISTAKES[case]
    with pytest.raises((TypeError, ValueError)) as caught:
        call(detector)
    message = str(caught.value)
    assert not [word for word in words if word not in message]
    assert not [
        word for word in ("`cv`", "MultiIndex", "reshape(1") if word in message.split("Several")[0]
    ]


def test_few_rows_name_the_baseline_that_reads_so_many():
    days = pd.Series(np.sin(np.arange(300) / 4), pd.date_range("2026-01-01", periods=300, freq="h"))
    for baseline, named in (("stacked", True), ("ridge", False)):
        forecaster = RNNForecaster(timesteps=12, baseline=baseline, network_weight=0).fit(days)
        with pytest.raises(ValueError, match="shorter `timesteps`") as caught:
            forecaster.predict(series=days[:5])
        assert ("`baseline='ridge'`" in str(caught.value)) is named


def test_key_for_a_file_without_a_signature_is_answered_with_saving_it_again(tmp_path):
    skrnn.save(WindowTransformer(), tmp_path / "a.skrnn")
    with pytest.raises(skrnn.FileFormatError, match=r"not signed.*again with `key=`"):
        skrnn.load(tmp_path / "a.skrnn", key="ours")


def test_update_without_a_new_row_warns_and_changes_nothing(detector):
    for subject in (last_value(), detector):
        cutoff = subject.cutoff_.iloc[0]
        with pytest.warns(UserWarning, match=rf"rows after the cutoff, {cutoff}, got none"):
            subject.update(ROWS[20:40])
        assert subject.cutoff_.iloc[0] == cutoff
