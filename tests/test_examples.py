"""What the examples and the README's blocks print, each run as its own script."""

import re

import numpy as np
import pytest
from pages import words_and_numbers
from processes import ROOT, pictures, printed, scores

pytestmark = pytest.mark.slow


def example(name, folder, *more):
    """Run an example and return what it prints; it draws a picture of its name, and `more`."""
    text = printed(ROOT / "examples" / f"plot_{name}.py", cwd=folder)
    assert pictures(folder) == {name, *more}
    return text


def test_network_forecasts_the_passengers_better_than_both_naive_forecasts(tmp_path):
    text = example("airline_passengers", tmp_path, "search")
    errors = scores(text[text.index("Best:") :])
    assert (errors.pop("persistence"), errors.pop("seasonal naive")) == (48.04, 41.85)
    assert list(errors) == [f"network, seed {seed}" for seed in range(5)]
    assert max(errors.values()) < 20


def test_network_reads_the_order_of_words_that_a_bag_of_words_cannot(tmp_path):
    text = example("text_classifier", tmp_path)
    assert "Total parameters: 529,441" in text
    accuracy = scores(text)
    assert accuracy["bag of words"] < 0.6
    assert accuracy["recurrent network"] > 0.8


def test_stars_and_prices_say_what_the_text_does_not(tmp_path):
    accuracy = scores(example("text_and_numbers", tmp_path))
    assert accuracy["text"] < 0.9 < 0.95 < accuracy["text, stars and price"]


def test_few_steps_find_the_shape_in_a_long_record_that_row_by_row_misses(tmp_path):
    text = example("long_sequences", tmp_path)
    rows = re.findall(r"^(\d+) +(\w+) +(\d\.\d+) +(\d+\.\d+)$", text, re.M)
    accuracy = {segment: float(score) for _, segment, score, _ in rows}
    assert accuracy["auto"] > 0.7 > accuracy["30"]
    assert accuracy["auto"] > accuracy["1"] + 0.2


def test_convolutions_next_to_an_lstm_find_shapes_and_their_order(tmp_path):
    accuracy = scores(example("lstm_fcn", tmp_path))
    assert accuracy["LSTM-FCN"] > max(0.9, accuracy["LSTM, segments"])


def test_sentiment_is_read_from_sentences_better_than_from_words(tmp_path):
    text = example("sentiment", tmp_path)
    accuracy = scores(text)
    assert accuracy["recurrent network"] > max(0.68, accuracy["bag of words"])
    mistakes = re.findall(r"^(\d\.\d\d)  (praise|complaint) +\S", text, re.M)
    assert len(mistakes) == 8
    assert all((float(p) < 0.5) == (verdict == "praise") for p, verdict in mistakes)


def test_twelve_networks_have_the_parameters_of_keras_and_continue_the_sequence(tmp_path):
    text = example("keras_rows", tmp_path)
    titles = re.findall(r"^(\d+)\. ", text, re.M)
    totals = re.findall(r"^Total parameters: ([\d,]+)$", text, re.M)
    assert titles == [str(number) for number in range(1, 13)]
    assert totals == "46 46 46 257 241 1,441 529,441 369 1,871".split()
    assert float(re.search(r"cells.simple_rnn differs by (\S+)", text)[1]) < 1e-12
    assert float(re.search(r"25, 35, 45 -> (\S+)", text)[1]) == pytest.approx(55, abs=5)


def test_networks_that_stop_at_their_best_epoch_score_higher(tmp_path):
    text = example("history", tmp_path)
    rows = re.findall(r"^(\w+) +(\d+) +(\S+) +(\d+) +(\S+)$", text, re.M)[-3:]
    assert [row[0] for row in rows] == ["simple_rnn", "gru", "lstm"]
    for _, epochs, score, stopped, kept in rows:
        assert int(stopped) < int(epochs) == 120
        assert 0.2 < float(score) < float(kept)


