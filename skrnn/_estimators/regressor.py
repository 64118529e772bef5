"""RNNRegressor: regression on sequences."""

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
    sequences or windows and y holds numbers. Use RNNClassifier for labels, and RNNForecaster to
    forecast a pandas series without cutting windows yourself.

    y has the shape (n_samples,), (n_samples, outputs) or (n_samples, steps, outputs). With
    `return_sequences` it is (n_samples, timesteps) or (n_samples, timesteps, outputs).

    Parameters
    ----------
    cell_type : {"simple_rnn", "gru", "lstm"} or tuple of these, default="lstm"
        Type of recurrent cell. A tuple gives one type for each layer. A "gru" layer has three
        gates where "lstm" has four, so it has fewer weights.
    hidden_size : int or tuple of int, default=32
        Number of units of the recurrent layer. A tuple stacks layers, first layer first. Increase
        it if the network underfits.
    standardize : bool, "X" or "y", default=True
        Whether to standardize each feature of X (not token ids) and each output of a regressor by
        its weighted training mean and standard deviation. "X" or "y": only that one. Set it to
        False if the data is already scaled. `predict` undoes the scaling, and `model_` holds it as
        layers with constants. If y is standardized, the losses in `history_` are in standardized
        units.
    bidirectional : bool, default=False
        Read the sequence in both directions: every recurrent layer is wrapped in Keras's
        `Bidirectional`, and the two outputs are concatenated. Such a network has no `stepper`.
    activation : str, default="tanh"
        Keras activation of the recurrent cells. The default is that of Keras.
    dropout, recurrent_dropout : float in [0, 1), default=0.0
        Fraction of the inputs and of the recurrent states dropped in training. Increase them if the
        network overfits.
    spatial_dropout : float in [0, 1), default=0.0
        Fraction of the features dropped in training, for each sample at all its timesteps. It is
        Keras's SpatialDropout1D before the first recurrent layer and after an Embedding.
    kernel_l2, recurrent_l2 : float, default=0.0
        Factors of Keras's L2 regularizers on the kernel and the recurrent kernel of every recurrent
        layer. Increase them if the network overfits. The penalty is part of the loss, and of the
        losses in `history_`.
    dense_sizes : tuple of int, default=()
        Number of units of each Dense layer between the last recurrent layer and the output layer.
        Empty: no such layer.
    dense_activation : str, default="relu"
        Keras activation of those Dense layers.
    return_sequences : bool, default=False
        Predict one output for every timestep instead of one for each sample. y then has a
        timesteps axis.
    pooling : {"last", "mean", "max"}, default="last"
        How the last recurrent layer is reduced over time: its last state, or the mean or maximum of
        its states over all timesteps that are not masked, for each unit. Try "mean" or "max" if
        early timesteps of long sequences matter too.
    segment : int or "auto", default=1
        Number of timesteps that one step of the recurrent layers reads together, with their
        features joined. Long sequences then train faster, and often better. It must divide the
        number of timesteps; sequences of a list of unequal lengths are padded in front to a
        multiple. A step is skipped if all of its timesteps are masked. Masked timesteps in other
        steps are read as zeros, after standardization and an Embedding. "auto": 1 below 48
        timesteps and for unequal lengths, else the divisor that makes the number of steps nearest
        to 22, as a ratio. Not supported with `return_sequences`.
    stateful : bool, default=False
        Carry the state from batch to batch, for series that are longer than one sample. Rows keep
        their order, `batch_size` must divide the number of samples, and each `predict` continues
        from `states_`.
    network : callable or object, default=None
        Your own Keras layers in place of the recurrent ones, made by a function. The call
        ``network(inputs, **network_params)`` creates the layers and returns the tensor that the
        Dense layers and the output read. It has the shape (batch, units), or (batch, timesteps,
        units) with `return_sequences`. `inputs` is symbolic, of shape (batch, timesteps, features),
        already standardized and embedded, and has Keras's mask attached. If the function has an
        argument `mask`, it gets the mask there instead, as a tensor or None.

        An object with `get_params` and ``__call__(inputs)``, such as a BaseEstimator, works too. A
        search sets its parameters as ``network__units``. With `network`, the parameters
        `cell_type`, `hidden_size`, `bidirectional`, `activation`, the dropouts, `kernel_l2`,
        `recurrent_l2`, `pooling`, `segment` and `stateful` must be at their defaults. Keras engine
        only; compiled once for each function object and its parameters.
    network_params : dict, default=None
        Arguments of the function in `network`. A search takes the dict as a whole.
    vocab_size : int or "auto", default=None
        Number of token ids. Set it if X holds token ids in [0, vocab_size): an Embedding then comes
        first. "auto": the largest id in the first `fit` plus 1. `predict` and exported files then
        read a larger id as 1, out of vocabulary; `model_` does not.
    embedding_dim : int, default=100
        Length of the embedding vectors, with `vocab_size` only.
    embedding_init : array-like of shape (vocab_size, embedding_dim), default=None
        Initial embedding vectors, such as pretrained ones. Row i belongs to token id i. None:
        random vectors.
    embedding_trainable : bool, default=True
        Whether training changes the embedding vectors. Set it to False to keep pretrained ones.
    mask_value : int or float, default=None
        Value that marks padding: timesteps with this value in all features are skipped. NaN is
        allowed. With `vocab_size` it is a token id.
    missing : {"flag"} or None, default=None
        "flag": NaN in X is a missing value. It is read as the mean of its feature, or as 0 if X is
        not standardized. Each feature with missing values in `fit` gets a further feature: 1 where
        it is missing, else 0, as with ``SimpleImputer(add_indicator=True)``. With
        ``mask_value=np.nan``, timesteps with NaN in all features are skipped. None: NaN raises an
        error unless `mask_value` skips it.
    static_features : list of str or int, default=()
        Columns of X that are constant in time, by name in a frame or by position. In a 2-D X they
        are columns that are not timesteps; in a 3-D X or in sequences they are features. They are
        joined to the output of the recurrent layers, before the Dense layers, and standardized as
        `standardize` says. The recurrent layers read only the other columns, as token ids with
        `vocab_size`.
    frozen_layers : list of str, default=()
        Layers that training does not change, by their names in `summary`. Use it to fine-tune the
        other layers after `from_keras` or with `warm_start`. If you change it, the optimizer starts
        from scratch. In `model_` these layers have ``trainable=False``, and L2 penalties do not
        count them. "embedding" has the same effect as ``embedding_trainable=False``.
    loss : str, dict or Keras loss, default="auto"
        A Keras loss as its name, an object, a function, or a dict of its "name" and its settings,
        such as ``{"name": "huber", "delta": 0.5}``. "auto": mean squared error for a regressor, the
        cross-entropy that fits the target for a classifier. "quantile", for a regressor only: the
        mean pinball loss of several quantiles.
    optimizer : str, dict or Keras optimizer, default="adam"
        A Keras optimizer as its name, an object, or a dict of its "name" and its settings. An
        object keeps its own learning rate. `clone`, pickles and files store an object as such a
        dict.
    learning_rate : float, str, dict or callable, default=0.01
        Step size of the optimizer. Lower it if training diverges. None: the optimizer's own
        default.

        A schedule changes the rate from epoch to epoch, and `history_` records it. Pass "cosine",
        "exponential" or "plateau", or a dict with settings under Keras's names, such as
        ``{"schedule": "cosine", "initial_learning_rate": 0.01, "alpha": 0.1}``. The initial rate is
        0.01, or that of `optimizer`. "cosine" and "exponential" decay it over `epochs`, or over
        `decay_epochs` in the dict. They end at `alpha` (default 0.01) and `decay_rate` (0.1) times
        the initial rate, as CosineDecay and ExponentialDecay. "plateau" multiplies the rate by
        `factor` (0.5), down to `min_lr` (0), as ReduceLROnPlateau. It does so after `patience` (3)
        epochs without an improvement by `min_delta` (1e-4), and then pauses for `cooldown` (0)
        epochs. It follows the validation loss, or the training loss if there is no validation.

        A function takes the epoch, counted from 0, and returns its rate. `warm_start` and
        `partial_fit` continue the count of `n_epochs_`; a schedule with other settings starts from
        its beginning.
    epochs : int or "auto", default="auto"
        Number of passes over the training data. "auto": 100, with early stopping from 1,000 samples
        on. `validation_fraction` is then a tenth, unless there is `validation_data`, and `patience`
        is 10, for a classifier 5; values other than the defaults are kept. This patience counts
        only once the validation loss is a tenth below that of an output of zeros. Stateful networks
        do not stop early, and `fit_batches` does so only with `validation_data`. Each `fit` with
        `warm_start` chooses again. `fit_settings_` holds the choice, and `verbose=1` prints it.
    batch_size : int, default=64
        Number of samples in each step of the optimizer; at most n_samples are used. Larger batches
        take fewer steps in an epoch.
    shuffle : bool, default=True
        Shuffle the samples in every epoch. Set it to False to train in the order of X.
    patience : int, default=None
        Stop after this many epochs without improvement of `monitor`, and keep the best weights.
        None: no early stopping, except with `epochs="auto"`.
    min_delta : float, default=0.0
        Smallest change of `monitor` that counts as an improvement. Increase it to stop earlier.
    monitor : str, default="val_loss"
        Value that `patience` follows: "loss", or the name of one of `metrics`, with the prefix
        `val_` for the validation set. "val_loss" is the training loss if there is no validation
        set. Losses and names that end in "error", "loss" or "deviance" should fall, and scores
        should rise.
    metrics : str, callable, or list of these, default=()
        Metrics to compute after every epoch and keep in `history_`. They are computed on the
        training samples, which costs a prediction, and on the validation set. Pass the name of one
        of scikit-learn's scorers or metric functions, or of Keras's metrics, such as "r2", "mae",
        "f1_macro" or "AUC"; or a function of (y_true, y_pred) that returns a number.

        Metrics get y in its own units or labels, as from `predict`, and probabilities where
        scikit-learn's scorer takes them. With `return_sequences` they get all timesteps in one row,
        without masked ones. Rows of zero weight are left out; other weights do not count.
    validation_fraction : float in [0, 1), default=0.0
        Fraction of the samples held out for validation, as `validation_split` says. 0: none, except
        with `epochs="auto"`. That choice is a plain draw if classes are too small for a stratified
        one, and leaves one sample of each class in training.
    validation_split : {"last", "stratified"} or splitter, default=None
        How samples are held out. None: "last" for a regressor, "stratified" for a classifier.
        "last": the last `validation_fraction` of them, for rows in order of time, where windows in
        a random draw would overlap. "stratified": a random draw with the same share of each class,
        or of each part of the range of a number. It is a plain draw for several outputs, multilabel
        targets and labels of timesteps. A splitter of scikit-learn holds out as many as it is set
        to: its last split is used, with the `groups` of `fit`. If it has no seed, it gets one from
        `random_state`.
    callbacks : keras.callbacks.Callback, list of them or callable, default=None
        Keras callbacks, or a function that returns them; copied for each fit. Their epoch, train
        and test hooks are called on a compiled model. Callbacks that override a batch hook or a
        predict hook raise an error, unless their settings make it do nothing, as in ModelCheckpoint
        and TensorBoard by default.
    engine : {"auto", "keras", "native", "numpy"}, default="auto"
        Computation backend; all give the same results. "native" is compiled C, "numpy" is NumPy:
        both train without TensorFlow and without compiling a program first. "auto": the first of
        native, NumPy and Keras that supports all parameters. It is Keras if there is a GPU or a
        callback, or if training is long enough that compiling a program pays. If skrnn was
        installed without a C compiler, there is no native engine, and NumPy takes its place.
    device : str, default="auto"
        Device on which Keras computes. "auto": the first GPU, or the CPU. "cpu"; a GPU by its
        number, "gpu:0"; "all" GPUs, or CPU devices if there is no GPU, each with a part of every
        batch, in `fit`. `fit` raises an error for a missing device; `predict` uses another one
        instead.
    dtype : {"float32", "float64", "mixed_float16"}, default="float32"
        Type of the computation and of the returned arrays. "mixed_float16" is for GPUs and the
        Keras engine only: the hidden layers compute in float16, and Keras scales the loss so that
        small gradients survive. Weights, optimizer and returned arrays are then float32.
    checkpoint_dir : str or PathLike, default=None
        Folder in which `fit`, not `partial_fit`, saves its progress. Set it for long fits that may
        be killed: the same fit, started again with equal parameters, data and seed, continues from
        there. It ends bitwise as if it had never stopped. Without a seed it uses the saved one. A
        completed fit removes its file. Not supported with `callbacks`, because their state cannot
        be saved.
    checkpoint_every : int, default=1
        Number of epochs between checkpoints. Increase it if epochs are short.
    warm_start : bool, default=False
        Continue `fit` from the present weights and optimizer variables, instead of training from
        scratch.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, shuffling and dropout. Pass an int for reproducible results. Global
        generators are not touched, except that None draws one integer from NumPy's.
    verbose : int, default=0
        1: show a progress bar over the epochs with the losses, on standard error, after a line with
        the choice of `epochs="auto"`. 0: silent.
    quantiles : list of float, default=(0.1, 0.5, 0.9)
        Quantiles to predict for each output, with `loss="quantile"` only: ascending, between 0 and
        1, and with 0.5 among them. The network's outputs are the median and, through a softplus,
        the increments between neighboring quantiles, so no two quantiles cross. `predict` returns
        the median, and `predict(X, quantiles=[0.1, 0.9])` quantiles on a last axis. `score` is
        minus the mean pinball loss. `model_` and the file of `to_keras` return all quantiles.

        A `TransformedTargetRegressor` of one output takes `predict(X, quantiles=...)` too and
        transforms them back, which needs an increasing function. Its own `score` is R2 of the
        median.

    Attributes
    ----------
    weights_ : list of ndarray
        Weights of the network, in Keras's order.
    embeddings_ : ndarray of shape (vocab_size, embedding_dim)
        Vector of each token id, with `vocab_size`. It is the first of `weights_`.
    history_ : dict of list
        One entry for each epoch under "loss", "seconds" and the name of each of `metrics`. With
        validation also "val_loss" and each metric after `val_`; with a schedule "learning_rate".
    n_epochs_ : int
        Number of epochs trained so far.
    fit_settings_ : dict
        "epochs", "validation_fraction" and "patience" as used by the last fit.
    optimizer_state_ : list of ndarray
        Variables of the optimizer. `warm_start` and `partial_fit` continue from them.
    n_outputs_ : int
        Number of units of the output layer.
    n_features_in_ : int
        Number of columns of a 2-D X, else of features of a timestep.
    feature_names_in_ : ndarray of str
        Column names of a DataFrame X.
    engine_ : str
        Engine that trained the network: "keras", "native" or "numpy".
    input_shape_ : tuple
        (timesteps, features); timesteps is None after a fit on a list.
    states_ : list of ndarray
        Recurrent states from which `predict` continues, with `stateful`.
    model_ : keras.Model
        The network as a Keras model that reads raw X, built at each access.

    See Also
    --------
    RNNClassifier : The same networks for classification.
    RNNForecaster : Forecasts of pandas series, with dates.
    WindowTransformer : Cuts a series into windows, as a step of a pipeline.

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

    _default_split = "last"  # the latest rows of a series
    _other_metrics = ("classification", "ranking")

    @classmethod
    def from_keras(cls, model: KerasModel) -> Self:
        """Create a fitted estimator from a trained Keras model.

        `predict` then returns the outputs of the model; the axis of a single output is dropped.
        `partial_fit`, and `fit` with `warm_start`, continue from its weights. They use the loss and
        the optimizer that `compile` named, with the optimizer's variables, if the estimator
        supports them. Otherwise they use the estimator's own.

        `clone` returns an estimator with these parameters and random weights. The same holds for
        the folds of a search and the members of an ensemble. Wrap the estimator in scikit-learn's
        `FrozenEstimator` to keep the trained network there.

        Parameters
        ----------
        model : keras.Sequential, or a functional model that is one chain of layers
            Such as `model_` of an estimator. Its layers, in this order: Masking; Normalization or
            Rescaling; Embedding; SpatialDropout1D; SimpleRNN, GRU, LSTM or Bidirectional around
            one; GlobalAveragePooling1D or GlobalMaxPooling1D; Dense; Reshape to (steps, outputs);
            Rescaling. Only the recurrent layers and the last Dense are required. The recurrent
            layers share one activation, dropout and L2 regularizer, the inner Dense layers one
            activation. The output is linear, or a softplus for losses such as "poisson". A Dense
            may be inside TimeDistributed, and its activation may be a separate layer Activation,
            ReLU or Softmax.

            Dropout layers are left out, because they do not affect predictions. Biases that a layer
            lacks are read as zeros. Further training uses no such Dropout, and trains these biases.

        Returns
        -------
        RNNRegressor

        Raises
        ------
        ValueError
            If the estimator does not support a layer or setting; the error names the layer.
            Networks with `loss="quantile"` cannot be read: store them with :func:`skrnn.save`.
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
        """Train for one epoch on X, continuing from the present weights if there are any.

        Use it when data arrives in parts. The first call fixes the constants of standardization.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
            As in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, ...), or list
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, but the weights are not scaled to mean 1.

        Returns
        -------
        self
            The estimator, trained further.
        """
        return self._partial_fit(X, y, sample_weight, reset_y=True)

    @explain_keywords
    def predict(self, X: ArrayLike, quantiles: Sequence[float] | None = None) -> Array:
        """Predict the target: its median with `loss="quantile"`, or the given `quantiles`.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.
        quantiles : list of float, default=None
            Fitted quantiles to return on a last axis, in this order. None: the median only.

        Returns
        -------
        ndarray of shape (n_samples, ...), or (n_samples, ..., n_quantiles)
            Predictions, with the trailing shape of the fitted y. With `return_sequences` and a list
            X, a 1-D object array of arrays, one for each sequence.

        Raises
        ------
        ValueError
            If X does not match the X of `fit`, or a quantile was not fitted.
        """
        sequences = self._read_fitted(X)
        places = None if quantiles is None else self._places_of(quantiles)
        return self._predict(sequences, places)

    @explain_keywords
    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination R2, averaged over the outputs.

        With `loss="quantile"` it is minus the mean pinball loss over quantiles and outputs, in the
        units of y. With `return_sequences` padded timesteps are dropped, and samples and timesteps
        are flattened.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.
        y : array-like of shape (n_samples, ...)
            True targets, as in `fit`: with `return_sequences` one for each timestep.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; with `return_sequences` also one for each timestep.

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
        """Return targets, outputs and weights of samples, or of all valid timesteps, flattened."""
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
        """Map each method's name to a function of outputs (n, ...) in the units of y."""
        return {"predict": partial(self._in_shape_of_y, lead=1)}

    def _responses(self, outputs):
        """Return the predictions for outputs (n, ...) of the network, and no probabilities."""
        return self._in_shape_of_y(outputs, lead=1), None

    def _places_of(self, quantiles):
        fitted = self._network.architecture.quantiles
        if not fitted:
            raise ValueError(
                f"`quantiles` must be None after a fit with `loss={self._network.settings.loss!r}`,"
                f" got {quantiles!r}. Fit with `loss='quantile'` to predict quantiles."
            )
        return places_of(quantiles, fitted)

    def _in_shape_of_y(self, outputs, lead, places=None):
        """Return outputs in the trailing shape of y, after `lead` leading axes.

        `places` are positions of quantiles, returned on a last axis; None: the median, without one.
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
        """Return `predict` of an array without checks: it is finite, and of a checked form."""
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
        """Return y as Targets; `reset` says whether its trailing shape is learned or compared."""
        dtype = VARIABLE_DTYPES[self.dtype]
        values = self._read_numbers(y, sequences, self.return_sequences, dtype)
        shape = values.shape[counted.ndim :]
        if not reset and hasattr(self, "_network"):
            _check_outputs(shape, self._network.target_shape)
        loss = self._loss
        if loss in POSITIVE_LOSSES and (values[counted] < 0).any():
            raise ValueError(
                f"`y` must not be negative with `loss={self.loss!r}`, got a smallest value of "
                f"{values[counted].min():.4g}. Use another loss, or shift y."
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
            raise ValueError("`y` must be an array of numbers, got None. Pass the targets.")
        check_numbers(y, "`y`", ONE_TARGET)
        plain = type(y) is np.ndarray and y.dtype in FLOATS and y.size > 0
        if not (plain and np.isfinite(y).all()):
            y = check_array(  # the first call takes longer than a small fit
                y, ensure_2d=False, allow_nd=True, dtype=list(FLOATS[::-1]), input_name="y"
            )
        if y.size and np.abs(y).max() > np.finfo(dtype).max:
            raise ValueError(
                f"Input y contains infinity or a value too large for dtype('{dtype}')."
            )
        check_consistent_length(sequences.values, y)
        if y.ndim > 3 or 0 in y.shape:
            raise ValueError(
                "`y` must have at most 3 dimensions and at least one output, got an array of shape "
                f"{y.shape}. Reshape it."
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
                "`y` must have the shape (n_samples, timesteps) or (n_samples, timesteps, outputs) "
                f"with `return_sequences`, and {sequences.timesteps} timesteps like X, got "
                f"{y.shape}. Reshape it."
            )
        return np.where(mask.reshape(mask.shape + (1,) * (y.ndim - 2)), y, 0)

    def _add_outputs(self, graph, outputs):
        add_prediction(graph, outputs, self._network.architecture, self._network.target_shape)

    def _learn_y(self, y, sequences, counted, shape):
        """Return the trailing shape of y, which must be the same in all blocks."""
        found = self._encode(y, sequences, counted, reset=True).shape
        if shape is not None:
            _check_outputs(found, shape)
        return found

    def _check_in_parts(self, method):
        """Do nothing: a regressor learns nothing that needs all targets at once."""

    def _check_whole(self, data):
        """Do nothing: a fit can continue on any numbers."""

    _weighs_classes = False

    def _weigh(self, data, *, as_given=False):
        return data.weights

    def _check_split(self, data, training):
        """Do nothing: a regressor can train on any numbers."""

    def _hold_out(self, data, n_held_out, rng):
        """Hold out a draw stratified over the range of y, or a plain one for several outputs."""
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

    Use it for finite arrays of a form that `predict` has checked before, such as the windows of a
    recursive forecast. A subclass of RNNRegressor that overrides `predict` has none.
    """
    own = getattr(type(regressor), "predict", None) is RNNRegressor.predict
    return regressor._predict_alike if own else regressor.predict


