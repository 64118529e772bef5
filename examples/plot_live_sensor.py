"""
A live sensor: a probability and an alarm at every row
======================================================

A vibration sensor sends fifty rows a second. A network that was trained on windows could predict
each new window as a whole, and read 63 of its 64 rows again each time. A stepper reads each row
once, carries the states of the network to the next row, and answers at every row.
"""

# %%
# Windows to learn from
# ---------------------
# A worn bearing knocks: a weak, regular beat in both directions under strong noise. Four hundred
# windows of 64 rows are labelled, and half of them contain knocks.
import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNClassifier

rng = np.random.default_rng(0)


def vibration(n_rows, size, start=0):
    """Return noise in two directions, with a beat of the given size."""
    beat = np.sin(np.arange(start, start + n_rows) * 2 * np.pi / 9)
    return rng.normal(size=(n_rows, 2)) + size * beat[:, np.newaxis]


worn = rng.random(400) < 0.5
X = np.stack([vibration(64, 0.8 * is_worn, rng.integers(9)) for is_worn in worn])
network = RNNClassifier("gru", 24, epochs=40, mask_value=np.nan, random_state=0).fit(X, worn)

# %%
# The stream
# ----------
# Three machines run for 1,200 rows. The press starts to knock at row 600, weakly at first. The pump
# sends nothing from row 300 to row 400. Its rows are NaN there, which `mask_value` skips, so its
# states wait.
size = np.clip((np.arange(1200) - 600) / 200, 0, 0.8)
beat = np.sin(np.arange(1200) * 2 * np.pi / 9)
rows = rng.normal(size=(1200, 3, 2))
rows[:, 1] += (size * beat)[:, np.newaxis]
rows[300:400, 2] = np.nan

# %%
# Each call of `step` passes one row of each machine. The network learned from 64 rows, so thousands
# of rows are untested. Two steppers keep it within 64 rows: each starts again every 64 rows, half a
# window after the other one. The stepper that has read more rows answers.
machines = ["mill", "press", "pump"]
steppers = [network.stepper(n_streams=3) for _ in range(2)]
probabilities = []
for i, row in enumerate(rows):
    answers = []
    for k, stepper in enumerate(steppers):
        if (i + 32 * k) % 64 == 0:
            stepper.reset()
        answers.append(stepper.step(row, method="predict_proba")[:, 1])
    older = 0 if i % 64 >= 32 else 1
    probabilities.append(answers[older])
probabilities = np.array(probabilities)

# %%
# The alarm
# ---------
# One high probability is noise. Forty high ones in a row, most of a second, are not.
high = probabilities > 0.9
for k, name in enumerate(machines):
    in_a_row, first = 0, None
    for i, is_high in enumerate(high[:, k]):
        in_a_row = in_a_row + 1 if is_high else 0
        if in_a_row == 40 and first is None:
            first = i
    print(f"{name:6} {'no alarm' if first is None else f'alarm at row {first}'}")
print(f"largest probability before row 600: {probabilities[:600].max():.2f}")

figure, (above, below) = plt.subplots(2, figsize=(9, 5), layout="constrained", sharex=True)
above.plot(rows[:, 1, 0], color="0.6", linewidth=0.6)
above.plot(size * beat, color="#D55E00", linewidth=0.8, label="the knock within it")
above.set_title("press", loc="left", fontsize="medium")
above.set_ylabel("Vibration")
above.legend(frameon=False, loc="upper left")
for k, (name, color) in enumerate(zip(machines, ["0.7", "#D55E00", "#0072B2"], strict=True)):
    below.plot(probabilities[:, k], color=color, linewidth=1, label=name)
below.axhline(0.9, color="black", linewidth=0.8, linestyle=":")
below.set(ylabel="Probability of wear", xlabel="Row", ylim=(0, 1.02))
below.legend(frameon=False, ncols=3, loc="upper left")
figure.savefig("live_sensor.png", dpi=100)

# %%
# The press raises the alarm about 200 rows after its knock began, when the knock is as strong as in
# the training windows. While the pump is silent, its probability stays as it was. When its stepper
# starts again without a row, the probability is near one half: the network knows nothing yet.
