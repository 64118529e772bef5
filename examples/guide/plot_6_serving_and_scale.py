"""
6. Serving and scale
====================

A fitted network is its parameters and some arrays. So it fits into a small file, answers in a
fraction of a millisecond, learns on where it stopped, and goes to other processes and machines.
"""

# %%
# One sample at a time
# --------------------
# A service is asked for one sample, or for a few. Here a sensor on a machine tells whether a
# bearing is worn: it then knocks.
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNClassifier

rng = np.random.default_rng(0)


def machines(n_samples, drift=0.0):
    """Return vibration of 48 steps in two directions, and whether a bearing is worn."""
    worn = rng.random(n_samples) < 0.5
    X = rng.normal(size=(n_samples, 48, 2))
    knock = (0.8 + drift) * np.sin(np.arange(48) * 2 * np.pi / (8 + 4 * drift))
    X[worn] += knock[:, np.newaxis]
    return X, np.where(worn, "worn", "sound")


X, y = machines(600)
network = RNNClassifier("lstm", 32, epochs=8, random_state=0).fit(X, y)

# %%
# The picture shows how long `predict` takes, and what a sample costs when many come at once.


def milliseconds(samples, repeats=30):
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        network.predict(samples)
        seconds.append(perf_counter() - start)
    return 1000 * np.median(seconds)


sizes = [1, 4, 16, 64, 256]
times = np.array([milliseconds(X[:size]) for size in sizes])
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.loglog(sizes, times, "o-", color="#0072B2", label="one call of predict")
ax.loglog(sizes, times / sizes, "s--", color="#D55E00", label="one sample of it")
ax.set_xticks(sizes, sizes)
ax.set(xlabel="Samples in a call", ylabel="Time (milliseconds)")
ax.legend(frameon=False)
figure.savefig("latency.png", dpi=100)
print(f"one sample  {times[0]:.2f} milliseconds")

# %%
# Collect samples where you can; where you cannot, one of them is soon done.
#
# One row at a time
# -----------------
# `predict` reads a window that moves on by one row as a whole again. A `stepper` reads only the
# new row, carries the states of the network, and answers after each row as `predict` does for the
# rows so far.
stepper = network.stepper(n_streams=2)
for rows in X[:2].swapaxes(0, 1):
    probabilities = stepper.step(rows, method="predict_proba")
print("as by predict:", np.allclose(probabilities, network.predict_proba(X[:2]), atol=1e-5))

# %%
# Call `reset` where a new series begins. A network that has learned from windows of 48 rows is
# untested on more of them: :doc:`/gallery/plot_live_sensor` shows how to keep within what it knows.
#
# Keep and load
# -------------
# `save` writes parameters and arrays, no code and no pickle, so `load` may read a file that others
# could have touched: damage is refused, and with a `key` whatever was not saved with it. The
# process that serves imports neither TensorFlow nor Keras.
from pathlib import Path

import skrnn

skrnn.save(network, "bearing.skrnn", key="our secret")
served = skrnn.load("bearing.skrnn", key="our secret")
print(f"{Path('bearing.skrnn').stat().st_size / 1024:.0f} kB")
print("same probabilities:", np.array_equal(served.predict_proba(X), network.predict_proba(X)))

content = bytearray(Path("bearing.skrnn").read_bytes())
content[1000] ^= 1
Path("damaged.skrnn").write_bytes(content)
try:
    skrnn.load("damaged.skrnn", key="our secret")
except skrnn.FileFormatError as error:
    print(error)

# %%
# Save the whole pipeline, with its windows or its vocabulary, rather than the network alone: what
# is missing at the other end is the commonest cause of wrong answers there.
#
# Without Python
# --------------
# `to_onnx` writes a graph of standard operators that runtimes in many languages read (`pip install
# "skrnn[onnx]"`, and `onnxruntime` to run it here).
import onnxruntime

network.to_onnx("bearing.onnx")
session = onnxruntime.InferenceSession("bearing.onnx", providers=["CPUExecutionProvider"])
labels, probabilities = session.run(["label", "probabilities"], {"X": X.astype("float32")})
print("same labels:", bool((labels == network.predict(X)).all()))
print(f"probabilities differ by {np.abs(probabilities - network.predict_proba(X)).max():.0e}")

# %%
# For devices without an operating system `to_c` writes one C99 header, with the weights in it. A
# program includes it and calls `bearing_predict`, or `bearing_step` for each row.
network.to_c("bearing.h")
header = Path("bearing.h").read_text()
print(f"{len(header.splitlines()):,} lines of C, of which the first says:", header.splitlines()[0])

