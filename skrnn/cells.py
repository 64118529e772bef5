"""The equations of Keras's recurrent layers in NumPy, with Keras's weight layout.

Use them to check weights or to learn how the cells work; they run one layer forward, without
training. Use RNNRegressor or RNNClassifier to fit a network.

In shapes: B samples, T timesteps, F features, U units. In array lines: W kernel, R recurrent
kernel, b bias, h state, c memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from skrnn._network.cells import CELLS
from skrnn._utils.numeric_checks import as_array

if TYPE_CHECKING:
    from typing import Any

    from skrnn._types import Array, ArrayLike

__all__ = ["gru", "lstm", "simple_rnn"]


_ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": expit,
    "tanh": np.tanh,
}


def _as_numbers(value, name):
    """Return an argument as an array of numbers."""
    array = as_array(value, f"`{name}`")
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` must hold real numbers, got an array of dtype {array.dtype}. Convert it to "
            "floats."
        )
    return array


def _check_shapes(x, W, R, b, spec):
    """Refuse arrays with shapes that do not match."""
    gates, biases = spec.gates, spec.bias_rows
    columns = "units" if gates == 1 else f"{gates} * units"
    if x.ndim not in (2, 3) or x.size == 0:
        raise ValueError(
            "`x` must have the shape (timesteps, features) or (n_samples, timesteps, features), "
            f"with no axis of length 0, got {x.shape}."
        )
    if R.ndim != 2 or R.size == 0 or R.shape[1] != gates * R.shape[0]:
        raise ValueError(f"`R` must have the shape (units, {columns}), got {R.shape}.")
    features, width = x.shape[-1], R.shape[1]
    if W.shape != (features, width):
        raise ValueError(
            f"`W` must have the shape (features, {columns}), which is {(features, width)} for "
            f"`x` of shape {x.shape} and `R` of shape {R.shape}, got {W.shape}."
        )
    if b.shape != (*biases, width):
        layout = f"({columns},)"
        if biases:
            layout = f"(2, {columns}), as in Keras's GRU with `reset_after=True`"
        raise ValueError(
            f"`b` must have the shape {layout}, which is {(*biases, width)} for `R` of shape "
            f"{R.shape}, got {b.shape}."
        )


def _read_states(states, shape):
    """Return the initial states as arrays; a missing state stays None."""
    arrays = [state if state is None else _as_numbers(state, "initial_state") for state in states]
    for array in arrays:
        if array is not None and array.shape != shape:
            layout = "(units,) for one sample" if len(shape) == 1 else "(n_samples, units)"
            raise ValueError(
                f"`initial_state` must have the shape {layout}, here {shape}, got {array.shape}."
            )
    return arrays


def _read(x, W, R, b, states, spec):
    """Return the arguments as arrays of one float dtype; x and states have an axis of samples.

    The last item is whether x was given with that axis.
    """
    x, W, R, b = (_as_numbers(v, name) for v, name in zip((x, W, R, b), "xWRb", strict=True))
    _check_shapes(x, W, R, b, spec)
    state_shape = (*x.shape[:-2], len(R))  # (U,) or (B, U)
    states = _read_states(states, state_shape)
    given = [x, W, R, b, *(state for state in states if state is not None)]
    dtype = np.float32 if all(array.dtype == np.float32 for array in given) else np.float64
    states = [np.zeros(state_shape) if state is None else state for state in states]
    x, W, R, b, *states = (array.astype(dtype, copy=False) for array in (x, W, R, b, *states))
    batched = x.ndim == 3
    if not batched:
        x, *states = (array[np.newaxis] for array in (x, *states))  # (1, T, F), (1, U)
    return x, W, R, b, states, batched


def _as_states(initial_state, n_states):
    """Return the initial states as a list; a missing state is None."""
    if initial_state is None or n_states == 1:
        return [initial_state] * n_states
    states = [*initial_state] if np.iterable(initial_state) else []
    if len(states) != n_states:
        kind = type(initial_state).__name__
        raise ValueError(
            f"`initial_state` must be a pair (h, c), got one {kind}. Pass state and memory."
        )
    return states


def _run(cell_type, arrays, activation, initial_state, return_state):
    """Run a cell over all timesteps; parameters and returns are those of its public function."""
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise ValueError(f"`activation` must be among {sorted(_ACTIVATIONS)}, got {activation!r}.")
    spec, act = CELLS[cell_type], _ACTIVATIONS[activation]
    x, W, R, b, states, batched = _read(*arrays, _as_states(initial_state, spec.states), spec)
    input_bias, recurrent_bias = b if spec.bias_rows else (b, 0)
    projected = np.tensordot(x, W, axes=1) + input_bias  # (B, T, gates U)
    h_all = np.empty((*x.shape[:2], len(R)), projected.dtype)  # (B, T, U)
    for t in range(x.shape[1]):
        recurrent = states[0] @ R + recurrent_bias  # (B, gates U)
        states = spec.next_states(np, expit, act, projected[:, t], recurrent, states)
        h_all[:, t] = states[0]
    results = (h_all, *states) if batched else (h_all[0], *(state[0] for state in states))
    return results if return_state else results[0]


def simple_rnn(
    x: ArrayLike,
    W: ArrayLike,
    R: ArrayLike,
    b: ArrayLike,
    *,
    activation: str = "tanh",
    initial_state: ArrayLike | None = None,
    return_state: bool = False,
) -> Array | Any:
    """Run a simple recurrent network over all timesteps [1]_.

    Parameters
    ----------
    x : array-like of shape (timesteps, features) or (n_samples, timesteps, features)
        One sample, or a batch of them.
    W : array-like of shape (features, units)
        Kernel.
    R : array-like of shape (units, units)
        Recurrent kernel.
    b : array-like of shape (units,)
        Bias.
    activation : {"linear", "relu", "sigmoid", "tanh"}, default="tanh"
        Activation of the state.
    initial_state : array-like of shape (units,) or (n_samples, units), default=None
        State before the first timestep; for one sample without the axis of samples. Pass it to
        continue a sequence. None: zeros.
    return_state : bool, default=False
        Return the final state too, for example to continue the sequence later.

    Returns
    -------
    h_all : ndarray of shape (timesteps, units) or (n_samples, timesteps, units)
        State after each timestep; float32 if every argument is float32, else float64.
    h : ndarray of shape (units,) or (n_samples, units)
        Final state, with `return_state` only.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14(2), 1990.
       https://doi.org/10.1207/s15516709cog1402_1

    Examples
    --------
    >>> from skrnn.cells import simple_rnn
    >>> x = [[1.0], [2.0], [3.0]]
    >>> simple_rnn(x, W=[[1.0]], R=[[0.5]], b=[0.0], activation="linear")
    array([[1.  ],
           [2.5 ],
           [4.25]])
    """
    return _run("simple_rnn", (x, W, R, b), activation, initial_state, return_state)


def lstm(
    x: ArrayLike,
    W: ArrayLike,
    R: ArrayLike,
    b: ArrayLike,
    *,
    activation: str = "tanh",
    initial_state: tuple[ArrayLike, ArrayLike] | None = None,
    return_state: bool = False,
) -> Array | Any:
    """Run a long short-term memory over all timesteps [1]_, with a forget gate [2]_.

    The columns of `W`, `R` and `b` hold the gates in this order: input, forget, cell, output. The
    gates are logistic (Keras's `recurrent_activation="sigmoid"`).

    Parameters
    ----------
    x : array-like of shape (timesteps, features) or (n_samples, timesteps, features)
        One sample, or a batch of them.
    W : array-like of shape (features, 4 * units)
        Kernel.
    R : array-like of shape (units, 4 * units)
        Recurrent kernel.
    b : array-like of shape (4 * units,)
        Bias.
    activation : {"linear", "relu", "sigmoid", "tanh"}, default="tanh"
        Activation of the cell's input, and of its memory before the output gate.
    initial_state : pair of array-like of shape (units,) or (n_samples, units), default=None
        State h and memory c before the first timestep; for one sample without the axis of samples.
        Pass them to continue a sequence. None: zeros.
    return_state : bool, default=False
        Return the final state and memory too, for example to continue the sequence later.

    Returns
    -------
    h_all : ndarray of shape (timesteps, units) or (n_samples, timesteps, units)
        State after each timestep; float32 if every argument is float32, else float64.
    h, c : ndarray of shape (units,) or (n_samples, units)
        Final state and memory, with `return_state` only.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8),
       1997. https://doi.org/10.1162/neco.1997.9.8.1735
    .. [2] F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual prediction
       with LSTM", Neural Computation 12(10), 2000. https://doi.org/10.1162/089976600300015015

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.cells import lstm
    >>> x = np.ones((10, 4))
    >>> W, R, b = np.ones((4, 4 * 8)), np.ones((8, 4 * 8)), np.zeros(4 * 8)
    >>> h_all, h, c = lstm(x, W, R, b, return_state=True)
    >>> h_all.shape, h.shape, c.shape
    ((10, 8), (8,), (8,))
    >>> h_next = lstm(x, W, R, b, initial_state=(h, c))
    >>> bool(np.allclose(np.vstack([h_all, h_next]), lstm(np.ones((20, 4)), W, R, b)))
    True
    """
    return _run("lstm", (x, W, R, b), activation, initial_state, return_state)


def gru(
    x: ArrayLike,
    W: ArrayLike,
    R: ArrayLike,
    b: ArrayLike,
    *,
    activation: str = "tanh",
    initial_state: ArrayLike | None = None,
    return_state: bool = False,
) -> Array | Any:
    """Run a gated recurrent unit over all timesteps [1]_.

    The columns of `W`, `R` and `b` hold the gates in this order: update, reset, candidate. The
    gates are logistic (Keras's `recurrent_activation="sigmoid"`). As with Keras's default
    `reset_after=True`, the reset gate acts after the recurrent product, which has its own bias.

    Parameters
    ----------
    x : array-like of shape (timesteps, features) or (n_samples, timesteps, features)
        One sample, or a batch of them.
    W : array-like of shape (features, 3 * units)
        Kernel.
    R : array-like of shape (units, 3 * units)
        Recurrent kernel.
    b : array-like of shape (2, 3 * units)
        Bias of the input product in the first row, of the recurrent product in the second.
    activation : {"linear", "relu", "sigmoid", "tanh"}, default="tanh"
        Activation of the candidate state.
    initial_state : array-like of shape (units,) or (n_samples, units), default=None
        State before the first timestep; for one sample without the axis of samples. Pass it to
        continue a sequence. None: zeros.
    return_state : bool, default=False
        Return the final state too, for example to continue the sequence later.

    Returns
    -------
    h_all : ndarray of shape (timesteps, units) or (n_samples, timesteps, units)
        State after each timestep; float32 if every argument is float32, else float64.
    h : ndarray of shape (units,) or (n_samples, units)
        Final state, with `return_state` only.

    References
    ----------
    .. [1] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for
       statistical machine translation", EMNLP 2014. https://doi.org/10.3115/v1/D14-1179

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.cells import gru
    >>> x = np.ones((2, 10, 4))
    >>> W, R, b = np.ones((4, 3 * 8)), np.ones((8, 3 * 8)), np.zeros((2, 3 * 8))
    >>> gru(x, W, R, b).shape
    (2, 10, 8)
    """
    return _run("gru", (x, W, R, b), activation, initial_state, return_state)