def _mean_pinball_loss(truth, outputs, weights, quantiles):
    """Return the mean over outputs and quantiles; the last axis of `outputs` is quantiles."""
    truth, n_samples = truth.reshape(len(truth), -1), len(outputs)
    by_quantile = np.moveaxis(outputs, -1, 0).reshape(len(quantiles), n_samples, -1)
    losses = [
        mean_pinball_loss(truth, found, sample_weight=weights, alpha=quantile)
        for quantile, found in zip(quantiles, by_quantile, strict=True)
    ]
    return float(np.mean(losses))


def _check_outputs(shape, fitted):
    if shape != fitted:
        raise ValueError(
            f"`y` must have the trailing shape {fitted}, as in `fit`, got {shape}. Reshape y, or "
            "fit a new estimator."
        )


def _as_targets(rows):
    """Return the targets of sequences as floats; their shapes differ in length only."""
    targets = []
    for i, row in enumerate(rows):
        check_numbers(row, f"Sample {i} of `y`", ONE_TARGET)
        targets.append(row.astype(float))
        shapes = [target.shape[1:] for target in (targets[0], targets[i])]
        if shapes[0] != shapes[1]:
            raise ValueError(
                "`y` must hold the same number of outputs at every timestep, got outputs of shape "
                f"{shapes[1]} in sample {i} and {shapes[0]} before. Reshape the targets of this "
                "sample."
            )
    return targets