def test_windows_hold_no_row_that_they_must_not(tmp_path):
    text = example("windows", tmp_path)
    found = re.findall(r"^(.*): (\w+)$", text, re.M)
    assert [answer for _, answer in found] == ["True", "6", "0"]


def test_forecaster_beats_three_naive_forecasts_of_the_passengers(tmp_path):
    text = example("forecast", tmp_path, "backtest")
    errors = {
        name: float(re.search(rf"^{name} +\S+ +(\S+)", text, re.M)[1])  # MAE, after MASE
        for name in ("forecast", "naive", "seasonal_naive", "drift")
    }
    assert errors["seasonal_naive"] == 36.98
    assert errors["forecast"] < 0.5 * errors["seasonal_naive"]
    assert errors["forecast"] < min(errors["naive"], errors["drift"])
    assert "network: 0.0\n" in text
    years = re.findall(r"^\d{4}-12-01 +\S+ +(\S+) *(.*)$", text, re.M)[-4:]
    assert [better for _, better in years] == ["", "seasonal_naive, ridge", "ridge", ""]
    covered = [float(share) for share, _ in years]
    # as the closing remark says
    assert round(np.mean(covered)) == 69
    assert covered[1] == pytest.approx(100 * 2 / 12, abs=0.1)
    assert min(covered[0], covered[3]) > 90
    limits = (ROOT / "examples" / "site" / "limits.rst").read_text("utf-8")
    said = re.search(r"cover (\d+)% of its 48 months, and from (\d+) to (\d+)%", limits).groups()
    found = (np.mean(covered), min(covered), max(covered))
    assert [float(share) for share in said] == pytest.approx(found, abs=1)
    said = re.search(r"error is\s(\S+); .* has (\S+), and 80% intervals hold (\d+)%", README)
    found = errors["forecast"], errors["seasonal_naive"], np.mean(covered)
    assert [float(figure) for figure in said.groups()] == pytest.approx(found, abs=0.3)


README = (ROOT / "README.md").read_text("utf-8")
README_BLOCKS = "".join(re.findall(r"^```python\n(.*?)^```", README, re.M | re.S))
RIDGE = """
from sklearn.linear_model import Ridge
flat = X.reshape(600, -1)
print("Ridge", Ridge().fit(flat[:400], y[:400]).score(flat[400:], y[400:]))
"""


def test_blocks_of_the_readme_print_what_it_shows(tmp_path):
    shown = re.findall(r"^# (.*)$", README_BLOCKS, re.M)
    found = printed("-c", README_BLOCKS + RIDGE, cwd=tmp_path).splitlines()
    lines, ridge = found[: len(shown)], found[len(shown)]
    assert len(shown) == 8
    for expected, line in zip(shown, lines, strict=True):
        # The scores of the two cells differ by 0.01: another CPU may prefer the other.
        words, numbers = words_and_numbers(line.replace("'lstm'", "'gru'"))
        assert words == words_and_numbers(expected)[0]
        assert numbers == pytest.approx(words_and_numbers(expected)[1], rel=0.05)
    said = re.search(r"ridge regression .* an R2 of (\S+)\.$", README, re.M)[1]
    assert ridge.split()[0] == "Ridge"
    assert float(ridge.split()[1]) == pytest.approx(float(said), abs=0.005)


def test_network_finds_the_hours_that_the_rain_takes(tmp_path):
    text = example("importance", tmp_path)
    assert scores(text)["R2 on hours not trained on"] > 0.9


def test_parts_of_words_and_hours_add_up_to_the_prediction(tmp_path):
    text = printed(ROOT / "examples" / "plot_reasons.py", cwd=tmp_path)
    assert pictures(tmp_path) == {"words"}
    rows = re.findall(r"^level (\S+) = (\S+) \+ (\S+)$", text, re.M)
    for level, average, parts in np.array(rows, dtype=float):
        assert level == pytest.approx(average + parts, abs=0.01)
    assert len(rows) == 2


