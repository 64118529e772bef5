"""BaseRNN: the methods that the regressor and the classifier share."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skrnn._convert.c_header import check_c, example_rows, header_text
from skrnn._convert.onnx import add_network, check_exportable
from skrnn._convert.onnx_graph import Graph
from skrnn._data.samples import Dataset
from skrnn._data.scaling import Scaling, fit_scaling
from skrnn._data.sequences import unpadded
from skrnn._data.splits import read_groups, split_by, splitter_of
from skrnn._data.static_features import static_positions
from skrnn._data.validation import (
    check_batches,
    check_shape,
    first_frame,
    naming,
    read_sequences,
)
from skrnn._data.weights import check_range, nonzero_indices, read_weights
from skrnn._engines import KerasFirst, keras_engine, training_engine, with_layers
from skrnn._estimators.fitted_network import FittedNetwork
from skrnn._estimators.out_of_core_fit import fit_out_of_core
from skrnn._estimators.stepper import Stepper
from skrnn._estimators.training import (
    draw_rng,
    epoch_tasks,
    fit_config,
    open_checkpoints,
    read_schedule,
    train_network,
)
from skrnn._network.architecture import VARIABLE_DTYPES, Architecture
from skrnn._network.config import Settings, read_loss, read_settings
from skrnn._network.custom_network import CustomNetwork, check_hidden
from skrnn._network.embeddings import read_embeddings
from skrnn._network.keras_objects import as_parameter
from skrnn._network.learning_rate import RateSchedule
from skrnn._network.parameters import (
    describe,
    describe_shape,
    settle_vocab_size,
)
from skrnn._network.segments import check_segment, settle_segment
from skrnn._network.summary import html_summary, summary
from skrnn._training.checkpoints import NoCheckpoints
from skrnn._training.schedule import MOST_EPOCHS, Schedule
from skrnn._utils.atomic_write import read_path, replacing
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.declared_parameters import DeclaredEstimator, explain_keywords
from skrnn._utils.numeric_checks import is_nan
from skrnn._utils.records import Codec, record_codecs
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import fit_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from sklearn.utils import Tags

    from skrnn._types import Array, ArrayLike, Block, Blocks, Engine, KerasModel, StrPath

STARTED = "_started"  # the first item in the state of an estimator with callbacks or a network


def _count_held_out(fraction, n_samples):
    n_held_out = int(np.ceil(fraction * n_samples))
    if n_held_out and n_held_out >= n_samples:
        raise ValueError(
            f"`validation_fraction` must leave a sample to train on, got {fraction} of {n_samples} "
            "samples, which leaves none. Lower it, or pass more samples."
        )
    return n_held_out


class BaseRNN(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DeclaredEstimator):
    """Base class of the estimators; the regressor and the classifier add how y is read."""

    weights_: list[Array]
    history_: dict[str, list[float]]
    n_epochs_: int
    fit_settings_: dict[str, int | float | None]
    optimizer_state_: list[Array]
    n_outputs_: int
    n_features_in_: int
    feature_names_in_: Array
    input_shape_: tuple[int | None, int]
    engine_: Engine
    states_: list[Array]
    _network: FittedNetwork
    _codecs = DeclaredEstimator._codecs | record_codecs(
        FittedNetwork, Architecture, RateSchedule, Settings, Scaling
    )
    _codecs |= {"CustomNetwork": Codec(CustomNetwork, CustomNetwork.to_dict, CustomNetwork)}

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        validation_data: Block | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
            Samples. A 2-D array is read as one feature for each timestep, or as token ids with
            `vocab_size`. A list holds sequences of any length: 2-D arrays, 1-D arrays of unequal
            lengths, or any 1-D arrays of token ids.
        y : array-like of shape (n_samples,) or (n_samples, ...), or list
            Targets, with `return_sequences` one for each timestep. For a list X they are then a
            list of arrays of the same lengths, or one array padded at the end.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative. With `return_sequences` also one for each
            timestep, in the forms of y. Samples of zero weight are dropped. The other weights are
            scaled to mean 1 once, after `class_weight` and over the samples trained on. None: all
            samples have the same weight.

            The loss of a batch is the sum of weighted losses divided by its number of samples, or
            of timesteps that are not masked, as in `keras.Model.fit`. So a weight of 10 makes a
            gradient ten times as large, in batches of any size. With large weights lower the
            learning rate of "sgd"; "adam" adapts its steps. Gradient clipping cuts the heaviest
            samples first.
        validation_data : tuple (X, y) or (X, y, sample_weight), default=None
            Validation set. It takes precedence over `validation_fraction` and `validation_split`.
            Earlier steps of a pipeline do not transform it.
        groups : array-like of shape (n_samples,), default=None
            Groups of the samples, passed to a splitter in `validation_split`, such as
            `GroupShuffleSplit`.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or parameter is invalid, or if training diverges. The estimator then
            keeps its previous state.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        data = self._read(X, y, sample_weight, reset=not resume)
        if resume:
            self._check_whole(data)
        data = self._without_zeros(data)
        splitter = None if validation_data is not None else splitter_of(self, groups)
        if splitter is not None and groups is not None:
            data = replace(data, groups=read_groups(groups, len(data.sequences)))
        validation = splitter if validation_data is None else validation_data
        schedule = read_schedule(self, len(data), validation)
        config = fit_config(self, resume, schedule, self.checkpoint_dir)
        tasks = epoch_tasks(self, config, X, y, sample_weight)
        return self._fit(data, config, validation_data, tasks, splitter)

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit_batches(self, blocks: Blocks, *, validation_data: Block | None = None) -> Self:
        """Train the network on blocks of samples, with one block in memory at a time.

        Use it for data larger than memory. The result is that of `fit` on all samples in one array,
        except for the order of the samples: they are shuffled within each block, and the blocks of
        a list are shuffled too. All blocks are read twice before the first epoch, first for their
        shapes and labels, then for the constants of standardization. Each epoch reads them once.

        Parameters
        ----------
        blocks : list of blocks, or callable
            A block is a tuple (X, y) or (X, y, sample_weight) of arguments of `fit`, with at least
            one weight above zero. A list may be any object with `len` and `[]` that creates its
            blocks on demand, such as :func:`skrnn.window_blocks`. A callable returns a new iterator
            of the same blocks at each call; training keeps their order.
        validation_data : tuple (X, y) or (X, y, sample_weight), default=None
            Validation set, in memory. None: no validation.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError
            If `blocks` can be read only once.
        ValueError
            If an argument or parameter is invalid, or if training diverges. The estimator then
            keeps its previous state. `validation_fraction`, `validation_split`, `checkpoint_dir`
            and `class_weight="balanced"` are not supported, because they need all samples at once.

        Examples
        --------
        >>> import numpy as np
        >>> from skrnn import RNNRegressor, window_blocks
        >>> series = np.sin(np.arange(1000) / 7)
        >>> blocks = window_blocks(series, timesteps=20, rows=300)
        >>> regressor = RNNRegressor("gru", 8, epochs=2, random_state=0).fit_batches(blocks)
        >>> regressor.n_epochs_
        2
        """
        return fit_out_of_core(self, blocks, validation_data)

    def transform(self, X: ArrayLike) -> Array:
        """Return the last hidden state of the last recurrent layer, as features.

        With `network` it is the tensor that the function in `network` returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features)
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, hidden_size)
            Hidden states, twice as wide if bidirectional.
        """
        return self.hidden_states(X)

    def hidden_states(
        self, X: ArrayLike, return_sequences: bool = False, return_state: bool = False
    ) -> Array | Any:
        """Return the output of the last recurrent layer, with Keras's two flags.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features)
            As in `fit`.
        return_sequences : bool, default=False
            True: the hidden state of every timestep. False: that of the last timestep. With
            `network` it must equal the parameter `return_sequences`.
        return_state : bool, default=False
            True: return the layer's final states too. Not supported with `network`.

        Returns
        -------
        ndarray, or with `return_state` a list of ndarray
            The output, of shape (n_samples, units) or (n_samples, timesteps, units). With `segment`
            its time axis has timesteps / segment steps. With `return_state` it is followed by the
            states: h; for an LSTM h and c; for a bidirectional layer the forward ones before the
            backward ones.
        """
        sequences = self._read_fitted(X)
        hidden = bool(return_sequences), bool(return_state)
        check_hidden(self._network.architecture, *hidden)
        arrays = self._run(sequences, hidden=hidden)
        return arrays if return_state else arrays[0]

    def build_model(self, input_shape: Sequence[int | None]) -> KerasModel:
        """Build the unfitted Keras model for these parameters.

        Parameters
        ----------
        input_shape : tuple of int
            (timesteps, features), or (batch, timesteps, features) with a fixed batch size.
            timesteps may be None. With `vocab_size` features is 1. `static_features` do not
            count, because they are a second input.

        Returns
        -------
        keras.Model
            A model with the weights from which `fit` starts. Its output layer has one output, or as
            many as fitted. It skips timesteps that equal `mask_value`, and does not standardize.
        """
        self._validate_params()
        architecture = self._unfitted_architecture(input_shape)
        embeddings = read_embeddings(self.embedding_init, architecture)
        rng = draw_rng(self, fit_config(self, False, Schedule(epochs=0)), NoCheckpoints())
        return keras_engine().fresh_model(architecture, rng, embeddings, self.mask_value)

    def summary(self, input_shape: Sequence[int | None] | None = None) -> str:
        """Return the layers, their output shapes and parameter counts as text.

        Parameters
        ----------
        input_shape : tuple of int, default=None
            As in `build_model`. None: the shape of `fit`.

        Returns
        -------
        str
            A table with one line for each layer, and the total.
        """
        if input_shape is not None:
            self._validate_params()
            return summary(self._unfitted_architecture(input_shape))
        check_is_fitted(self, "weights_")
        return summary(self._network.architecture)

    def _html_repr(self):
        """Return the HTML that notebooks show: the parameters, and after `fit` the layers."""
        html = super()._html_repr()
        if not hasattr(self, "weights_"):
            return html
        return f"{html}{html_summary(self._network.architecture)}"

    def reset_states(self) -> Self:
        """Set the carried states of a stateful network to zero.

        Returns
        -------
        self
            The same estimator.
        """
        check_is_fitted(self, "weights_")
        if not self._network.architecture.stateful:
            raise ValueError(
                "`reset_states` needs `stateful=True`, got a network that carries no states. It "
                "starts from zeros at each `predict`."
            )
        self.states_ = self._network.architecture.zero_states()
        return self

    def stepper(self, n_streams: int = 1) -> Stepper:
        """Return a copy of the fitted network that reads one row at a time and carries its states.

        Use it when rows arrive one by one, as from a sensor.

        Parameters
        ----------
        n_streams : int, default=1
            Number of independent series. Each step reads one row of each.

        Returns
        -------
        Stepper
            An object with the methods `step` and `reset`. Later fits do not change it.

        Raises
        ------
        ValueError
            If the network is bidirectional, because it would need future rows, or has `network`.
        """
        return Stepper(self, n_streams)

    @property
    def embeddings_(self) -> Array:
        """The fitted vector of each token id, of shape (vocab_size, embedding_dim)."""
        check_is_fitted(self, "weights_")
        if self._network.architecture.vocab_size is None:
            raise AttributeError(
                "`embeddings_` needs `vocab_size`, got a network without an Embedding. Fit with "
                "`vocab_size`."
            )
        return self.weights_[0]

    @property
    def model_(self) -> KerasModel:
        """The fitted network as a new keras.Model that reads X as `predict` does.

        With `static_features` it has two inputs: `[X_without_them, X_static]`.

        It is compiled as it was trained, so `model_.evaluate(X, y)` returns the loss in the units
        of y. For mean squared error that is the loss in `history_` times the variance of y. Labels
        are positions in `classes_`, and padded timesteps count in the loss. The optimizer continues
        from `optimizer_state_`. If y was standardized, it starts from scratch, because gradients
        then have another scale.
        """
        check_is_fitted(self, "weights_")
        network = self._network
        return keras_engine().fitted_model(
            network.architecture,
            self.weights_,
            network.scaling,
            network.mask_value,
            self._settings_of_model(),
            self.optimizer_state_,
        )

    def _settings_of_model(self):
        """Return the Settings with which `model_` is compiled."""
        return self._network.settings

    def to_keras(self, path: StrPath) -> None:
        """Write the fitted network as a file that `keras.models.load_model` reads without skrnn.

        The loaded model is `model_`. It reads raw X as an array, with absent timesteps as NaN or as
        `mask_value` (token ids: as -1 too). It returns the outputs of `predict`, or the sigmoid or
        softmax outputs of `predict_proba`. A regressor of one output returns (n_samples, 1), and a
        stateful network starts from zeros. With `segment`, pad sequences of unequal lengths in
        front to a multiple of it first, as `predict` does.

        The model is compiled like `model_`, with the loss, the optimizer and, for a classifier,
        accuracy. With `loss="quantile"`, which Keras does not have, it is compiled without the
        loss, and returns all quantiles on a last axis.

        Parameters
        ----------
        path : str or path-like
            Path of the file, with the ending ".keras". An existing file is replaced once the new
            one is complete.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from skrnn import RNNRegressor, make_windows
        >>> X, y = make_windows(np.sin(np.arange(40) / 3), timesteps=6)
        >>> regressor = RNNRegressor("gru", 4, epochs=1, random_state=0).fit(X, y)
        >>> with TemporaryDirectory() as folder:
        ...     regressor.to_keras(Path(folder) / "sine.keras")
        ...     [path.name for path in Path(folder).iterdir()]
        ['sine.keras']
        """
        check_is_fitted(self, "weights_")
        path = read_path(path, ".keras")
        model = self.model_
        if self._network.architecture.quantiles:
            model.compile(model.optimizer)  # a file with a loss that Keras lacks cannot be loaded
        with replacing(path, ".keras") as temporary:
            model.save(temporary)

    def to_onnx(self, path: StrPath) -> None:
        """Write the fitted network as an ONNX graph of standard operators, without Keras.

        The input of the graph is "X", raw as in `predict`, with any number of samples. Numbers have
        the shape (n_samples, timesteps, features) and the dtype of `weights_`, with one feature if
        a 2-D X was fitted. Token ids have the shape (n_samples, timesteps) and are int64. Masked
        timesteps may be anywhere, as in `predict`. With `static_features`, a second input "static"
        of shape (n_samples, static features) takes them, and X leaves them out.

        The number of timesteps is that of `fit`. After a fit on a list it is any number: fill up
        shorter sequences with NaN, or with -1 for token ids. With `segment`, first pad each of them
        in front to a multiple of it.

        The output of a regressor is "prediction". With `loss="quantile"` there is also "quantiles",
        with all fitted quantiles on a last axis. The outputs of a classifier are "probabilities",
        as from `predict_proba`, and "label", as from `predict`, in the type of `classes_`.

        The graph computes in float32, also with `dtype="float64"`, because runtimes have recurrent
        operators only for that type. X and y are standardized in float64.

        Parameters
        ----------
        path : str or path-like
            Path of the file, with the ending ".onnx". An existing file is replaced once the new one
            is complete.

        Raises
        ------
        ValueError
            If the ONNX standard has no operator for the network: with `network`, `stateful=True`,
            or an activation such as "gelu" in the cells. If the cells use "softplus", which
            overflows in ONNX Runtime. If the labels are neither numbers nor str.
        ImportError
            If the package onnx is not installed.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> import onnx
        >>> from skrnn import RNNRegressor, make_windows
        >>> X, y = make_windows(np.sin(np.arange(40) / 3), timesteps=6)
        >>> regressor = RNNRegressor("gru", 4, epochs=1, random_state=0).fit(X, y)
        >>> with TemporaryDirectory() as folder:
        ...     regressor.to_onnx(Path(folder) / "sine.onnx")
        ...     model = onnx.load(Path(folder) / "sine.onnx")
        >>> [output.name for output in model.graph.output]
        ['prediction']
        """
        check_is_fitted(self, "weights_")
        path = read_path(path, ".onnx")
        network = self._network
        check_exportable(network.architecture)
        graph = Graph()
        outputs = add_network(graph, network, self.weights_)
        self._add_outputs(graph, outputs)
        graph.write(path)

    def to_c(self, path: StrPath) -> None:
        """Write the fitted network as one C99 header, for devices and programs without Python.

        The header holds the weights, the constants of standardization, and functions named after
        the file, here "net.h". It needs only the C library's math, allocates no memory, and
        compiles as C++ too. Its contents are yours: skrnn claims no rights in them.

        - `net_predict(rows, y)` writes the output of `predict` for one sample, for a classifier
          that of `predict_proba`.
        - `net_reset(&state)` and `net_step(&state, row, y)` read one row at a time, as `stepper`
          does. A bidirectional network does not have them.
        - `net_self_test()` returns 0 if a prediction equals that in Python.

        Token ids outside [0, `NET_VOCAB_SIZE`) are read as 1, out of vocabulary. `NET_FEATURES`,
        `NET_TIMESTEPS` and `NET_OUTPUTS` are the other sizes. Sequences of any length are
        passed with their number of timesteps, ``net_predict(rows, timesteps, y)``. Compile it
        without ``-ffast-math``.

        Parameters
        ----------
        path : str or path-like
            Path of the file: a name of letters, digits and underscores, with the ending ".h".

        Raises
        ------
        ValueError
            If the header does not support the network: with `segment`, `static_features`,
            `missing`, `loss="quantile"`, `network`, an activation that the native engine lacks, or
            half precision.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from skrnn import RNNRegressor, make_windows
        >>> X, y = make_windows(np.sin(np.arange(40) / 3), timesteps=6)
        >>> regressor = RNNRegressor("gru", 4, epochs=1, random_state=0).fit(X, y)
        >>> with TemporaryDirectory() as folder:
        ...     regressor.to_c(Path(folder) / "net.h")
        ...     "net_step(" in (Path(folder) / "net.h").read_text()
        True
        """
        check_is_fitted(self, "weights_")
        path, network = read_path(path, ".h"), self._network
        check_c(network.architecture, path.stem)
        without_states = replace(network.architecture, stateful=False, batch_size=None)
        network = replace(network, architecture=without_states)  # as before the first batch
        rows = example_rows(network.architecture, network.scaling)
        tokens = network.architecture.vocab_size is not None
        sequences = self._read_X(rows.T if tokens else rows[np.newaxis], reset=False)
        outputs = network.restore_y(network.run(self.weights_, sequences, "cpu")[0][0])
        classes = getattr(self, "classes_", None)
        expected = outputs if classes is None else self._probabilities(outputs)
        text = header_text(
            network, self.weights_, path.stem, rows=rows, expected=expected, classes=classes
        )
        with replacing(path, ".h") as temporary:
            temporary.write_text(text, "utf-8")

    @property
    def _n_features_out(self):
        return self._network.architecture.hidden_width

    def _partial_fit(self, X, y, sample_weight, reset_y):
        """Train for one epoch, from the present weights if there are any."""
        resume = hasattr(self, "weights_")
        reset_y = reset_y and not resume
        data = self._read(X, y, sample_weight, reset=not resume, reset_y=reset_y, unit=1.0)
        data = self._without_zeros(data, as_given=True)
        config = fit_config(self, resume, Schedule(epochs=1), scale_weights=False)
        return self._fit(data, config)

    def _without_zeros(self, data, *, as_given=False):
        """Return a Dataset without the samples to which `class_weight` gives zero weight."""
        weights = self._weigh(data, as_given=as_given)
        return replace(data, positions=nonzero_indices(weights, data.positions))

    def _fit(self, data, config, validation_data=None, tasks=(), splitter=None):
        """Train on a Dataset and set the fitted attributes; the caller rolls back a failure."""
        as_given = not config.scale_weights
        n_held_out = _count_held_out(config.validation_fraction, len(data))
        engine = self._describe(data.sequences, data.targets, len(data) - n_held_out, config)
        check_batches(len(data) - n_held_out, self._network.architecture.batch_size, "X")
        check_batches(n_held_out, self._network.architecture.batch_size, "The validation set")
        validation = self._read_validation(validation_data)
        with open_checkpoints(self, engine, data, validation, config) as checkpoints:
            rng = cache(partial(draw_rng, self, config, checkpoints))
            if n_held_out or splitter is not None:
                data, validation = self._split(data, splitter, n_held_out, rng)
            data = replace(data, weights=self._weigh(data, as_given=as_given))
            if as_given:
                check_range(data.weights, self._network.architecture.variable_dtype)
            else:
                weight, count = data.weight_and_count()
                data = data.divided(weight / count)
            if not config.resume:
                self._fit_scaling([data], data.targets)
            samples = data.samples(self._network)
            train_network(
                self, engine, samples, validation, config, rng, checkpoints, tasks, lambda: [data]
            )
        return self

    def _read(self, X, y, sample_weight, *, reset, reset_y=None, unit=None):
        """Return X, y and weights as a Dataset of the samples with weight."""
        sequences = self._read_X(X, reset=reset)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        by_step, dtype = bool(self.return_sequences), VARIABLE_DTYPES[self.dtype]
        weights = read_weights(sample_weight, sequences, by_step=by_step, dtype=dtype, unit=unit)
        reset_y = reset if reset_y is None else reset_y
        targets = self._encode(y, sequences, weights > 0, reset=reset_y)
        return Dataset(sequences, targets, weights, nonzero_indices(weights))

    def _read_X(self, X, *, reset):
        """Return X as Sequences; `reset` says whether its shape is learned or compared."""
        compared = not reset and self._compare_names(X)
        if reset:
            vocab_size, mask_value = self.vocab_size, self.mask_value
            dtype, static_features = VARIABLE_DTYPES[self.dtype], self.static_features
            missing = {"fills_missing": self.missing is not None}
        else:
            network = self._network
            vocab_size, mask_value = network.architecture.vocab_size, network.mask_value
            dtype, static_features = network.architecture.variable_dtype, network.static_columns
            missing = network.missing
        sequences = read_sequences(
            X,
            vocab_size=vocab_size,
            mask_value=mask_value,
            dtype=dtype,
            static_features=static_features,
            n_columns=None if reset else self.n_features_in_,
            map_unknown_tokens=not reset and self._network.maps_unknown_tokens,
            **missing,
        )
        if reset:
            timesteps = None if sequences.lengths is not None else sequences.timesteps
            self.input_shape_ = (timesteps, sequences.features)
            self.n_features_in_ = sequences.features + sequences.n_static
            vars(self).pop("feature_names_in_", None)
        if not compared:
            self._check_names(X, sequences.flat, reset=reset)
        if not reset:
            check_shape(sequences, *self.input_shape_)
        if self.input_shape_[0] is None:
            sequences = sequences.padded_to(self._segment_of_any_length(reset=reset))
        return sequences

    def _segment_of_any_length(self, *, reset):
        """Return the segment for sequences of unequal lengths."""
        if not reset:
            return self._network.architecture.segment
        check_segment(self)
        return settle_segment(self.segment, None)

    def _compare_names(self, X):
        """Compare the column names of a frame with those of `fit`; return whether both have names.

        This comes before values are read, because a frame reindexed to wrong columns holds NaN.
        """
        is_table = hasattr(X, "columns")
        compared = hasattr(self, "feature_names_in_") and (is_table or first_frame(X) is not None)
        if compared:
            self._check_names(X, is_table, reset=False)
        return compared

    def _check_names(self, X, flat, *, reset):
        """Learn the names and the number of columns, or compare them with those of `fit`."""
        table = X if flat else first_frame(X)
        network = vars(self).get("_network")
        static = self.static_features if network is None else network.static_columns
        expected = self.input_shape_[0 if flat else 1]
        if table is not None and (reset or self.n_features_in_ - len(static) == expected):
            validate_data(self, table, reset=reset, skip_check_array=True)

    def _read_validation(self, validation_data):
        """Return the Dataset of a tuple (X, y) or (X, y, sample_weight); None if it is None."""
        if validation_data is None:
            return None
        is_tuple = isinstance(validation_data, (tuple, list))
        if not is_tuple or len(validation_data) not in (2, 3):
            kind = type(validation_data).__name__
            got = f"{len(validation_data)} items" if is_tuple else kind
            raise ValueError(
                f"`validation_data` must be a tuple (X, y) or (X, y, sample_weight), got {got}. "
                "Pass such a tuple."
            )
        X, y, *weight = validation_data
        with naming("validation_data"):
            data = self._read(X, y, *(weight or [None]), reset=False)
        check_batches(len(data), self._network.architecture.batch_size, "The validation set")
        return data

    def _describe(self, sequences, targets, n_training, config):
        """Set the network to be trained and return its engine, or raise an error."""
        resume, before = config.resume, getattr(self, "_network", None)
        if resume:
            learned = before.architecture.vocab_size
        else:
            vars(self).pop("_network", None)
            learned = sequences.vocab_size if sequences.tokens else None
        vocab_size = settle_vocab_size(self.vocab_size, learned)
        batch_size = self.batch_size
        if self.stateful and n_training < batch_size:
            batch_size = (before.architecture.batch_size if resume else None) or n_training
        architecture = describe(
            self,
            vocab_size=vocab_size,
            timesteps=self.input_shape_[0],
            features=sequences.features,
            masked=before.architecture.masked if resume else sequences.masked,
            batch_size=batch_size,
            outputs=targets.outputs,
            output_activation=targets.activation,
            flagged=sequences.flagged,
        )
        settings = self._read_settings(targets.loss, batch_size, config)
        if resume:
            settings = settings.after(before.settings, config.first_epoch)
        read_embeddings(self.embedding_init, architecture)  # refused before anything is drawn
        workload = n_training, sequences.timesteps, config.epochs
        request = self.engine, self.device, architecture, settings, workload
        engine = training_engine(*request, has_callbacks=self.callbacks is not None)
        architecture = with_layers(architecture)
        names = list(getattr(self, "feature_names_in_", ()))
        columns = static_positions(self.static_features, names, self.n_features_in_)
        self._set_network(
            architecture, settings, targets.shape, engine.NAME, static_columns=columns
        )
        if resume:
            self._network.check_continues(before)
            if architecture.frozen_layers != before.architecture.frozen_layers:
                self.optimizer_state_ = []  # the old one belongs to other weights
            self._network = replace(self._network, scaling=before.scaling)
        return engine

    def _read_settings(self, loss, batch_size, config):
        """Return the Settings of a fit; `loss` is Keras's full name."""
        _, loss_config = read_loss(self.loss)
        return read_settings(
            *(self.optimizer, self.learning_rate, loss, batch_size, loss_config),
            epochs=self._most_tasks(),
            first_epoch=config.first_epoch,
        )

    def _set_network(self, architecture, settings, target_shape, engine, **constants):
        self.engine_ = engine
        self._network = FittedNetwork(
            architecture,
            settings,
            mask_value=self.mask_value,
            standardize=self.standardize,
            asked_vocab_size=self.vocab_size,
            asked_engine=self.engine,
            target_shape=target_shape,
            **constants,
        )

    def _split(self, data, splitter, n_held_out, rng):
        """Return a Dataset for training and one for validation."""
        positions = np.arange(len(data)) if data.positions is None else data.positions
        data = replace(data, positions=positions)
        if splitter is not None:
            y = self._truths(data.targets, slice(None))
            training, held_out = split_by(splitter, data, y, rng)
            for part, name in ((training, "X"), (held_out, "The validation set")):
                check_batches(len(part), self._network.architecture.batch_size, name)
        elif (self.validation_split or self._default_split) == "last":
            training, held_out = positions[:-n_held_out], positions[-n_held_out:]
        else:
            training, held_out = self._hold_out(data, n_held_out, rng)
        self._check_split(data, training)
        validation = replace(data, positions=held_out) if len(held_out) else None
        return replace(data, positions=training), validation

    def _fit_scaling(self, parts, targets):
        """Learn the constants of standardization from an iterable of Datasets."""
        scaling = fit_scaling(
            parts,
            scale_x=self.standardize in (True, "X"),
            scale_y=targets.scaled and self.standardize in (True, "y"),
        )
        self._network = replace(self._network, scaling=scaling)

    def _most_tasks(self):
        return MOST_EPOCHS if self.epochs == "auto" else self.epochs

    def _run(self, sequences, hidden=None, activation=None):
        """Return the network's raw outputs, or hidden states, as a list of arrays."""
        stateful = self._network.architecture.stateful
        states = self.states_ if stateful else None
        outputs, states = self._network.run(
            self.weights_, sequences, self.device, states, hidden, activation
        )
        if stateful and hidden is None:
            self.states_ = states
        return outputs

    def _read_fitted(self, X):
        if "weights_" not in vars(self):  # scikit-learn's check costs as much as a small network
            check_is_fitted(self, "weights_")
        return self._read_X(X, reset=False)

    def _outputs(self, sequences):
        """Return the network's outputs in the units of y."""
        return self._network.restore_y(self._run(sequences)[0])

    def _as_given(self, values, sequences):
        """Return values of timesteps without padding, in the form of X; others unchanged."""
        by_step = self._network.architecture.return_sequences
        return unpadded(values, sequences.lengths if by_step else None)

    def _unfitted_architecture(self, input_shape):
        """Return the Architecture for an input shape, with the fitted outputs, or one output."""
        fitted = self._network.architecture if hasattr(self, "_network") else None
        architecture = describe_shape(
            self,
            input_shape,
            vocab_size=settle_vocab_size(self.vocab_size, fitted.vocab_size if fitted else None),
            masked=self.mask_value is not None or bool(fitted and fitted.masked),
            outputs=fitted.outputs if fitted else (1,),
            output_activation=fitted.output_activation if fitted else self._default_activation,
            flagged=fitted.flagged if fitted else (),
        )
        return with_layers(architecture)

    def _plain(self):
        """Return a shallow copy, with Keras's objects as names and settings."""
        plain = object.__new__(type(self))
        read = {name: as_parameter(getattr(self, name)) for name in ("loss", "optimizer")}
        vars(plain).update(vars(self) | read)
        return plain

    def __getstate__(self) -> dict[str, Any]:
        state = super(BaseRNN, self._plain()).__getstate__()
        plain = self.callbacks is None and self.network is None
        return state if plain else {STARTED: KerasFirst()} | state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({name: state[name] for name in state if name != STARTED})

    def __sklearn_clone__(self) -> Self:
        return super(BaseRNN, self._plain()).__sklearn_clone__()

    def __dir__(self) -> list[str]:
        """Leave out `model_`: the HTML view reads every listed attribute, which would build it."""
        names = (name for name in object.__dir__(self) if name != "model_")
        return [name for name in names if hasattr(self, name)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = is_nan(self.mask_value) or self.missing is not None
        tags.target_tags.required = True
        preserved = "float32" if self.dtype == "mixed_float16" else self.dtype  # unchecked here
        tags.transformer_tags.preserves_dtype = [preserved]
        return tags


def loss_description(network):
    """Return in words which loss the `history_` of a fitted network holds."""
    name = network._network.settings.loss.replace("_", " ")
    return name if network._network.scaling.y_mean is None else f"{name} of standardized y"
