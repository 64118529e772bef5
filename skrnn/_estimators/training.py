"""The parts of a fit that all estimators share: configuration, random generator, training."""

import sys
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import fields
from functools import partial

import numpy as np
from sklearn.utils import check_random_state

from skrnn._estimators.fit_metrics import epoch_metrics, metrics_of
from skrnn._network.embeddings import read_embeddings
from skrnn._network.initializers import initial_weights
from skrnn._network.keras_objects import as_parameter
from skrnn._network.learning_rate import check_rate, rate_in_epoch
from skrnn._training.checkpoints import LEFT_OUT, NoCheckpoints, checkpoints_in, fingerprint
from skrnn._training.learning_rates import KnownRates, PlateauRates
from skrnn._training.loop import FitConfig, Trained, joined, train
from skrnn._training.metrics import read_monitor
from skrnn._training.schedule import Schedule, settle_schedule
from skrnn._training.sklearn_callbacks import EpochTasks

MOST_SEEDS = np.iinfo(np.int32).max


def read_schedule(estimator, n_samples, validation_data, *, whole=True):
    """Return the Schedule of a fit; `verbose` prints the choice of `epochs="auto"`."""
    validated = validation_data is not None
    schedule = settle_schedule(estimator, n_samples, validated=validated, whole=whole)
    if estimator.verbose and estimator.epochs == "auto":
        print(f"epochs='auto' for {n_samples:,} samples: {schedule}", file=sys.stderr)
    return schedule


def fit_config(estimator, resume, schedule, checkpoint_dir=None, *, scale_weights=True):
    """Return the FitConfig for the present parameters and a Schedule."""
    metrics = metrics_of(estimator)
    return FitConfig(
        **schedule._asdict(),
        resume=resume,
        first_epoch=estimator.n_epochs_ if resume else 0,
        scale_weights=scale_weights,
        shuffle=estimator.shuffle and not estimator.stateful,
        monitor=estimator.monitor,
        maximize=read_monitor(estimator.monitor, metrics) > 0,
        min_delta=estimator.min_delta,
        checkpoint_dir=checkpoint_dir,
        verbose=bool(estimator.verbose),
    )


def draw_rng(estimator, config, checkpoints):
    """Return the generator of a fit; its seed is drawn from `random_state` after all checks."""
    seed = checkpoints.settle(check_random_state(estimator.random_state).randint(MOST_SEEDS))
    return np.random.default_rng([seed, config.first_epoch])


def _known_parameters(estimator):
    """Return the parameters that identify a checkpoint."""
    # The `repr` of some is incomplete. The Settings hold the learning rate, and the Architecture
    # the network.
    left_out = {"embedding_init", "metrics", "learning_rate", "network", "network_params"}
    return {
        f.name: as_parameter(getattr(estimator, f.name))
        for f in fields(estimator)
        if f.name not in left_out | set(LEFT_OUT)
    }


def open_checkpoints(estimator, engine, data, validation, config):
    """Return a context with the checkpoints of this fit, or with a stand-in that saves nothing."""
    if config.checkpoint_dir is None:
        return nullcontext(NoCheckpoints())
    if estimator.callbacks is not None:
        raise ValueError(
            f"`checkpoint_dir` must be None with `callbacks`, got {config.checkpoint_dir!r}: the "
            "state of callbacks cannot be saved. Leave out one of them."
        )
    network = estimator._network
    arrays = [*data.arrays(), estimator._weigh(data)]
    arrays += [] if validation is None else validation.arrays()
    if estimator.embedding_init is not None:
        arrays.append(read_embeddings(estimator.embedding_init, network.architecture))
    if callable(estimator.learning_rate):
        arrays.append(np.array(learning_rates(estimator, config, validated=False).rates))
    seed = estimator.random_state
    if seed is not None:  # without one, the saved seed is used
        seed = check_random_state(deepcopy(seed)).randint(MOST_SEEDS)
    devices = estimator.engine_, engine.device_names(estimator.device)
    words = [
        type(estimator).__name__,
        _known_parameters(estimator),
        network.architecture,
        network.settings,
        devices,
        seed,
        [metric.name for metric in metrics_of(estimator)],
    ]
    if config.resume:
        constants = [array for array in vars(network.scaling).values() if array is not None]
        words.append(estimator.n_epochs_)
        arrays += [*estimator.weights_, *estimator.optimizer_state_, *constants]
    known_by = fingerprint(words, arrays)
    return checkpoints_in(config.checkpoint_dir, estimator.checkpoint_every, known_by)


