"""FittedNetwork: everything that a fit sets except the weights, and prediction with it."""

from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np

from skrnn._data.scaling import Scaling
from skrnn._data.validation import check_batches
from skrnn._engines import predicting_engine
from skrnn._network.architecture import Architecture
from skrnn._network.config import Settings
from skrnn._utils.field_types import Count, Size

MORE_SAMPLES = (
    "Repeat the last sample up to a multiple and ignore the extra outputs, or fit with a "
    "`batch_size` that divides this number, such as 1."
)


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A network as it was fitted; later calls of `set_params` do not change it."""

    architecture: Architecture
    settings: Settings
    mask_value: float | None
    standardize: bool | Literal["X", "y"]
    asked_engine: Literal["auto", "keras", "native", "numpy"]
    asked_vocab_size: Size | Literal["auto"] | None = None
    scaling: Scaling = field(default_factory=Scaling)
    target_shape: tuple[Size, ...] | None = None
    static_columns: tuple[Count, ...] = ()  # of X, in the order of `static_features`

    def restore_y(self, outputs):
        """Return raw outputs in the units of y."""
        if not self.architecture.quantiles:
            return self.scaling.restore_y(outputs)
        by_quantile = np.moveaxis(outputs, -1, 0)  # the constants belong to outputs, not quantiles
        return np.moveaxis(self.scaling.restore_y(by_quantile), 0, -1)

    @property
    def maps_unknown_tokens(self):
        """Whether larger token ids than those of the fit are read as out of vocabulary."""
        return self.asked_vocab_size == "auto"

    @property
    def missing(self):
        """Arguments of Sequences: how they read NaN in features."""
        architecture = self.architecture
        return {"fills_missing": architecture.fills_missing, "flagged": architecture.flagged}

    def check_continues(self, before):
        """Refuse to continue a fitted network as another network, or with another optimizer.

        Its frozen layers may change.
        """
        names = [f.name for f in fields(Architecture) if f.name != "frozen_layers"]
        words = {
            "cell_types": "cell_type",
            "units": "hidden_size",
            "n_static": "static_features",
            "fills_missing": "missing",
        }
        compared = [
            (self.architecture, before.architecture, names),
            (self.settings, before.settings, ["loss", "loss_config", "optimizer"]),
        ]
        changed = [
            words.get(name, name)
            for now, then, names in compared
            for name in names
            if getattr(now, name) != getattr(then, name)
        ]
        if str(self.mask_value) != str(before.mask_value):  # NaN is not equal to itself
            changed.append("mask_value")
        if self.standardize != before.standardize:
            changed.append("standardize")
        if self.static_columns != before.static_columns:
            changed.append("static_features")
        if changed:
            raise ValueError(
                f"The fitted network cannot be continued: {', '.join(changed)} changed since `fit`."
                " Set `warm_start=False`, or clone the estimator, to train from scratch."
            )

    def run(self, weights, sequences, device, states=None, hidden=None, activation=None):
        """Return the network's raw outputs, or hidden states, and the final recurrent states.

        A stateful network continues from `states`. `hidden` is as in `Engine.predict`. `activation`
        replaces the activation of the output layer.
        """
        architecture = self.architecture
        if activation is not None:
            architecture = replace(architecture, output_activation=activation)
        check_batches(len(sequences), architecture.batch_size, "X", MORE_SAMPLES)
        engine = predicting_engine(self.asked_engine, device, architecture)
        return engine.predict(
            architecture,
            weights,
            sequences,
            self.scaling,
            device=device,
            recurrent_states=states,
            hidden=hidden,
        )