def test_search_on_two_workers_finds_a_network(tmp_path):
    text = example("search_on_dask", tmp_path)
    assert scores(text)["R2 on samples not searched with"] > 0.8


def test_optuna_drops_networks_and_keeps_a_good_one(tmp_path):
    text = example("search_with_optuna", tmp_path)
    assert scores(text)["R2 of the best"] > 0.8
    epochs, whole = map(int, re.search(r"(\d+) epochs of the (\d+)", text).groups())
    assert epochs < whole


def test_network_that_reads_both_ways_labels_cities_that_a_dictionary_cannot(tmp_path):
    text = example("label_per_token", tmp_path)
    rows = re.findall(r"^(dictionary|forwards|both ways) +(\S+) +(\S+)$", text, re.M)
    cities = {name: float(share) for name, _, share in rows}
    assert cities["dictionary"] < 0.6 < cities["forwards"] < 0.97 < cities["both ways"]


def test_masked_network_recognizes_movements_with_and_without_half_of_their_steps(tmp_path):
    text = example("sensors", tmp_path)
    accuracy = scores(text)
    assert accuracy["means and deviations"] < 0.5
    assert accuracy["network on a list"] == accuracy["padded, masked"] > 0.95
    masked, zeros = re.search(r"^0\.5 +(\S+) +(\S+)$", text, re.M).groups()
    assert float(masked) > float(zeros) + 0.1


def test_hidden_states_of_old_motifs_separate_new_ones_from_few_recordings(tmp_path):
    text = example("transfer", tmp_path)
    assert scores(text)["old motifs, accuracy on other recordings"] > 0.9
    rows = re.findall(r"^(hidden states|a network|raw notes).*?((?: +[\d.]+){4})$", text, re.M)
    accuracy = {name: [float(share) for share in shares.split()] for name, shares in rows}
    states, network, raw = accuracy.values()
    assert states[0] > max(network[0], raw[0]) + 0.3
    assert states[-1] < network[-1]  # as the closing remark says


def test_forecasts_raise_the_alarm_for_only_the_two_faulty_pumps(tmp_path):
    text = example("anomalies", tmp_path)
    found = dict(re.findall(r"^(\w+) +days with alarms \(hours\): (.*)$", text, re.M))
    hours = {name: dict(re.findall(r"(\d+) \((\d+)\)", listed)) for name, listed in found.items()}
    assert hours["mill"] == {}
    clogged = {int(day): int(n) for day, n in hours["school"].items() if int(day) > 45}
    assert list(clogged) == list(range(52, 60))
    assert clogged[59] > 20
    assert int(hours["tower"]["53"]) >= 9
    assert "54" not in hours["tower"]  # hours of 53 are not read as they came


def test_network_reads_the_spread_from_a_sequence_better_than_boosting(tmp_path):
    text = example("quantiles", tmp_path)
    rows = re.findall(r"^([a-z ]+?) +(\d\.\d+) +(\S+)% +(\S+)% +(\S+)% +(\S+)%$", text, re.M)
    table = {name: [float(value) for value in values] for name, *values in rows}
    losses = [table[name][0] for name in ("network", "gradient boosting", "linear")]
    assert table["the process itself"][0] < losses[0] < losses[1] < losses[2]
    assert table["network"][1] == pytest.approx(80, abs=5)
    assert table["network"][4] == 0
    assert table["linear"][3] < table["network"][3] < 80 < table["network"][2]  # as it closes


def test_thresholds_that_know_the_costs_halve_them(tmp_path):
    text = example("thresholds", tmp_path)
    costs = {
        name: float(cost) for name, cost in re.findall(r"^(\D+?) {2,}(\S+) +\S+%$", text, re.M)
    }
    assert costs["predict"] > costs["stop all"]
    for name in ("threshold from the costs", "tuned threshold", "balanced classes"):
        assert costs[name] < 0.6 * costs["predict"]
