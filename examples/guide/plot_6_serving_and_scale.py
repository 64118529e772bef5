"""
6. Serving and scale
====================

A fitted network consists of its parameters and some arrays. So it fits into a small file, answers
in a fraction of a millisecond, continues training where it stopped, and moves to other processes
and machines.
"""

# %%
# One sample at a time
# --------------------
# A service predicts one sample, or a few. In this example a sensor on a machine detects a worn
# bearing, which knocks.
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
# The picture shows how long `predict` takes, and the cost of a sample when many come at once.


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
# Collect samples where you can. Where you cannot, a single one is fast too.
#
# One row at a time
# -----------------
# When a window moves on by one row, `predict` reads the whole window again. A `stepper` reads only
# the new row and carries the states of the network. After each row it answers as `predict` does for
# the rows so far.
stepper = network.stepper(n_streams=2)
for rows in X[:2].swapaxes(0, 1):
    probabilities = stepper.step(rows, method="predict_proba")
print("as by predict:", np.allclose(probabilities, network.predict_proba(X[:2]), atol=1e-5))

# %%
# Call `reset` where a new series begins. A network that has learned from windows of 48 rows is
# untested on longer ones. :doc:`/gallery/plot_live_sensor` shows how to stay within the length that
# it knows.
#
# Save and load
# -------------
# `save` writes parameters and arrays, no code and no pickle. So `load` may read a file that others
# could have changed. It rejects damaged files, and with a `key` also files that were not saved with
# this key. The process that serves imports neither TensorFlow nor Keras.
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
# Save the whole pipeline, with its windows or its vocabulary, not only the network. Steps that are
# missing at the other end are the most common cause of wrong answers there.
#
# Without Python
# --------------
# `to_onnx` writes a graph of standard operators that runtimes in many languages read
# (`pip install "skrnn[onnx]"`, and `onnxruntime` to run it here).
import onnxruntime

network.to_onnx("bearing.onnx")
session = onnxruntime.InferenceSession("bearing.onnx", providers=["CPUExecutionProvider"])
labels, probabilities = session.run(["label", "probabilities"], {"X": X.astype("float32")})
print("same labels:", bool((labels == network.predict(X)).all()))
print(f"probabilities differ by {np.abs(probabilities - network.predict_proba(X)).max():.0e}")

# %%
# For devices without an operating system, `to_c` writes one C99 header that holds the weights. A
# program includes it and calls `bearing_predict`, or `bearing_step` for each row.
network.to_c("bearing.h")
header = Path("bearing.h").read_text()
print(f"{len(header.splitlines()):,} lines of C, starting with:", header.splitlines()[0])

# %%
# Continue training
# -----------------
# Bearings of another make knock more softly and at a faster beat. `partial_fit` sees each block of
# new samples once, and continues from the present weights and optimizer.
for week in range(6):
    X_new, y_new = machines(200, drift=-0.3)
    print(f"week {week}  {served.score(X_new, y_new):.2f} before learning from it")
    served.partial_fit(X_new, y_new)
X_old, y_old = machines(500)
print(f"old make  {network.score(X_old, y_old):.2f} before, {served.score(X_old, y_old):.2f} now")

# %%
# The network partly forgets samples that it no longer sees: keep some old samples among the new
# ones. Inputs are still standardized by the mean and deviation of the first fit.
#
# A first fit from blocks works in the same way. You must name the classes at once.
streamed = RNNClassifier("lstm", 32, random_state=0)
for _ in range(20):
    X_block, y_block = machines(200)
    streamed.partial_fit(X_block, y_block, classes=["sound", "worn"])
print(f"learned from a stream  {streamed.score(X_old, y_old):.2f}")

# %%
# `frozen_layers` names layers that training leaves unchanged; `summary` lists the names. With 80
# samples of the new make, training the whole network learns more than training only its output
# layer. It also forgets more of the old make:
X_few, y_few = machines(80, drift=-0.3)
X_new, y_new = machines(500, drift=-0.3)
for frozen in [(), ["lstm_1"]]:
    tuned = skrnn.load("bearing.skrnn", key="our secret")
    tuned.set_params(frozen_layers=frozen, warm_start=True, epochs=30).fit(X_few, y_few)
    of_both = tuned.score(X_new, y_new), tuned.score(X_old, y_old)
    print("frozen: {:<12}new make  {:.2f}  old make  {:.2f}".format(str(frozen), *of_both))
print(tuned.summary())

# %%
# `fit` keeps its rows in memory, with windows as views of them. For larger data use `fit_batches`:
# it reads the blocks again in every epoch and learns what `fit` would learn. `window_blocks` cuts a
# file, or a Dask array, into blocks of windows with correct borders.
from skrnn import RNNRegressor, window_blocks

np.sin(np.arange(100_000) / 30).astype(np.float32).tofile("series.float32")
series = np.memmap("series.float32", dtype=np.float32, mode="r")
blocks = window_blocks(series, timesteps=24, stride=10, rows=20_000)
reader = RNNRegressor("gru", 8, epochs=2, random_state=0).fit_batches(blocks)
print(f"{len(blocks)} blocks, losses {np.round(reader.history_['loss'], 4)}")

# %%
# Parquet files are read by row groups. If each row is a sample, write a function that yields the
# row groups. For a series, make a Dask array: windows then continue from one row group into the
# next.
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
# One small network does not need many cores, but a search does. With `n_jobs=-1` its fits run in
# several processes. On a Dask cluster only the place where they run changes.
#
# .. code-block:: python
#
#    from distributed import Client
#    from joblib import parallel_config
#
#    with Client("tcp://..."), parallel_config("dask", scatter=[X, y]):
#        search.fit(X, y)
#
# `examples/plot_search_on_dask.py` runs this on two processes. For Ray, call
# `ray.util.joblib.register_ray()` first, and then use the name "ray".
#
# A GPU
# -----
# `device="auto"` uses the first GPU, if there is one. It pays for wide networks and long training,
# from about 200 units on. The network of this chapter is faster on a CPU. A network fitted on a GPU
# predicts without one. Measure with your own shapes: a fit keeps the seconds of each epoch.
on_cpu = RNNClassifier("lstm", 32, epochs=3, device="cpu", random_state=0).fit(X, y)
print(f"{on_cpu.engine_}: {np.round(on_cpu.history_['seconds'], 3)} seconds")

# %%
# `examples/benchmarks/README.md` measures the claims of this chapter and compares them with named
# peers. No benchmark shows whether the answers are still right: keep scoring them after the day of
# the fit.