# %%
# Learning on
# -----------
# Bearings of another make knock more softly and more slowly. `partial_fit` sees each block of new
# samples once and goes on from the present weights and optimizer.
for week in range(6):
    X_new, y_new = machines(200, drift=-0.3)
    print(f"week {week}  {served.score(X_new, y_new):.2f} before learning from it")
    served.partial_fit(X_new, y_new)
X_old, y_old = machines(500)
print(f"old make  {network.score(X_old, y_old):.2f} before, {served.score(X_old, y_old):.2f} now")

# %%
# What is no longer shown is forgotten in part: keep some of the old samples among the new. The mean
# and deviation by which inputs are standardized stay those of the first fit.
#
# A first fit from blocks works alike; the classes must then be named at once.
streamed = RNNClassifier("lstm", 32, random_state=0)
for _ in range(20):
    X_block, y_block = machines(200)
    streamed.partial_fit(X_block, y_block, classes=["sound", "worn"])
print(f"learned from a stream  {streamed.score(X_old, y_old):.2f}")

# %%
# `frozen_layers` names layers that stay as they are, of those that `summary` lists. From 80 samples
# of the new make the whole network learns more, and forgets more of the old make, than its output
# layer alone:
X_few, y_few = machines(80, drift=-0.3)
X_new, y_new = machines(500, drift=-0.3)
for frozen in [(), ["lstm_1"]]:
    tuned = skrnn.load("bearing.skrnn", key="our secret")
    tuned.set_params(frozen_layers=frozen, warm_start=True, epochs=30).fit(X_few, y_few)
    of_both = tuned.score(X_new, y_new), tuned.score(X_old, y_old)
    print("frozen: {:<12}new make  {:.2f}  old make  {:.2f}".format(str(frozen), *of_both))
print(tuned.summary())

# %%
# The rows of a `fit` stand in memory, windows as views of them. `fit_batches` takes data beyond
# that: it reads blocks anew in every epoch and learns what `fit` would. `window_blocks` cuts a
# file, or an array of Dask's, into blocks of windows whose borders are right.
from skrnn import RNNRegressor, window_blocks

np.sin(np.arange(100_000) / 30).astype(np.float32).tofile("series.float32")
series = np.memmap("series.float32", dtype=np.float32, mode="r")
blocks = window_blocks(series, timesteps=24, stride=10, rows=20_000)
reader = RNNRegressor("gru", 8, epochs=2, random_state=0).fit_batches(blocks)
print(f"{len(blocks)} blocks, losses {np.round(reader.history_['loss'], 4)}")

# %%
# Parquet comes by the row groups of a file. Where each row is a sample, a function yields them. Of
# a series Dask makes an array; windows then run on from one row group into the next:
#
# .. code-block:: python
#
#    import dask.dataframe
#    from pyarrow.parquet import ParquetFile
#
#    def row_groups():
#        file = ParquetFile("samples.parquet")
#        for number in range(file.num_row_groups):
#            rows = file.read_row_group(number).to_pandas()
#            yield rows.drop(columns="label"), rows["label"]
#
#    classifier.fit_batches(row_groups)
#
#    rows = dask.dataframe.read_parquet("series.parquet", split_row_groups=True)
#    series = rows.to_dask_array(lengths=True)
#    regressor.fit_batches(window_blocks(series, timesteps=24))

# %%
# More cores, more machines
# -------------------------
# One small network does not need many cores: a search does. With `n_jobs=-1` its fits go to
# processes; on a cluster of Dask's nothing changes but where they go.
#
# .. code-block:: python
#
#    from distributed import Client
#    from joblib import parallel_config
#
#    with Client("tcp://..."), parallel_config("dask", scatter=[X, y]):
#        search.fit(X, y)
#
# `examples/plot_search_on_dask.py` runs this on two processes. Ray wants
# `ray.util.joblib.register_ray()` first, and then goes by the name of "ray".
#
# A GPU
# -----
# `device="auto"` takes the first GPU where there is one. It pays for wide networks and long
# training, from some 200 units on; the network of this chapter is sooner done on a CPU. What was
# fitted on a GPU predicts without one. Measure with your own shapes: a fit keeps the seconds of
# each epoch.
on_cpu = RNNClassifier("lstm", 32, epochs=3, device="cpu", random_state=0).fit(X, y)
print(f"{on_cpu.engine_}: {np.round(on_cpu.history_['seconds'], 3)} seconds")

# %%
# What was promised here is measured beside named peers in `examples/benchmarks/README.md`. What
# no benchmark tells is whether the answers are still right: keep scoring them after the day of
# the fit.
