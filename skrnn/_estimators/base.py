"""BaseRNN: the parameters that both estimators share, and the story of fit and predict."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import fields, replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skrnn._data.samples import Samples, nonzero_indices, only
from skrnn._data.scaling import fit_scaling
from skrnn._data.sequences import unpadded
from skrnn._data.validation import (
    check_batches,
    check_shape,
    first_frame,
    naming,
    read_sequences,
    read_weights,
)
from skrnn._engines import engine_named, keras_engine, predicting_engine, training_engine
from skrnn._estimators.exports import Exports
from skrnn._estimators.out_of_core_fit import FitsBatches
from skrnn._network.architecture import html_summary, initial_weights, summary, variable_dtype
from skrnn._network.config import read_settings
from skrnn._network.embeddings import read_embeddings
from skrnn._network.parameters import (
    check_mask_value,
    check_resumed,
    describe,
    describe_shape,
    settle_vocab_size,
)
from skrnn._training.checkpoints import LEFT_OUT, NoCheckpoints, checkpoints_in, fingerprint
from skrnn._training.loop import Plan, TrainingCallback, joined, train
from skrnn._training.sklearn_callbacks import EpochTasks
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.declared_parameters import DeclaredEstimator
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import fit_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from sklearn.utils import Tags

    from skrnn._types import Array, ArrayLike, Block, Engine, KerasModel


def _draw(random_state):
    """Return a seed, one integer of the caller's stream."""
    return check_random_state(random_state).randint(np.iinfo(np.int32).max)


def _count_held_out(share, n_samples):
    n_held_out = int(np.ceil(share * n_samples))
    if n_held_out and n_held_out >= n_samples:
        raise ValueError(
            f"`validation_fraction` must leave a sample to train on: {share} of {n_samples} "
            "samples leaves none."
        )
    return n_held_out