def learning_rates(estimator, config, *, validated):
    """Return the learning rates of a fit's epochs, None if they are constant."""
    epochs = range(config.first_epoch, config.first_epoch + config.epochs)
    if callable(estimator.learning_rate):
        return KnownRates([rate_in_epoch(estimator.learning_rate, epoch) for epoch in epochs])
    settings, schedule = estimator._network.settings, estimator._network.settings.schedule
    if schedule is None:
        return None
    if schedule.name == "plateau":
        monitor = "val_loss" if validated else "loss"
        before = estimator.history_.get(monitor, []) if config.resume else []
        rate, watched = float(np.float32(settings.learning_rate)), before[schedule.begun :]
        return PlateauRates(rate, dict(schedule.config), monitor, watched)
    rates = schedule.decayed(settings.learning_rate, np.array(epochs) - schedule.begun).tolist()
    remedy = "The schedule is at its end: set a larger 'decay_epochs' in it, or use a number"
    return KnownRates([check_rate(*item, remedy) for item in zip(rates, epochs, strict=True)])


def epoch_tasks(estimator, config, X=None, y=None, sample_weight=None):
    """Return the TrainingCallback that notifies scikit-learn's callbacks, if there are any."""
    if not getattr(estimator, "_skl_callbacks", None):  # a search sets an empty context
        return []
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    data = {"X": X, "y": y, "metadata": metadata}
    return [EpochTasks(estimator, data, partial(fitted_attributes, estimator, config))]


def train_network(
    estimator, engine, training, validation, config, rng, checkpoints, tasks, datasets
):
    """Run the epochs on Samples and set the fitted attributes; `rng` calls `draw_rng`.

    `datasets` returns the Datasets that `training` consists of.
    """
    network, callbacks = estimator._network, list(tasks)
    _check_monitor(config, validation)
    metrics = epoch_metrics(estimator, datasets, validation)
    rates = learning_rates(estimator, config, validated=validation is not None)
    validation = None if validation is None else validation.samples(network)
    with engine.training_scope(estimator.device):
        if estimator.callbacks is not None:
            hook = engine.callback_hook(
                estimator.callbacks,
                network.architecture,
                network.settings,
                network.mask_value,
                training,
                config.epochs,
                _signs(estimator, validation),
                scheduled=rates is not None,
            )
            callbacks.insert(0, hook)
        callbacks[:0] = metrics
        rng = rng()
        embeddings = read_embeddings(estimator.embedding_init, network.architecture)
        fresh = initial_weights if network.architecture.network is None else engine.fresh_weights
        start = fresh(network.architecture, rng, embeddings), None
        if config.resume:  # after the draws above: a continued fit shuffles like a new one
            start = estimator.weights_, estimator.optimizer_state_ or None
        session = engine.TrainingSession(network.architecture, network.settings, training)
        trained = train(session, config, start, validation, rng, callbacks, checkpoints, rates)
    vars(estimator).pop("states_", None)
    vars(estimator).update(fitted_attributes(estimator, config, trained))


def _signs(estimator, validation):
    """Map the name of each value of an epoch to 1 if more is better, else to -1."""
    signs = {"loss": -1} | {metric.name: metric.sign for metric in metrics_of(estimator)}
    return signs | ({} if validation is None else {f"val_{name}": signs[name] for name in signs})


def _check_monitor(config, validation):
    """Refuse to follow a validation metric without a validation set; "val_loss" is allowed."""
    of_validation = config.monitor.startswith("val_") and config.monitor != "val_loss"
    if of_validation and validation is None and config.patience is not None:
        raise ValueError(
            "`monitor` must name a value on the training set if there is no validation set, got "
            f"{config.monitor!r}. Set `validation_fraction`, or pass `validation_data`."
        )


def fitted_attributes(estimator, config, trained):
    """Return the fitted attributes that training sets."""
    history = trained.history
    if config.resume:
        history = joined(estimator.history_, history)
    architecture = estimator._network.architecture
    fitted = {
        "weights_": trained.weights,
        "optimizer_state_": trained.optimizer_state,
        "history_": history,
        "n_epochs_": len(history["loss"]),
        "fit_settings_": {name: getattr(config, name) for name in Schedule._fields[:3]},
        "n_outputs_": int(np.prod(architecture.output_shape)),
    }
    if architecture.stateful:
        fitted["states_"] = architecture.zero_states()
    return fitted


def adopt_network(network, target_shape=None):
    """Return the estimator of a KerasNetwork, set up as if `fit` had trained it."""
    estimator, architecture = network.estimator, network.architecture
    estimator._validate_params()
    estimator._set_network(
        architecture, network.settings, target_shape, "keras", scaling=network.scaling
    )
    history = {"loss": [], "seconds": []}
    trained = Trained(network.weights, network.optimizer_state, history)
    config = fit_config(estimator, resume=False, schedule=Schedule(epochs=0))
    vars(estimator).update(fitted_attributes(estimator, config, trained))
    estimator.input_shape_ = (architecture.timesteps, architecture.features)
    estimator.n_features_in_ = architecture.features
    if architecture.vocab_size is not None and architecture.timesteps is not None:
        estimator.n_features_in_ = architecture.timesteps  # token ids come as a 2-D array
    if architecture.stateful:
        estimator.states_ = network.states
    return estimator
