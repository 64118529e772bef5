"""RNNRegressor: numbers in, numbers out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.utils import check_array, check_consistent_length

from skrnn._convert.keras_reader import read_network
from skrnn._convert.onnx import add_prediction
from skrnn._data.labels import hold_out
from skrnn._data.sequences import Sequences, padded
from skrnn._data.splits import N_BINS, bins_of
from skrnn._data.targets import ONE_TARGET, Targets
from skrnn._data.timestep_targets import (
    as_one,
    check_samples_match,
    cut_to_list,
    objects_as_list,
    rows_of_steps,
)
from skrnn._data.validation import FLOATS
from skrnn._data.weights import read_weights
from skrnn._estimators.base import BaseRNN
from skrnn._estimators.training import adopt_network
from skrnn._network.architecture import VARIABLE_DTYPES
from skrnn._network.config import read_loss
from skrnn._network.keras_names import (
    POSITIVE_LOSSES,
    REGRESSION_LOSSES,
    UNSCALED_LOSSES,
)
from skrnn._network.parameters import RegressorParameters
from skrnn._network.quantiles import MEDIAN, places_of
from skrnn._utils.declared_parameters import explain_keywords
from skrnn._utils.numeric_checks import check_numbers
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import fit_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from sklearn.utils import Tags

    from skrnn._types import (
        Array,
        ArrayLike,
        KerasModel,
    )

OUTPUT_LOSSES = {"linear": REGRESSION_LOSSES - POSITIVE_LOSSES, "softplus": POSITIVE_LOSSES}


class RNNRegressor(RegressorMixin, RegressorParameters, BaseRNN):
    """Recurrent neural network (SimpleRNN, GRU or LSTM) for regression on sequences.

    Recurrent layers followed by Dense layers, with the scikit-learn API. Use it when X holds
    sequences or windows and y numbers; use RNNClassifier for labels, and RNNForecaster to forecast
    a pandas series without cutting windows yourself. y is (n_samples,), (n_samples, outputs) or
    (n_samples, steps, outputs), and with `return_sequences` (n_samples, timesteps) or (n_samples,
    timesteps, outputs).

    Parameters
    ----------
    cell_type : {"simple_rnn", "gru", "lstm"} or tuple of these, default="lstm"
        Kind of recurrent cell; a tuple gives one for each layer.
    hidden_size : int or tuple of int, default=32
        Units of the recurrent layer. A tuple stacks layers, first layer first.
    standardize : bool, "X" or "y", default=True
        Standardize each feature of X (not token ids) and each output of a regressor by its
        weighted training mean and standard deviation. `predict` undoes it, and `model_` holds it
        as layers with constants. `history_` is then in standardized units. "X" or "y": only that.
    bidirectional : bool, default=False
        Wrap every recurrent layer in Keras's `Bidirectional`; the two outputs are concatenated.
    activation : str, default="tanh"
        Keras activation of the cells.
    dropout, recurrent_dropout : float in [0, 1), default=0.0
        Fraction of the inputs and of the recurrent states dropped in training.
    spatial_dropout : float in [0, 1), default=0.0
        Keras's SpatialDropout1D before the first recurrent layer and after an Embedding: fraction
        of the features dropped in training, for each sample at all its timesteps.
    kernel_l2, recurrent_l2 : float, default=0.0
        Factors of Keras's L2 regularizers on the kernel and the recurrent kernel of every recurrent
        layer. The penalty is part of the loss, and of the losses in `history_`.
    dense_sizes : tuple of int, default=()
        Units of Dense layers between the last recurrent layer and the output layer.
    dense_activation : str, default="relu"
        Keras activation of those Dense layers.
    return_sequences : bool, default=False
        One output for every timestep; y then has a timesteps axis.
    pooling : {"last", "mean", "max"}, default="last"
        How the last recurrent layer is reduced over time: its last state, or the mean or maximum of
        its states over all timesteps that are not masked, for each unit.
    segment : int or "auto", default=1
        Timesteps that one step of the recurrent layers reads together, their features joined: long
        sequences then train faster, and often better. It must divide the number of timesteps;
        sequences of a list of unequal lengths are padded in front to a multiple. A step is skipped
        if all of its timesteps are masked; masked ones among others are read as zeros, after
        standardization and an Embedding. "auto": 1 below 48 timesteps and for unequal lengths, else
        the divisor with which the number of steps is nearest to 22, as a ratio. Not with
        `return_sequences`.
    stateful : bool, default=False
        Carry the state from batch to batch. Rows keep their order, `batch_size` must divide the
        number of samples, and each `predict` continues from `states_`.
    network : callable or object, default=None
        A function that makes any other Keras layers in the place of the recurrent ones:
        ``network(inputs, **network_params)`` creates them and returns the tensor that the Dense
        layers and the output read, of shape (batch, units), or (batch, timesteps, units) with
        `return_sequences`. Its symbolic inputs, (batch, timesteps, features), are standardized and
        embedded, and have Keras's mask attached; where the function has an argument `mask`, it gets
        the mask there instead, as a tensor or None. Or an object with `get_params` and
        ``__call__(inputs)``, such as a BaseEstimator, whose parameters are searched as
        ``network__units``. With it `cell_type`, `hidden_size`, `bidirectional`, `activation`,
        the dropouts, `kernel_l2`, `recurrent_l2`, `pooling`, `segment` and `stateful` must be at
        their defaults. Keras engine only; compiled once for each function object and its
        parameters.
    network_params : dict, default=None
        Arguments of that function; a search takes the dict as a whole.
    vocab_size : int or "auto", default=None
        X holds token ids in [0, vocab_size), and an Embedding comes first. "auto": the largest id
        in the first `fit` plus 1. `predict` reads a larger one as 1, out of vocabulary; `model_`
        and exported files do not.
    embedding_dim : int, default=100
        Width of that Embedding.
    embedding_init : array-like of shape (vocab_size, embedding_dim), default=None
        Initial vectors of that Embedding, such as pretrained ones: row i belongs to token id i.
        None: random ones.
    embedding_trainable : bool, default=True
        False: these vectors are not trained.
    mask_value : int or float, default=None
        Timesteps whose features all equal this value are skipped; NaN is allowed. With
        `vocab_size` it is a token id.
    missing : {"flag"} or None, default=None
        "flag": NaN in X is a missing value. It is read as the mean of its feature (as 0 where X is
        not standardized), and each feature that is missing somewhere in `fit` has a further
        feature: 1 where it is missing, else 0, as with ``SimpleImputer(add_indicator=True)``. With
        ``mask_value=np.nan``, timesteps whose features are all NaN are skipped. None: NaN is
        refused unless `mask_value` skips it.
    static_features : list of str or int, default=()
        Columns of X that are constant in time, by their names in a frame or their positions. In a
        2-D X they are columns that are not timesteps, in a 3-D X or in sequences features. They are
        joined to the output of the recurrent layers, before the Dense layers, and standardized as
        `standardize` says; the other columns are read alone, with `vocab_size` as token ids.
    frozen_layers : list of str, default=()
        Names of layers, as in `summary`, whose weights training leaves as they are, to fine-tune
        the others after `from_keras` or with `warm_start`. A change of them starts the optimizer
        afresh. In `model_` these layers have ``trainable=False``; L2 penalties do not count them.
        "embedding" is what ``embedding_trainable=False`` freezes too.
    loss : str, dict or Keras loss, default="auto"
        A Keras loss by its name, as an object or function, or as a dict of its "name" and its
        settings, such as ``{"name": "huber", "delta": 0.5}``. "auto": mean squared error for a
        regressor, the cross-entropy that fits the target for a classifier. "quantile", for a
        regressor only: the mean pinball loss of several quantiles.
    optimizer : str, dict or Keras optimizer, default="adam"
        A Keras optimizer by its name, as an object, whose learning rate holds, or as a dict of its
        "name" and its settings. `clone`, pickles and files hold an object as such a dict.
    learning_rate : float, str, dict or callable, default=0.01
        Step size; None: the optimizer's own default. A schedule changes it from epoch to epoch, and
        `history_` then records it: "cosine", "exponential" or "plateau", or a dict with settings as
        Keras names them, such as ``{"schedule": "cosine", "initial_learning_rate": 0.01, "alpha":
        0.1}``. "cosine" and "exponential" decay over `epochs`, or over `decay_epochs` in the dict,
        to `alpha` (default 0.01) and `decay_rate` (0.1) times the initial rate, as CosineDecay and
        ExponentialDecay. "plateau" multiplies the rate by `factor` (0.5), down to `min_lr` (0),
        after `patience` (3) epochs in which the validation loss, or without one the training loss,
        did not improve by `min_delta` (1e-4), and then pauses for `cooldown` (0) epochs, as
        ReduceLROnPlateau. The initial rate is 0.01, or that of `optimizer`. A function takes the
        epoch, counted from 0, and returns its rate. `warm_start` and `partial_fit` continue: epochs
        count on as in `n_epochs_`, and a schedule with other settings starts from its beginning.
    epochs : int or "auto", default="auto"
        Number of passes over the training data. "auto": 100, and from 1,000 samples on training
        stops early: where they are at their defaults, `validation_fraction` is a tenth, unless
        there is `validation_data`, and `patience` is 10, for a classifier 5, which count once the
        validation loss is a tenth below that of an output of zeros. Stateful networks do not stop
        so, and `fit_batches` only with `validation_data`; each `fit` with `warm_start` chooses
        again. `fit_settings_` holds what was chosen, and `verbose=1` prints it.
    batch_size : int, default=64
        Samples in each step of the optimizer; at most n_samples are used.
    shuffle : bool, default=True
        Shuffle the samples at every epoch.
    patience : int, default=None
        Stop after this many epochs without improvement of `monitor`, and keep the best weights.
        None: no early stopping, but what `epochs="auto"` chooses.
    min_delta : float, default=0.0
        Smallest change of `monitor` that counts as an improvement.
    monitor : str, default="val_loss"
        What `patience` follows: "loss", or the name of one of `metrics`, each with `val_` before it
        for the validation set; "val_loss" is the training loss where there is none. Losses and
        names that end in "error", "loss" or "deviance" are to be lower, scores higher.
    metrics : str, callable, or list of these, default=()
        Computed after every epoch on the training samples, which costs a prediction, and on the
        validation set; kept in `history_`. A name of scikit-learn's scorers or metric functions, or
        of Keras's metrics, such as "r2", "mae", "f1_macro" or "AUC"; or a function of (y_true,
        y_pred) that returns a number. They get y in its own units or labels, as from `predict`, and
        probabilities where scikit-learn's scorer takes them; with `return_sequences` of all
        timesteps in one row, without masked ones. Rows of zero weight are left out; other weights
        do not count.
    validation_fraction : float in [0, 1), default=0.0
        Fraction of the samples held out for validation, as `validation_split` says. 0: none, but
        what `epochs="auto"` chooses, which is a plain draw too where classes are too small for a
        stratified one, and leaves one sample of each in training.
    validation_split : {"last", "stratified"} or splitter, default=None
        How samples are held out. "last": the last `validation_fraction` of them, for rows in order
        of time, where windows in a random draw would overlap. "stratified": a random draw in which
        each class, or each part of the range of a number, has its share (a plain draw for several
        outputs, multilabel targets and labels of timesteps). None: "last" for a regressor,
        "stratified" for a classifier. A splitter of scikit-learn holds out as many as it says: its
        last split is used, with the `groups` of `fit`, and it gets a seed from `random_state` if
        it has none.
    callbacks : keras.callbacks.Callback, list of them or callable, default=None
        Keras callbacks, or a function that returns them; copied for each fit. Their epoch, train
        and test hooks are called on a compiled model. Callbacks that override a batch hook or a
        predict hook raise an error, unless their settings make it do nothing, as in ModelCheckpoint
        and TensorBoard by default.
    engine : {"auto", "keras", "native", "numpy"}, default="auto"
        Computation backend; all give the same results. "native" is compiled C, "numpy" is NumPy:
        both train without TensorFlow and without compiling a program first. "auto": the first of
        native, NumPy and Keras that has all parameters; but Keras where there is a GPU, a callback,
        or training long enough that compiling a program pays. Where skrnn was installed without a C
        compiler there is no native engine, and NumPy computes what it would.
    device : str, default="auto"
        Where Keras computes: "cpu"; a GPU by its number, "gpu:0"; "all" GPUs, or CPU devices where
        there is none, each with a part of every batch, in `fit`; "auto": the first GPU, or the
        CPU. `fit` raises an error for a missing device; `predict` uses another one instead.
    dtype : {"float32", "float64", "mixed_float16"}, default="float32"
        Of the computation and of the returned arrays. "mixed_float16", for GPUs and the Keras
        engine only: the hidden layers compute in float16, and Keras scales the loss so that small
        gradients survive; weights, optimizer and returned arrays are float32.
    checkpoint_dir : str or PathLike, default=None
        Folder in which `fit`, not `partial_fit`, saves its progress. The same fit, started again
        after a kill with equal parameters, data and seed, continues from there and ends bitwise
        as if it had never stopped; without a seed it uses the saved one. A fit that
        ends removes its file. Not with `callbacks`, whose state no file can hold.
    checkpoint_every : int, default=1
        Number of epochs between checkpoints.
    warm_start : bool, default=False
        `fit` continues from the present weights and optimizer variables.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, shuffling and dropout. Global generators are not touched, except that None
        draws one integer from NumPy's.
    verbose : int, default=0
        1: a progress bar over the epochs with the losses, on standard error, after a line that
        says what `epochs="auto"` has chosen.
    quantiles : list of float, default=(0.1, 0.5, 0.9)
        With `loss="quantile"` the quantiles to predict of each output, ascending between 0 and 1,
        0.5 among them. The network's outputs are the median and the increments between neighboring
        quantiles, through a softplus: no two quantiles cross. `predict` returns the median, and
        `predict(X, quantiles=[0.1, 0.9])` quantiles on a last axis; `score` is minus the mean
        pinball loss. `model_` and the file of `to_keras` return all of them. A
        `TransformedTargetRegressor` of one output takes `predict(X, quantiles=...)` too and carries
        them back, which needs an increasing function; its own `score` is R2 of the median.

    Attributes
    ----------
    weights_ : list of ndarray
        In Keras's order.
    embeddings_ : ndarray of shape (vocab_size, embedding_dim)
        With `vocab_size` the vector of each token id, the first of `weights_`.
    history_ : dict of list
        "loss", "seconds", each of `metrics` and, with validation, "val_loss" and each metric after
        `val_`; "learning_rate" with a schedule: one entry for each epoch.
    n_epochs_ : int
        Epochs trained so far.
    fit_settings_ : dict
        "epochs", "validation_fraction" and "patience" as used by the last fit.
    optimizer_state_ : list of ndarray
        The optimizer's variables, from which `warm_start` and `partial_fit` continue.
    n_outputs_ : int
        Units of the output layer.
    n_features_in_ : int
        Columns of a 2-D X, else features of a timestep.
    feature_names_in_ : ndarray of str
        Column names of a DataFrame X.
    engine_ : str
        The engine that trained the network: "keras", "native" or "numpy".
    input_shape_ : tuple
        (timesteps, features); timesteps is None after a fit on a list.
    states_ : list of ndarray
        With `stateful` the states from which `predict` continues.
    model_ : keras.Model
        The network as a real Keras model on raw X, built at each access.

    See Also
    --------
    RNNClassifier : The same networks for labels.
    RNNForecaster : Dated forecasts of pandas series.
    WindowTransformer : Rows of a series to windows, as a step of a pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor, make_windows
    >>> X, y = make_windows(np.sin(np.arange(80) / 3), timesteps=6)
    >>> regressor = RNNRegressor("gru", hidden_size=8, random_state=0).fit(X[:60], y[:60])
    >>> regressor.predict(X[60:]).shape
    (14,)
    >>> regressor.score(X[60:], y[60:]) > 0.9
    True
    """

    _default_split = "last"  # of a series: those that come after the others
    _other_metrics = ("classification", "ranking")

    @classmethod
    def from_keras(cls, model: KerasModel) -> Self:
        """Create a fitted estimator from a trained Keras model.

        `predict` then returns what the model does, one output without its axis. `partial_fit`, and
        `fit` with `warm_start`, continue from its weights, and from its optimizer's variables where
        `compile` named a loss and an optimizer that the estimator has; else with its own.

        `clone` gives an estimator with these parameters and random weights, and so do the folds of
        a search and the members of an ensemble. Wrap the estimator in scikit-learn's
        `FrozenEstimator` to keep the trained network there.

        Parameters
        ----------
        model : keras.Sequential, or a functional model that is one chain of layers
            Such as `model_` of an estimator. In this order: Masking; Normalization or Rescaling;
            Embedding; SpatialDropout1D; SimpleRNN, GRU, LSTM or Bidirectional round one;
            GlobalAveragePooling1D or GlobalMaxPooling1D; Dense; Reshape to (steps, outputs);
            Rescaling. All but the recurrent layers and the last Dense may be left out. The
            recurrent layers share one activation, dropout and L2 regularizer, the inner Dense
            layers one activation. The output is linear, or a softplus, to which a loss such as
            "poisson" belongs. A Dense may be within TimeDistributed, and its activation in a layer
            Activation, ReLU or Softmax. Dropout layers, which predictions do not see, are left out,
            and biases that a layer lacks are zeros: training it further uses no such Dropout, and
            trains these biases.

        Returns
        -------
        RNNRegressor

        Raises
        ------
        ValueError
            If the estimator has no such layer or setting; the error names the layer. Networks of
            `loss="quantile"` are not read: keep them with :func:`skrnn.save`.
        TypeError
            If `model` is not a Keras model.

        Examples
        --------
        >>> import keras
        >>> import numpy as np
        >>> from skrnn import RNNRegressor
        >>> layers = keras.Input((10, 2)), keras.layers.LSTM(8), keras.layers.Dense(1)
        >>> model = keras.Sequential(layers)
        >>> regressor = RNNRegressor.from_keras(model)
        >>> regressor.cell_type, regressor.hidden_size
        ('lstm', 8)
        >>> regressor.predict(np.zeros((3, 10, 2))).shape
        (3,)
        """
        network = read_network(cls, model, OUTPUT_LOSSES)
        outputs = network.architecture.outputs
        return adopt_network(network, () if outputs == (1,) else outputs)

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @rollback_on_error
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on X, continuing from the present weights where there are any.

        The constants of standardization are those of the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
            As in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, ...), or list
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, but not scaled: each weight counts as it is given.

        Returns
        -------
        self
            The estimator, trained further.
        """
        return self._partial_fit(X, y, sample_weight, reset_y=True)

    @explain_keywords
    def predict(self, X: ArrayLike, quantiles: Sequence[float] | None = None) -> Array:
        """Predict the target: its median with `loss="quantile"`, or the quantiles asked for.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.
        quantiles : list of float, default=None
            Quantiles to return, in this order, on a last axis: those fitted, or some of them.

        Returns
        -------
        ndarray of shape (n_samples, ...), or (n_samples, ..., n_quantiles)
            With the trailing shape of the y that was fitted. With `return_sequences` a list X
            gives a 1-D object array of arrays, one for each sequence.

        Raises
        ------
        ValueError
            If X is not like that of `fit`, or a quantile was not fitted.
        """
        sequences = self._read_fitted(X)
        places = None if quantiles is None else self._places_of(quantiles)
        return self._predict(sequences, places)

    @explain_keywords
    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination R2, averaged over the outputs.

        With `loss="quantile"` it is minus the mean pinball loss over quantiles and outputs, in the
        units of y. With `return_sequences` padded timesteps are dropped, samples and timesteps
        flattened.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.
        y : array-like of shape (n_samples, ...)
            With `return_sequences` a target for each timestep, as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            With `return_sequences` also one for each timestep.

        Returns
        -------
        float
            R2, at most 1; with `loss="quantile"` at most 0.
        """
        truth, outputs, weights = self._flat(X, y, sample_weight)
        quantiles = self._network.architecture.quantiles
        if quantiles:
            return -_mean_pinball_loss(truth, outputs, weights, quantiles)
        truth, outputs = (values.reshape(len(values), -1) for values in (truth, outputs))
        return r2_score(truth, outputs, sample_weight=weights)

    def _flat(self, X, y, sample_weight):
        """Return targets, outputs and weights of samples, or of all valid timesteps in one row."""
        sequences = self._read_fitted(X)
        architecture = self._network.architecture
        by_step = architecture.return_sequences
        truth = self._read_numbers(y, sequences, by_step, architecture.variable_dtype)
        weights = read_weights(sample_weight, sequences, by_step=by_step, dtype="float64")
        _check_outputs(truth.shape[weights.ndim :] or (1,), architecture.outputs)
        counted = weights > 0
        truth = truth[counted].reshape(-1, *self._network.target_shape)
        return truth, self._outputs(sequences)[counted], weights[counted]

    def _truths(self, targets, index):
        """Return the targets of samples, with the trailing shape of y."""
        values = targets.values[index]
        lead = values.shape[: values.ndim - len(targets.outputs)]
        return values.reshape(*lead, *targets.shape)

    def _answers(self):
        """Return what each method gives for outputs in the units of y, (n, ...), by its name."""
        return {"predict": partial(self._in_shape_of_y, lead=1)}

    def _responses(self, outputs):
        """Return what `predict` gives for outputs of the network at one place each; no labels."""
        return self._in_shape_of_y(outputs, lead=1), None

    def _places_of(self, quantiles):
        fitted = self._network.architecture.quantiles
        if not fitted:
            raise ValueError(
                f"`quantiles` must be None after a fit with `loss={self._network.settings.loss!r}`,"
                f" got {quantiles!r}. Fit with `loss='quantile'`."
            )
        return places_of(quantiles, fitted)

    def _in_shape_of_y(self, outputs, lead, places=None):
        """Return outputs in the trailing shape of y, and with some quantiles on a last axis.

        `lead` axes come first; without places of quantiles the median is returned.
        """
        shape, quantiles = self._network.target_shape, self._network.architecture.quantiles
        if quantiles:
            outputs = outputs[..., quantiles.index(MEDIAN) if places is None else places]
        return outputs.reshape(*outputs.shape[:lead], *shape, *() if places is None else [-1])

    def _predict(self, sequences, places=None):
        lead = 2 if self._network.architecture.return_sequences else 1
        outputs = self._in_shape_of_y(self._outputs(sequences), lead, places)
        return self._as_given(outputs, sequences)

    def _predict_alike(self, X):
        """Return `predict` of a finite array like one that it took before, without a look at it."""
        if self._network.static_columns:
            return self.predict(X)
        network = self._network
        return self._predict(Sequences(X, mask_value=network.mask_value, **network.missing))

    @property
    def _default_activation(self):
        return "softplus" if self._loss in POSITIVE_LOSSES else "linear"

    @property
    def _loss(self):
        return read_loss("mean_squared_error" if self.loss == "auto" else self.loss)[0]

    def _encode(self, y, sequences, counted, *, reset):
        """Return y as Targets, its trailing shape learned or compared."""
        dtype = VARIABLE_DTYPES[self.dtype]
        values = self._read_numbers(y, sequences, self.return_sequences, dtype)
        shape = values.shape[counted.ndim :]
        if not reset and hasattr(self, "_network"):
            _check_outputs(shape, self._network.target_shape)
        loss = self._loss
        if loss in POSITIVE_LOSSES and (values[counted] < 0).any():
            raise ValueError(
                f"`y` must not be negative with `loss={self.loss!r}`, got "
                f"{values[counted].min():.4g}."
            )
        outputs = shape or (1,)
        return Targets(
            values=values.reshape(*counted.shape, *outputs),
            outputs=outputs,
            activation=self._default_activation,
            loss=loss,
            scaled=loss not in UNSCALED_LOSSES,
            shape=shape,
        )

    def _read_numbers(self, y, sequences, by_step, dtype):
        """Return y as a finite floating array; values on masked timesteps are ignored."""
        if by_step:
            y = self._read_steps(y, sequences)
        if y is None:
            raise ValueError("`y` must be an array of numbers, got None.")
        check_numbers(y, "`y`", ONE_TARGET)
        plain = type(y) is np.ndarray and y.dtype in FLOATS and y.size > 0
        if not (plain and np.isfinite(y).all()):
            y = check_array(  # takes longer than a small fit when it is called first
                y, ensure_2d=False, allow_nd=True, dtype=list(FLOATS[::-1]), input_name="y"
            )
        if y.size and np.abs(y).max() > np.finfo(dtype).max:
            raise ValueError(
                f"Input y contains infinity or a value too large for dtype('{dtype}')."
            )
        check_consistent_length(sequences.values, y)
        if y.ndim > 3 or 0 in y.shape:
            raise ValueError(
                "`y` must have at most 3 dimensions and at least one output, got the shape "
                f"{y.shape}."
            )
        return y

    def _read_steps(self, y, sequences):
        """Return targets of timesteps as one array, zero on masked timesteps."""
        if sequences.lengths is None:
            check_samples_match(y, sequences)
            y = cut_to_list(objects_as_list(y), sequences)
        else:
            y = padded(_as_targets(rows_of_steps(y, sequences)), sequences.timesteps)
        y, mask = as_one(y, sequences), sequences.mask()
        if y.ndim not in (2, 3) or y.shape[1] != sequences.timesteps:
            raise ValueError(
                "`y` must have shape (n_samples, timesteps) or (n_samples, timesteps, outputs) "
                f"with `return_sequences`, {sequences.timesteps} timesteps as in X, got {y.shape}."
            )
        return np.where(mask.reshape(mask.shape + (1,) * (y.ndim - 2)), y, 0)

    def _add_outputs(self, graph, outputs):
        add_prediction(graph, outputs, self._network.architecture, self._network.target_shape)

    def _learn_y(self, y, sequences, counted, shape):
        """Return the trailing shape of y, which must be that of the blocks before."""
        found = self._encode(y, sequences, counted, reset=True).shape
        if shape is not None:
            _check_outputs(found, shape)
        return found

    def _check_in_parts(self, method):
        """Nothing: what is learned from all targets is learned from their blocks."""

    def _check_whole(self, data):
        """Nothing: any numbers continue a fit."""

    _weighs_classes = False

    def _weigh(self, data, *, as_given=False):
        return data.weights

    def _check_split(self, data, training):
        """Nothing: any numbers can be trained on."""

    def _hold_out(self, data, n_held_out, rng):
        """Hold out a draw over the range of y, or a plain one of several outputs."""
        values, positions = data.targets.values, data.positions
        codes, n_bins = None, min(N_BINS, n_held_out, len(positions) - n_held_out)
        if values[0].size == 1:
            codes = bins_of(values.ravel(), positions, n_bins)
        return hold_out(positions, codes, np.arange(n_bins), n_held_out, rng)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def unchecked_predict(regressor):
    """Return a `predict` that does not check X, if the regressor has one, else its `predict`.

    It is for finite arrays like one that `predict` took before, such as the windows of a forecast
    that is fed back. A subclass of RNNRegressor with a `predict` of its own has none.
    """
    own = getattr(type(regressor), "predict", None) is RNNRegressor.predict
    return regressor._predict_alike if own else regressor.predict


def _mean_pinball_loss(truth, outputs, weights, quantiles):
    """Return the mean over outputs and quantiles, which the outputs have on their last axis."""
    truth, n_samples = truth.reshape(len(truth), -1), len(outputs)
    by_quantile = np.moveaxis(outputs, -1, 0).reshape(len(quantiles), n_samples, -1)
    losses = [
        mean_pinball_loss(truth, found, sample_weight=weights, alpha=quantile)
        for quantile, found in zip(quantiles, by_quantile, strict=True)
    ]
    return float(np.mean(losses))


def _check_outputs(shape, fitted):
    if shape != fitted:
        raise ValueError(f"`y` must have the trailing shape {fitted}, as in `fit`, got {shape}.")


def _as_targets(rows):
    """Return the targets of sequences as floats that are alike but for their lengths."""
    targets = []
    for i, row in enumerate(rows):
        check_numbers(row, f"Sample {i} of `y`", ONE_TARGET)
        targets.append(row.astype(float))
        shapes = [target.shape[1:] for target in (targets[0], targets[i])]
        if shapes[0] != shapes[1]:
            raise ValueError(
                "`y` must hold equally many outputs at each timestep, got those of shape "
                f"{shapes[1]} in sample {i} and {shapes[0]} before."
            )
    return targets