class BaseRNN(
    FitsBatches, Exports, ClassNamePrefixFeaturesOutMixin, TransformerMixin, DeclaredEstimator
):
    """Recurrent network without a target. The leaves say what y is; this says the rest."""

    weights_: list[Array]
    history_: dict[str, list[float]]
    n_epochs_: int
    optimizer_state_: list[Array]
    n_outputs_: int
    n_features_in_: int
    feature_names_in_: Array
    input_shape_: tuple[int | None, int]
    engine_: Engine
    states_: list[Array]
    _asked_vocab_size = None  # what was fitted before "auto" was there has no such attribute

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
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
            Samples; 2-D is read as one feature for each timestep, or as token ids with
            `vocab_size`. A list of 2-D arrays, or of 1-D arrays of unequal lengths, holds
            sequences of any length.
        y : array-like of shape (n_samples,) or (n_samples, ...), or list
            Targets; with `return_sequences` one for each timestep, for a list X as a list of arrays
            of the same lengths or as one array padded at the end.
        sample_weight : array-like of shape (n_samples,), default=None
            Not negative; with `return_sequences` also one for each timestep, in the forms of y.
            Samples of zero weight are dropped.
        validation_data : tuple (X, y) or (X, y, sample_weight), default=None
            Wins over `validation_fraction`. As the network reads it: the steps of a pipeline before
            it do not transform it.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If an argument or parameter is not as required, or if training diverges; the estimator
            is then as it was before.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        share = 0.0 if validation_data is not None else self.validation_fraction
        return self._fit(
            X, y, sample_weight, validation_data, share, self.epochs, resume, not resume, whole=True
        )

    def transform(self, X: ArrayLike) -> Array:
        """Return the last hidden state of the last recurrent layer, as features for others.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features)
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, hidden_size), twice as wide if bidirectional
        """
        return self.hidden_states(X)

    def hidden_states(
        self, X: ArrayLike, return_sequences: bool = False, return_state: bool = False
    ) -> Array | Any:
        """Return what the last recurrent layer returns under Keras's two flags.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features)
            As in `fit`.
        return_sequences : bool, default=False
            True: the hidden state of every timestep; False: of the last one.
        return_state : bool, default=False
            True: the layer's final states too.

        Returns
        -------
        ndarray, or with `return_state` a list of ndarray
            The output, of shape (n_samples, units) or (n_samples, timesteps, units). With
            `return_state` it comes first, followed by the states: h; for an LSTM h and c; for
            a bidirectional layer the forward ones before the backward ones.
        """
        sequences = self._read_fitted(X)
        hidden = bool(return_sequences), bool(return_state)
        arrays = self._run(sequences, hidden=hidden)
        return arrays if return_state else arrays[0]

    def build_model(self, input_shape: Sequence[int | None]) -> KerasModel:
        """Build the unfitted Keras model that these parameters ask for.

        Parameters
        ----------
        input_shape : tuple of int
            (timesteps, features), or (batch, timesteps, features) with a fixed batch size;
            timesteps may be None. With `vocab_size` features is 1.

        Returns
        -------
        keras.Model
            With the weights from which `fit` begins; the output layer is that of one output, or
            as fitted.
        """
        self._validate_params()
        architecture = self._unfitted_architecture(input_shape)
        embeddings = read_embeddings(self.embedding_init, architecture)
        rng = self._rng(False, NoCheckpoints())
        return keras_engine().fresh_model(architecture, rng, embeddings)

    def summary(self, input_shape: Sequence[int | None] | None = None) -> str:
        """Return the layers, their output shapes and parameter counts as text.

        Parameters
        ----------
        input_shape : tuple of int, default=None
            As in `build_model`; None: as fitted.

        Returns
        -------
        str
        """
        if input_shape is not None:
            self._validate_params()
            return summary(self._unfitted_architecture(input_shape))
        check_is_fitted(self, "weights_")
        return summary(self._architecture)

    def _html_repr(self):
        """Return what notebooks show: the parameters, and once fitted the layers."""
        html = super()._html_repr()
        if not hasattr(self, "weights_"):
            return html
        return f"{html}{html_summary(self._architecture)}"

    def reset_states(self) -> Self:
        """Set the carried states of a stateful network to zero.

        Returns
        -------
        self
        """
        check_is_fitted(self, "weights_")
        if not self._architecture.stateful:
            raise ValueError("`reset_states` needs `stateful=True`: this network carries no state.")
        self.states_ = self._zero_states()
        return self

    @property
    def embeddings_(self) -> Array:
        """The vector of each token id, (vocab_size, embedding_dim), as fitted."""
        check_is_fitted(self, "weights_")
        if self._architecture.vocab_size is None:
            raise AttributeError("`embeddings_` needs `vocab_size`: this network has no Embedding.")
        return self.weights_[0]

    @property
    def _variable_dtype(self):
        return variable_dtype(self.dtype)

    @property
    def _n_features_out(self):
        return self._architecture.hidden_width

    def _fit(
        self, X, y, sample_weight, validation_data, share, epochs, resume, reset_y, whole=False
    ):
        """Train on X and y, and keep what was learned; the caller undoes a failure."""
        sequences = self._read_X(X, reset=not resume)
        vocab_size = self._settled_vocab_size(None if resume else sequences)
        check_mask_value(self.mask_value, vocab_size)
        targets, weights = self._read_y(y, sample_weight, sequences, reset=reset_y)
        if whole and resume:
            self._check_whole(targets, weights > 0)
        weighed, chosen = self._weighed(weights, targets)
        n_chosen = len(sequences) if chosen is None else len(chosen)
        n_held_out = _count_held_out(share, n_chosen)
        self._describe(vocab_size, sequences, targets, n_chosen - n_held_out, epochs, resume)
        check_batches(n_chosen - n_held_out, self._architecture.batch_size, "X")
        check_batches(n_held_out, self._architecture.batch_size, "The validation set")
        given, data = None, [sequences.values, targets.values, weights, weighed]
        if validation_data is not None:
            given = self._read_validation(validation_data)
            data += [given[0].values, given[1].values, given[2]]
        with self._checkpoints(data, resume, whole) as checkpoints:
            # Called late: a refused fit moves no stream.
            rng = cache(partial(self._rng, resume, checkpoints))
            if n_held_out:
                chosen = np.arange(n_chosen) if chosen is None else chosen
                chosen, held_out = self._hold_out(chosen, targets, n_held_out, rng)
                given = sequences, targets, weights, held_out
            read = sequences, targets, self._weigh(weights, targets, chosen), chosen
            if not resume:
                self._fit_scaling([read], targets.scaled)
            training = self._samples(*read)
            validation = None if given is None else self._samples(*given)
            tasks = self._epoch_tasks(X, y, sample_weight, resume)
            self._train(training, validation, epochs, rng, resume, checkpoints, tasks)
        return self

    def _weighed(self, weights, targets, unit=None):
        """Return weights times those of classes, and where they leave something to learn from."""
        chosen = nonzero_indices(weights)
        weighed = self._weigh(weights, targets, chosen, unit)
        return weighed, nonzero_indices(weighed, chosen)

    def _epoch_tasks(self, X, y, sample_weight, resume):
        """Return what makes of a TrainingCallback one that tells scikit-learn's callbacks too."""
        if not hasattr(self, "_callback_fit_ctx"):
            return lambda hook: hook
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        data = {"X": X, "y": y, "metadata": metadata}
        return lambda hook: EpochTasks(hook, self, data, partial(self._learned, resume))

    def _most_tasks(self):
        return self.epochs

    def _adopt(self, network):
        """Take over a KerasNetwork as if it had been learned here."""
        self._validate_params()
        architecture = network.architecture
        self._architecture, self._settings = architecture, network.settings
        self._scaling, self._standardize = network.scaling, self.standardize
        self._mask_value, self._asked_vocab_size = self.mask_value, self.vocab_size
        self._asked_engine, self.engine_ = self.engine, "keras"
        self.weights_, self.optimizer_state_ = network.weights, network.optimizer_state
        self.history_, self.n_epochs_ = {"loss": [], "seconds": []}, 0
        self.n_outputs_ = int(np.prod(architecture.outputs))
        self.input_shape_ = (architecture.timesteps, architecture.features)
        self.n_features_in_ = architecture.features
        if architecture.vocab_size is not None and architecture.timesteps is not None:
            self.n_features_in_ = architecture.timesteps  # token ids come as a 2-D array
        if architecture.stateful:
            self.states_ = network.states
        return self

    def _rng(self, resume, checkpoints):
        """Return the stream of this fit, from one integer of the caller's."""
        seed = checkpoints.settle(_draw(self.random_state))
        return np.random.default_rng([seed, self.n_epochs_ if resume else 0])

    def _checkpoints(self, data, resume, whole):
        """Return a context that gives what keeps this fit, or a stand-in that keeps nothing.

        Parameters
        ----------
        data : list of ndarray
            All that comes from the arguments of `fit`.
        resume, whole : bool
            Whether it goes on from present weights; whether it is no `partial_fit`.
        """
        if self.checkpoint_dir is None or not whole:
            return nullcontext(NoCheckpoints())
        if self.callbacks is not None:
            raise ValueError(
                "`checkpoint_dir` must be None with `callbacks`, whose own state no file can hold. "
                "Leave out one of them."
            )
        left_out = {"embedding_init", *LEFT_OUT}  # its `repr` would not say all
        params = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        if self.embedding_init is not None:
            data = [*data, read_embeddings(self.embedding_init, self._architecture)]
        # Without a seed, the one that was kept is taken up.
        seed = None if self.random_state is None else _draw(deepcopy(self.random_state))
        places = self.engine_, engine_named(self.engine_).device_names(self.device)
        words = [type(self).__name__, params, self._architecture, self._settings, places, seed]
        if resume:
            constants = [array for array in vars(self._scaling).values() if array is not None]
            words.append(self.n_epochs_)
            data = [*data, *self.weights_, *self.optimizer_state_, *constants]
        return checkpoints_in(self.checkpoint_dir, self.checkpoint_every, fingerprint(words, data))

    def _partial_fit(self, X, y, sample_weight, known_targets=False):
        """Run one epoch on X, from the present weights where there are any."""
        resume = hasattr(self, "weights_")
        return self._fit(X, y, sample_weight, None, 0.0, 1, resume, not (resume or known_targets))

    def _read_X(self, X, *, reset):
        """Return X as Sequences, its shape learned or compared with that of `fit`."""
        if reset:
            vocab_size, mask_value, dtype = self.vocab_size, self.mask_value, self._variable_dtype
        else:  # as fitted, whatever `set_params` did since
            vocab_size, mask_value = self._architecture.vocab_size, self._mask_value
            dtype = self._architecture.variable_dtype
        fold = not reset and self._asked_vocab_size == "auto"
        sequences = read_sequences(
            X, vocab_size=vocab_size, mask_value=mask_value, dtype=dtype, fold=fold
        )
        if reset:
            timesteps = None if sequences.lengths is not None else sequences.timesteps
            self.input_shape_ = (timesteps, sequences.features)
            self.n_features_in_ = sequences.features
            vars(self).pop("feature_names_in_", None)
        named = X if sequences.flat else first_frame(X)
        expected = self.input_shape_[0 if sequences.flat else 1]
        if named is not None and (reset or self.n_features_in_ == expected):
            validate_data(self, named, reset=reset, skip_check_array=True)
        if not reset:
            check_shape(sequences, *self.input_shape_)
        return sequences

    def _read_y(self, y, sample_weight, sequences, *, reset, unit=None):
        """Return Targets, and weights that are zero where nothing is to be learned."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        weights = self._read_weights(sample_weight, sequences, unit)
        return self._encode(y, sequences, weights > 0, reset=reset), weights

    def _read_weights(self, sample_weight, sequences, unit=None):
        by_step, dtype = bool(self.return_sequences), self._variable_dtype
        return read_weights(sample_weight, sequences, by_step=by_step, dtype=dtype, unit=unit)

    def _settled_vocab_size(self, sequences=None):
        """Return `vocab_size` as found in sequences, or None: as fitted."""
        if sequences is None:
            fitted = getattr(self, "_architecture", None)
            return settle_vocab_size(self.vocab_size, fitted and fitted.vocab_size)
        return settle_vocab_size(
            self.vocab_size, sequences.vocab_size if sequences.tokens else None
        )

    def _describe(self, vocab_size, sequences, targets, n_training, epochs, resume):
        """Set architecture, settings and engine, or refuse to go on with another network."""
        batch_size = min(self.batch_size, n_training) if self.stateful else self.batch_size
        architecture = describe(
            self,
            vocab_size=vocab_size,
            timesteps=self.input_shape_[0],
            features=sequences.features,
            masked=self._architecture.masked if resume else sequences.masked,
            batch_size=batch_size,
            outputs=targets.outputs,
            output_activation=targets.activation,
        )
        settings = read_settings(self.optimizer, self.learning_rate, targets.loss, batch_size)
        read_embeddings(self.embedding_init, architecture)  # refused before anything is drawn
        self.engine_ = training_engine(
            self.engine,
            self.device,
            architecture,
            settings,
            (n_training, sequences.timesteps, epochs),
            has_callbacks=self.callbacks is not None,
        )
        if self.engine_ == "keras":
            keras_engine().check_settings(architecture, settings)
        if resume:
            check_resumed(
                (architecture, settings, self.mask_value, self.standardize),
                (self._architecture, self._settings, self._mask_value, self._standardize),
            )
        self._architecture, self._settings = architecture, settings
        self._mask_value, self._standardize = self.mask_value, self.standardize
        self._asked_engine, self._asked_vocab_size = self.engine, self.vocab_size

    def _fit_scaling(self, parts, scaled):
        """Learn the constants of standardization.

        Parameters
        ----------
        parts : iterable of (Sequences, Targets, weights, positions)
            What makes Samples.
        scaled : bool
            Whether the targets may be standardized.
        """
        self._scaling = fit_scaling(
            (
                (sequences, targets.values, only(weights, positions))
                for sequences, targets, weights, positions in parts
            ),
            scale_x=self.standardize in (True, "X"),
            scale_y=scaled and self.standardize in (True, "y"),
        )

    def _samples(self, sequences, targets, weights, positions):
        dtype = self._variable_dtype
        values = self._scaling.standardize_y(targets.values, dtype)
        return Samples(sequences, values, weights, self._scaling, dtype, positions)

    def _read_validation(self, validation_data):
        """Return what makes Samples of a (X, y) or (X, y, sample_weight) tuple."""
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            listed = isinstance(validation_data, (tuple, list))
            got = f"{len(validation_data)} items" if listed else type(validation_data).__name__
            raise ValueError(
                f"`validation_data` must be a tuple (X, y) or (X, y, sample_weight), got {got}."
            )
        X, y, *weight = validation_data
        with naming("validation_data"):
            sequences = self._read_X(X, reset=False)
            targets, weights = self._read_y(y, *(weight or [None]), sequences, reset=False)
        positions = nonzero_indices(weights)
        n_samples = len(sequences) if positions is None else len(positions)
        check_batches(n_samples, self._architecture.batch_size, "The validation set")
        return sequences, targets, weights, positions

    def _train(self, training, validation, epochs, rng, resume, checkpoints, tasks):
        """Run the epochs and keep arrays and history."""
        engine = engine_named(self.engine_)
        before = self.n_epochs_ if resume else 0
        plan = Plan(
            epochs=epochs,
            first_epoch=before,
            shuffle=self.shuffle and not self.stateful,
            patience=self.patience,
            min_delta=self.min_delta,
            verbose=bool(self.verbose),
        )
        data, network = (training, validation), (self._architecture, self._settings)
        with engine.device_scope(self.device), engine.training_scope():
            hook = TrainingCallback()
            if self.callbacks is not None:
                hook = engine.callback_hook(
                    self.callbacks, *network, self._mask_value, training, plan
                )
            rng = rng()
            embeddings = read_embeddings(self.embedding_init, self._architecture)
            fresh = (initial_weights(self._architecture, rng, embeddings), None)
            start = (self.weights_, self.optimizer_state_ or None) if resume else fresh
            trained = train(engine, *network, plan, start, data, rng, tasks(hook), checkpoints)
        vars(self).pop("states_", None)
        learned = self._learned(resume, trained.weights, trained.optimizer_state, trained.history)
        vars(self).update(learned)

    def _learned(self, resume, weights, optimizer_state, history):
        """Return the attributes that training leaves."""
        history = joined(self.history_ if resume else {}, history)
        learned = {
            "weights_": weights,
            "optimizer_state_": optimizer_state,
            "history_": history,
            "n_epochs_": len(history["loss"]),
            "n_outputs_": int(np.prod(self._architecture.outputs)),
        }
        if self._architecture.stateful:
            learned["states_"] = self._zero_states()
        return learned

    def _zero_states(self):
        engine = self._predicting_engine(self._architecture)
        with engine.device_scope(self.device):
            return engine.zero_states(self._architecture)

    def _run(self, sequences, hidden=None, *, activation=None):
        """Return the raw outputs of the network, or hidden states, as a list of arrays.

        An activation other than None stands in for that of the output layer.
        """
        architecture = self._architecture
        if activation is not None:
            architecture = replace(architecture, output_activation=activation)
        states = self.states_ if architecture.stateful else None
        check_batches(len(sequences), architecture.batch_size, "X")
        engine = self._predicting_engine(architecture)
        with engine.device_scope(self.device):
            outputs, states = engine.predict(
                architecture,
                self.weights_,
                sequences,
                self._scaling,
                recurrent_states=states,
                hidden=hidden,
            )
        if architecture.stateful and hidden is None:
            self.states_ = states
        return outputs

    def _predicting_engine(self, architecture):
        return engine_named(predicting_engine(self._asked_engine, self.device, architecture))

    def _forward(self, X):
        """Return X as Sequences and the network's outputs for it, in the units of y."""
        sequences = self._read_fitted(X)
        return sequences, self._outputs(sequences)

    def _read_fitted(self, X):
        check_is_fitted(self, "weights_")
        return self._read_X(X, reset=False)

    def _outputs(self, sequences):
        """Return the network's outputs in the units of y."""
        return self._scaling.restore_y(self._run(sequences)[0])

    def _as_given(self, values, sequences):
        """Return values of timesteps as a list of sequences was given; others as they are."""
        return unpadded(values, sequences.lengths if self._architecture.return_sequences else None)

    def _unfitted_architecture(self, input_shape):
        """Return the Architecture for an input shape, with the outputs as fitted, or one."""
        fitted = getattr(self, "_architecture", None)
        return describe_shape(
            self,
            input_shape,
            vocab_size=self._settled_vocab_size(),
            outputs=fitted.outputs if fitted else (1,),
            output_activation=fitted.output_activation if fitted else self._default_activation,
        )

    def __dir__(self) -> list[str]:
        """Leave out `model_`, which listing would build: the HTML view reads all that is listed."""
        names = (name for name in object.__dir__(self) if name != "model_")
        return [name for name in names if hasattr(self, name)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = isinstance(self.mask_value, float) and np.isnan(self.mask_value)
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = [self._variable_dtype]
        return tags


def loss_description(network):
    """Return in words what the `history_` of a fitted network measures."""
    name = network._settings.loss.replace("_", " ")
    return name if network._scaling.y_mean is None else f"{name} of standardized y"
