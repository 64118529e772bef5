"""RNNClassifier: classification of sequences."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from skrnn._convert.keras_reader import read_network, with_outputs_in_order
from skrnn._convert.onnx import add_labels
from skrnn._data.labels import (
    check_all_classes,
    check_trained_classes,
    check_two_classes,
    classes_of_outputs,
    encode,
    hold_out,
    is_one_hot,
    joined_classes,
    labels_of_steps,
    one_against_rest,
    read_labels,
    targets_of_classes,
    targets_of_indicators,
    warn_of_one_hot,
    weights_of_classes,
)
from skrnn._data.sequences import as_objects
from skrnn._data.timestep_targets import check_label_columns
from skrnn._data.validation import naming
from skrnn._data.weights import read_weights, rescale_weights
from skrnn._estimators.base import BaseRNN
from skrnn._estimators.training import adopt_network
from skrnn._network.keras_names import SIGMOID_LOSSES, SOFTMAX_LOSSES
from skrnn._network.parameters import ClassifierParameters
from skrnn._utils.declared_parameters import explain_keywords
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import check_partial_fit_first_call, fit_context

if TYPE_CHECKING:
    from typing import Self

    from sklearn.utils import Tags

    from skrnn._types import (
        Array,
        ArrayLike,
        KerasModel,
    )

OUTPUT_LOSSES = {"sigmoid": SIGMOID_LOSSES, "softmax": SOFTMAX_LOSSES}


class RNNClassifier(ClassifierMixin, ClassifierParameters, BaseRNN):
    """Recurrent neural network (SimpleRNN, GRU or LSTM) for classification of sequences.

    Recurrent layers followed by Dense layers, with the scikit-learn API. Use it when X holds
    sequences, windows or token ids and y holds labels. Use RNNRegressor for numbers.

    The output layer is one sigmoid for two classes and a softmax for more. A multilabel indicator
    matrix gets a sigmoid for each label. With `return_sequences` y holds a label for every
    timestep. One-hot labels look like a multilabel indicator matrix: they are read as such, with a
    warning. With `loss="categorical_crossentropy"` they are read as in Keras, and `predict` returns
    one-hot rows.

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
    class_weight : dict or "balanced", default=None
        Weight of each class by its label, for imbalanced classes. Training multiplies it with
        `sample_weight`, see `fit`; the validation loss is weighted by `sample_weight` only.
        "balanced": computed from the label counts of the training samples. Not supported for
        multilabel targets.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
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
    RNNRegressor : The same networks for regression.
    SequenceVectorizer : Converts text to token ids, as a step of a pipeline.

    Examples
    --------
    Which of two tokens came first? Counts of words cannot answer that.

    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> tokens = np.random.default_rng(0).permuted(np.tile([1, 2, 0, 0], (200, 1)), axis=1)
    >>> first = np.where((tokens == 1).argmax(axis=1) < (tokens == 2).argmax(axis=1), "a", "b")
    >>> classifier = RNNClassifier("gru", 8, vocab_size=3, embedding_dim=4, random_state=0)
    >>> classifier.fit(tokens[:150], first[:150]).score(tokens[150:], first[150:])
    1.0
    """

    classes_: Array
    _default_activation = "sigmoid"
    _default_split = "stratified"
    _other_metrics = ("regression",)

    @classmethod
    def from_keras(cls, model: KerasModel, classes: ArrayLike | None = None) -> Self:
        """Create a fitted estimator from a trained Keras model.

        `predict_proba` then returns the outputs of the model, and for one sigmoid both classes.
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
            one; GlobalAveragePooling1D or GlobalMaxPooling1D; Dense. Only the recurrent layers and
            the last Dense are required. The recurrent layers share one activation, dropout and L2
            regularizer, the inner Dense layers one activation. The output is one sigmoid for two
            classes, a softmax for several (two units become the sigmoid of their difference), or a
            sigmoid for each of several labels. A Dense may be inside TimeDistributed, and its
            activation may be a separate layer Activation, ReLU or Softmax.

            Dropout layers are left out, because they do not affect predictions. Biases that a layer
            lacks are read as zeros. Further training uses no such Dropout, and trains these biases.
        classes : array-like of shape (n_classes,), default=None
            Label of each output, in the order of the outputs; for one sigmoid the labels of 0 and
            1. `classes_`, and the columns of `predict_proba`, are sorted. None: 0, 1, 2 and so on.
            Must be None for several sigmoids.

        Returns
        -------
        RNNClassifier

        Raises
        ------
        ValueError
            If the estimator does not support a layer or setting; the error names the layer. If
            `classes` does not fit the outputs.
        TypeError
            If `model` is not a Keras model.

        Examples
        --------
        >>> import keras
        >>> import numpy as np
        >>> from skrnn import RNNClassifier
        >>> output = keras.layers.Dense(3, activation="softmax")
        >>> model = keras.Sequential([keras.Input((10, 2)), keras.layers.GRU(8), output])
        >>> classifier = RNNClassifier.from_keras(model, classes=["a", "b", "c"])
        >>> classifier.predict_proba(np.zeros((4, 10, 2))).shape
        (4, 3)
        """
        network = read_network(cls, model, OUTPUT_LOSSES)
        classes = classes_of_outputs(classes, network.architecture)
        order = np.argsort(classes)
        classifier = adopt_network(with_outputs_in_order(network, order))
        classifier.classes_ = classes[order]
        return classifier

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @rollback_on_error
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on X, continuing from the present weights if there are any.

        Use it when data arrives in parts. The first call fixes the constants of standardization.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
            As in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, ...), or list
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that any call will pass. Required at the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, but the weights are not scaled to mean 1.

        Returns
        -------
        self
            The estimator, trained further.
        """
        with nullcontext() if classes is None else naming("classes"):
            check_partial_fit_first_call(self, classes)
        check_two_classes(self.classes_, "classes")
        self._check_in_parts("partial_fit")
        return self._partial_fit(X, y, sample_weight, reset_y=False)

    @explain_keywords
    def predict(self, X: ArrayLike) -> Array:
        """Predict the labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_outputs) or (n_samples, timesteps)
            Labels. For multilabel targets an indicator matrix, for one-hot labels one-hot rows.
            With `return_sequences` a label for each timestep, and for a list X a 1-D object array
            of arrays.
        """
        sequences = self._read_fitted(X)
        return self._as_given(self._labels(self._outputs(sequences)), sequences)

    @explain_keywords
    def predict_proba(self, X: ArrayLike) -> Array:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples, n_outputs) for multilabel targets
            Probabilities, in the order of `classes_`. With `return_sequences` the timesteps axis is
            second, and a list X gives a 1-D object array of arrays.
        """
        sequences = self._read_fitted(X)
        return self._as_given(self._probabilities(self._outputs(sequences)), sequences)

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.

        Returns
        -------
        ndarray
            Log-probabilities, in the shape that `predict_proba` returns.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            if probabilities.dtype != object:
                return np.log(probabilities)
            return as_objects([np.log(sequence) for sequence in probabilities])

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the logits of the probabilities: log(p / (1 - p)).

        They are computed from the inputs of the sigmoid or softmax. So they are exact even if a
        probability rounds to 0 or 1.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_outputs)
            Logits, for two classes those of the second class. With `return_sequences` the timesteps
            axis is second, and a list X gives a 1-D object array of arrays.
        """
        sequences = self._read_fitted(X)
        scores = self._run(sequences, activation="linear")[0]
        if self._network.architecture.output_activation == "softmax":
            scores = one_against_rest(scores)
        elif scores.shape[-1] == 1:
            scores = scores[..., 0]
        return self._as_given(scores, sequences)

    @explain_keywords
    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy: the fraction of correct labels.

        With `return_sequences` padded timesteps are dropped, and samples and timesteps are
        flattened.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features), or a list of sequences
            As in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels, as in `fit`: with `return_sequences` one for each timestep.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; with `return_sequences` also one for each timestep.

        Returns
        -------
        float
            Accuracy, between 0 and 1.
        """
        truth, outputs, weights = self._flat(X, y, sample_weight)
        return accuracy_score(truth, self._labels(outputs), sample_weight=weights)

    def _flat(self, X, y, sample_weight):
        """Return labels, outputs and weights of samples, or of all valid timesteps, flattened."""
        sequences = self._read_fitted(X)
        by_step = self._network.architecture.return_sequences
        truth = labels_of_steps(y, sequences) if by_step else self._read_labels(y, sequences)
        with naming("y"):
            check_classification_targets(truth)
            if truth.ndim == 1:
                unique_labels(self.classes_, truth)
        weights = read_weights(sample_weight, sequences, by_step=by_step, dtype="float64")
        mask = sequences.mask() if by_step else slice(None)
        return truth, self._outputs(sequences)[mask], weights[mask]

    @property
    def _multilabel(self):
        """Whether an indicator matrix was fitted: several outputs, each with its own sigmoid."""
        architecture = self._network.architecture
        return architecture.output_activation == "sigmoid" and architecture.outputs[-1] > 1

    @property
    def _one_hot(self):
        """Whether one-hot labels were fitted: a softmax, with rows as labels."""
        return self._network.target_shape is not None

    @property
    def _labels_of_outputs(self):
        """The label, or the one-hot row, of each output."""
        return np.eye(len(self.classes_), dtype=int) if self._one_hot else self.classes_

    def _probabilities(self, outputs):
        """Return a single sigmoid as two probabilities, and other outputs unchanged."""
        if outputs.shape[-1] > 1:
            return outputs
        return np.concatenate([1 - outputs, outputs], axis=-1)

    def _labels(self, outputs):
        if self._multilabel:
            return (outputs > 0.5).astype(int)
        return self._labels_of_outputs[self._probabilities(outputs).argmax(axis=-1)]

    def _truths(self, targets, index):
        """Return the true labels of samples, in the form of `predict`."""
        if targets.codes is None:
            return targets.values[index]
        return self._labels_of_outputs[targets.codes[index]]

    def _answers(self):
        """Map each method's name to a function of outputs (n, ...)."""
        return {"predict": self._labels, "predict_proba": self._probabilities}

    def _responses(self, outputs):
        """Return the labels and the probabilities for outputs of the network."""
        return self._labels(outputs), self._probabilities(outputs)

    def _encode(self, y, sequences, counted, *, reset):
        """Return y as Targets; `reset` says whether its classes are learned or compared."""
        if self.return_sequences:
            return self._encode_classes(labels_of_steps(y, sequences), sequences, counted, reset)
        y = self._read_labels(y, sequences, reset, warn=True)
        if y.ndim == 2:
            return self._encode_indicators(y, reset)
        return self._encode_classes(y, sequences, counted, reset)

    def _read_labels(self, y, sequences, reset=False, warn=False):
        """Return y as one label or, with several outputs, one row of indicators per sample."""
        y = read_labels(y)
        check_consistent_length(sequences.values, y)
        rows = type_of_target(y, input_name="y") == "multilabel-indicator"
        if reset and self.loss == "auto" and not (rows and is_one_hot(y)):  # which warns itself
            check_label_columns(y, sequences.timesteps, rows)
        known = not reset and hasattr(self, "_network")
        if known and rows != (self._multilabel or self._one_hot):
            remedy = " Pass `y.argmax(axis=1)`." if rows and is_one_hot(y) else ""
            raise ValueError(
                f"`y` must have the form it had in `fit`, got an array of shape {y.shape}.{remedy}"
            )
        if not rows:
            return column_or_1d(y, warn=warn)
        if not reset and y.shape[1] != len(self.classes_):
            raise ValueError(
                f"`y` must have a column for each of the {len(self.classes_)} classes, got an "
                f"array of shape {y.shape}. Pass it as in `fit`."
            )
        return y

    def _encode_classes(self, labels, sequences, counted, reset):
        """Encode labels, one for each sample or one for each valid timestep."""
        check_classification_targets(labels)
        mask = sequences.mask() if counted.ndim == 2 else np.ones(len(labels), dtype=bool)
        if reset:
            self.classes_ = np.unique(labels[counted[mask]])
        codes = encode(labels, self.classes_, mask, counted)
        return targets_of_classes(codes, len(self.classes_), self.loss)

    def _settings_of_model(self):
        """Return Settings with a loss of class positions, unless y was fitted as one-hot rows."""
        settings = super()._settings_of_model()
        is_one_hot = settings.loss != "categorical_crossentropy" or self._one_hot
        if is_one_hot or settings.loss_config:
            return settings
        return replace(settings, loss="sparse_categorical_crossentropy")

    def _encode_indicators(self, y, reset):
        """Encode an indicator matrix, or one-hot labels, of shape (n_samples, n_outputs)."""
        if reset:
            self.classes_ = np.arange(y.shape[1])
        targets = targets_of_indicators(y, self.loss)
        if targets.codes is None:
            if self.class_weight is not None:
                raise ValueError(
                    "`class_weight` must be None for multilabel targets, got "
                    f"{self.class_weight!r}. Pass `sample_weight` instead."
                )
            if reset or not hasattr(self, "_network"):
                warn_of_one_hot(y, self.loss)
        return targets

    def _add_outputs(self, graph, outputs):
        classes = None if self._multilabel else self._labels_of_outputs
        add_labels(graph, outputs, self._network.architecture, classes)

    def _learn_y(self, y, sequences, counted, classes):
        """Return the classes found so far; `classes` are those of earlier blocks, None at first."""
        if self.return_sequences:
            labels, mask = labels_of_steps(y, sequences), sequences.mask()
        else:
            labels, mask = self._read_labels(y, sequences, reset=True, warn=True), slice(None)
        if labels.ndim == 2:
            self.classes_ = np.arange(labels.shape[1]) if classes is None else classes
        else:
            check_classification_targets(labels)
            found = np.unique(labels[counted[mask]])
            self.classes_ = found if classes is None else joined_classes(classes, found)
        return self.classes_

    def _check_in_parts(self, method):
        if self.class_weight == "balanced":
            raise ValueError(
                f"`class_weight='balanced'` is not supported by `{method}`, because it does not "
                "see all samples at once. Pass the weights as a dict."
            )

    @property
    def _weighs_classes(self):
        return self.class_weight is not None

    def _check_whole(self, data):
        """Refuse to continue a fit if some of its classes are missing in the new data."""
        codes = data.targets.codes
        if codes is not None and not self._one_hot:
            check_all_classes(self.classes_, codes[data.weights > 0])

    def _weigh(self, data, *, as_given=False):
        """Return the weights times the class weights, rescaled to near 1 unless `as_given`."""
        if self.class_weight is None:
            return data.weights
        weights, all_codes = data.weights, data.targets.codes
        training = slice(None) if data.positions is None else data.positions
        codes = all_codes[training][weights[training] > 0]
        by_class = weights_of_classes(self.class_weight, self.classes_, codes)
        by_class = by_class if as_given else rescale_weights(by_class)
        return weights * by_class[all_codes]

    def _check_split(self, data, training):
        """Refuse to hold out all samples of a class."""
        codes, weights = data.targets.codes, data.weights
        if codes is not None:
            before, after = (codes[part][weights[part] > 0] for part in (data.positions, training))
            check_trained_classes(self.classes_, before, after)

    def _hold_out(self, data, n_held_out, rng):
        """Hold out a stratified draw, or a plain one if samples have several labels."""
        codes = data.targets.codes
        if codes is not None and codes.ndim == data.weights.ndim:
            codes = np.where(data.weights > 0, codes, -1)  # zero weight: not trained on
        drawn = data.positions, codes, self.classes_, n_held_out, rng
        return hold_out(*drawn, strict=self.validation_fraction > 0)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags
