"""Stepper: a fitted network that reads one timestep at a time and carries its states."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from skrnn._data.scaling import Scaling
from skrnn._data.sequences import Sequences
from skrnn._data.validation import naming, read_sequences
from skrnn._engines import predicting_engine
from skrnn._network.cells import CELLS
from skrnn._network.custom_network import refuse_custom
from skrnn._numpy_engine.activations import ACTIVATIONS
from skrnn._numpy_engine.dense import outputs_of
from skrnn._preprocessing.windows import check_count
from skrnn._utils.numeric_checks import is_nan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from skrnn._types import Array, ArrayLike

# The memory of a Stepper for the rows so far, stored in pickles and files.
MEMORY = "states", "pooled", "counts", "static", "rows", "present"


class Stepper:
    """Step-by-step prediction with a fitted network, which carries its states from row to row.

    Use it when rows arrive one by one, as from a sensor. A step then costs one timestep, while
    `predict` reads a whole window again. Use `predict` for complete windows or sequences. Create a
    Stepper with the method `stepper` of `RNNRegressor` and `RNNClassifier`. It keeps the network of
    that moment: later changes of the estimator do not affect it.

    After rows x_1, ..., x_t it returns the prediction for the sequence of these t rows, up to
    rounding, from a network with the same weights and ``timesteps=None``.

    Parameters
    ----------
    estimator : RNNRegressor or RNNClassifier
        A fitted estimator, not bidirectional.
    n_streams : int, default=1
        Number of independent series. Each step reads one row of each. Increase it to follow several
        series at once.

    Attributes
    ----------
    n_streams : int
        Number of independent series.
    states : list of ndarray of shape (n_streams, units)
        States of each recurrent layer: h, and for an LSTM h and c.

    See Also
    --------
    RNNRegressor.stepper, RNNClassifier.stepper : Create a Stepper.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor, make_windows
    >>> series = np.sin(np.arange(200) / 5)
    >>> X, y = make_windows(series, timesteps=20)
    >>> regressor = RNNRegressor("gru", 8, epochs=5, random_state=0).fit(X, y)
    >>> stepper = regressor.stepper()
    >>> for value in series[:20]:
    ...     answer = stepper.step([value])
    >>> np.testing.assert_allclose(answer, regressor.predict(X[:1])[0], rtol=1e-5)
    """

    n_streams: int
    states: list[Array]

    def __init__(self, estimator: Any, n_streams: int = 1) -> None:
        check_count("n_streams", n_streams, 1)
        _refuse(estimator)
        # A shallow copy is enough: a fit replaces attributes, and does not change arrays.
        self._estimator = object.__new__(type(estimator))
        vars(self._estimator).update(vars(estimator))
        self.n_streams = n_streams
        self._describe()
        self._begin_memory()

    def _describe(self):
        """Set the attributes that follow from the estimator and the number of streams."""
        network, weights = self._estimator._network, self._estimator.weights_
        described, self._table = network.architecture, None
        changes = {"features": described.width_read, "fills_missing": False, "flagged": ()}
        if described.vocab_size is not None:
            self._table, *weights = weights
            changes |= {"features": described.embedding_dim, "vocab_size": None}
            changes |= {"embedding_dim": None, "frozen_layers": ()}
        changes |= {"timesteps": described.segment, "batch_size": self.n_streams, "stateful": True}
        changes |= {"masked": False, "return_sequences": False, "pooling": "last"}
        self._architecture, self._weights = replace(described, **changes), weights
        device = self._estimator.device
        self._engine = predicting_engine(network.asked_engine, device, self._architecture)
        self._n_columns = self._estimator.input_shape_[1] + described.n_static
        self._answers = self._estimator._answers()

    def _begin_memory(self):
        architecture, n = self._architecture, self.n_streams
        self._kernels = None
        if hasattr(self._engine, "StepKernels"):
            self._kernels = self._engine.StepKernels(architecture, self._weights)
        self.states = architecture.zero_states() if self._kernels is None else self._kernels.states
        self._pooled = np.zeros((n, architecture.hidden_width))
        self._counts = np.zeros((n, 1))  # steps that a stream has read
        self._static = np.zeros((n, architecture.n_static), architecture.variable_dtype)
        self._rows, self._present = [], np.zeros(n, dtype=bool)  # of the current segment
        self._shapes = self._plain_shapes() if self._kernels else ()

    def _plain_shapes(self):
        """Return the shapes of rows that need no checks besides finiteness; () if all do."""
        network, n = self._estimator._network, self.n_streams
        read = network.architecture
        looks = [read.vocab_size, read.n_static, read.fills_missing, read.segment > 1]
        skips = network.mask_value is not None and not is_nan(network.mask_value)
        if any(looks) or skips or read.pooling != "last":
            return ()
        return ((n, self._n_columns), *([(self._n_columns,)] if n == 1 else []))

    def step(
        self, rows: ArrayLike, method: Literal["predict", "predict_proba"] = "predict"
    ) -> Array | Any:
        """Read the next row of each stream, and return the prediction after it.

        Parameters
        ----------
        rows : array-like of shape (n_streams, features), or (features,) for one stream
            The features of `fit`, with static features in their places. With `vocab_size` a token
            id for each stream, followed by static features. A masked row, as set by `mask_value`,
            does not change its stream.
        method : {"predict", "predict_proba"}, default="predict"
            Method of the estimator that makes the prediction. Use "predict_proba" for the
            probabilities of a classifier.

        Returns
        -------
        ndarray of shape (n_streams, ...), or None
            The result of `method` for sequences that end with these rows. For rows of shape
            (features,) it has no axis of streams. With `return_sequences` it is the result for the
            last timestep. With `segment` the network reads several rows at once: the result is None
            until they are complete.

        Raises
        ------
        TypeError, ValueError
            If the rows do not match those of `fit`. The states are then unchanged.
        """
        if method not in self._answers:
            kind = type(self._estimator).__name__
            raise ValueError(
                f"`method` must be one of {[*self._answers]} for {kind}, got {method!r}. Use one of"
                " these names."
            )
        output = self._at_once(rows)
        if output is not None:
            return self._answer(output, method, single=rows.ndim == 1)
        block, present, single = self._read(rows)
        self._rows.append(block)
        self._present |= present
        if len(self._rows) < self._architecture.segment:
            return None
        block = self._rows[0] if len(self._rows) == 1 else np.concatenate(self._rows, axis=1)
        output = self._output(block, self._present)
        self._rows, self._present = [], np.zeros(self.n_streams, dtype=bool)
        return self._answer(output, method, single=single)

    def _answer(self, output, method, *, single):
        answer = self._answers[method](self._estimator._network.restore_y(output))
        return answer[0] if single else answer

    def _at_once(self, rows):
        """Return the output after rows of plain finite numbers with few calls, None for others."""
        plain = self._shapes and type(rows) is np.ndarray and rows.dtype.kind == "f"
        if not plain or rows.shape not in self._shapes:
            return None
        values = rows.reshape(self.n_streams, 1, -1)
        block = self._estimator._network.scaling.standardize_x(values).astype(self._kernels.dtype)
        return self._kernels.step(block) if isfinite(block.sum()) else None

    def reset(self, streams: int | Sequence[int] | None = None) -> None:
        """Set the states to zero, as before the first row.

        Use it when a new series begins.

        Parameters
        ----------
        streams : int or list of int, default=None
            Positions of the streams to reset. None: all of them.

        Raises
        ------
        ValueError
            If only some streams are reset within a segment.
        """
        if streams is None:
            streams, self._rows = slice(None), []
            self._present[:] = False
        elif self._rows:
            raise ValueError(
                f"`streams` must be None within a segment, got {streams!r} after {len(self._rows)} "
                f"of {self._architecture.segment} rows. Reset all streams, or step to the end of "
                "the segment first."
            )
        for array in (*self.states, self._pooled, self._counts, self._static):
            array[streams] = 0

    def _read(self, rows):
        """Return a standardized block (n, 1, F), its present rows, and whether `rows` was one row.

        Absent rows are zeros; static features come last.
        """
        network, n, columns = self._estimator._network, self.n_streams, self._n_columns
        shape, dtype = np.shape(rows), self._architecture.variable_dtype
        single = n == 1 and (shape == (columns,) or (columns == 1 and shape == ()))
        if shape != (n, columns) and not single and (columns > 1 or shape != (n,)):
            one = f" or ({columns},)" if n == 1 else ""
            raise ValueError(
                f"`rows` must have the shape ({n}, {columns}){one}, got {shape}. Pass one row for "
                "each stream."
            )
        sequences = self._read_sequences(rows)
        block, present = sequences.block(slice(None), network.scaling, dtype), sequences.mask()
        if self._table is not None:
            ids = (block[:, :, 0] if block.ndim == 3 else block).astype(int)
            vectors = self._table[np.where(present, ids, 0)]
            static = block[:, :, 1:] if block.ndim == 3 else vectors[..., :0]
            block = np.concatenate([vectors, static], axis=2)
        n_read = self._architecture.features
        block[:, :, :n_read][~present] = 0
        return block, present[:, 0], single

    def _read_sequences(self, rows):
        """Return Sequences of one timestep, or refuse the rows in the words of `fit`."""
        estimator, network = self._estimator, self._estimator._network
        architecture, n_static = network.architecture, network.architecture.n_static
        columns = network.static_columns
        if estimator.n_features_in_ == self._n_columns:
            named = getattr(getattr(rows, "index", None), "inferred_type", "") == "string"
            if named and np.ndim(rows) == 1 and self.n_streams == 1:
                rows = rows.to_frame().T
            if hasattr(rows, "columns"):
                validate_data(estimator, rows, reset=False, skip_check_array=True)
        if estimator.n_features_in_ != self._n_columns:  # X had a column for each timestep
            columns = tuple(range(1, 1 + n_static))
        with naming("rows"):
            return read_sequences(
                np.asarray(rows).reshape(self.n_streams, 1, self._n_columns),
                vocab_size=architecture.vocab_size,
                mask_value=network.mask_value,
                dtype=architecture.variable_dtype,
                static_features=columns,
                map_unknown_tokens=network.maps_unknown_tokens,
                **network.missing,
            )

    def _output(self, block, present):
        """Compute a step, and return the network's raw output (n, ...) after it."""
        pooling, everywhere = self._estimator._network.architecture.pooling, np.all(present)
        if everywhere and pooling == "last":
            self._counts += 1
            self._static[:] = block[:, 0, self._architecture.features :]
            return self._advance(block)
        before = [state.copy() for state in self.states]
        self._advance(block)
        for state, kept in zip(self.states, before, strict=True):
            state[~present] = kept[~present]
        changed = present | (self._counts[:, 0] == 0)
        self._static[changed] = block[changed, 0, self._architecture.features :]
        self._counts[present] += 1
        head = self.states[-CELLS[self._architecture.cell_types[-1]].states]
        if pooling != "last":
            head = self._pool(head, present, pooling)
        head = np.concatenate([head, self._static], axis=1)
        return outputs_of(self._architecture, self._weights, head)

    def _advance(self, block):
        """Advance all streams by a block (n, segment, F), and return the output."""
        if self._kernels is not None:
            return self._kernels.step(block)
        n_read, n_static = self._architecture.features, self._architecture.n_static
        static = {"static": block[:, 0, n_read:], "static_columns": tuple(range(n_static))}
        (output,), states = self._engine.predict(
            self._architecture,
            self._weights,
            Sequences(block[:, :, :n_read], **static),
            Scaling(),
            device=self._estimator.device,
            recurrent_states=self.states,
        )
        for state, new in zip(self.states, states, strict=True):
            state[:] = new
        return output

    def _pool(self, states, present, pooling):
        """Return the mean or the maximum of the states over all present steps."""
        if pooling == "mean":
            self._pooled[present] += states[present]
            pooled = self._pooled / np.maximum(self._counts, 1)
        else:
            first = present & (self._counts[:, 0] == 1)
            self._pooled[first] = states[first]
            self._pooled[present] = np.maximum(self._pooled, states)[present]
            pooled = self._pooled
        return pooled.astype(states.dtype)

    def __getstate__(self) -> dict[str, Any]:
        memory = {name: getattr(self, f"_{name}") for name in MEMORY if name != "states"}
        state = {"estimator": self._estimator, "n_streams": self.n_streams}
        return state | memory | {"states": [state.copy() for state in self.states]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["estimator"], state["n_streams"])
        for into, values in zip(self.states, state["states"], strict=True):
            into[:] = values
        for name in MEMORY:
            if name != "states":
                setattr(self, f"_{name}", state[name])


def _refuse(estimator):
    """Refuse an estimator that a Stepper does not support."""
    check_is_fitted(estimator, "weights_")
    architecture = estimator._network.architecture
    refuse_custom(architecture, "stepper", "Call `predict` on windows.")
    if architecture.bidirectional:
        raise ValueError(
            "`stepper` needs `bidirectional=False`, got True: layers that read backwards need "
            "future rows. Fit without it, or call `predict` on windows."
        )
    in_python = architecture.masked or architecture.pooling != "last"
    if in_python and architecture.dense_sizes and architecture.dense_activation not in ACTIVATIONS:
        raise ValueError(
            "`stepper` of a network with a mask or pooling needs a `dense_activation` among "
            f"{sorted(ACTIVATIONS)}, got {architecture.dense_activation!r}. Fit with one of these, "
            "or call `predict` on windows."
        )
