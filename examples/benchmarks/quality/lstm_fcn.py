"""LSTM-FCN on three sets: convolutions next to an LSTM, written as one function of Keras layers.

The network is that of Karim, Majumdar, Darabi and Harford (2019), "Multivariate LSTM-FCNs for time
series classification", doi:10.1016/j.neunet.2019.04.014, without its squeeze-and-excite blocks.
`--choose` predicts five folds of the training part.

    python examples/benchmarks/quality/lstm_fcn.py FOLDER [--choose]
"""

import basic_motions
import italy_power_demand
import japanese_vowels
import keras
from choosing import Trial, run

from skrnn import RNNClassifier

layers, ops = keras.layers, keras.ops


def lstm_fcn(inputs, mask=None, units=8, filters=64, dropout=0.8, transposed=False):
    """Return the last state of an LSTM and the mean over time of three convolutions.

    A `transposed` LSTM takes one step for each feature, which reads the feature's whole course.
    """
    x = inputs
    for size, width in ((filters, 8), (2 * filters, 5), (filters, 3)):
        x = layers.Conv1D(size, width, padding="same", kernel_initializer="he_uniform")(x)
        x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x, mask=mask))
        if mask is not None:  # else padding would be read from the second convolution on
            x = ops.where(ops.expand_dims(mask, -1), x, 0.0)
    x = layers.GlobalAveragePooling1D()(x, mask=mask)
    steps = layers.Permute((2, 1))(inputs) if transposed else inputs
    state = layers.LSTM(units)(steps, mask=None if transposed else mask)
    return layers.Concatenate()([layers.Dropout(dropout)(state), x])


def trial(title, measure, chosen, must_reach, candidates, **parameters):
    shared = {"learning_rate": 0.001, "network": lstm_fcn}
    return Trial(
        f"{title}, accuracy of an LSTM-FCN",
        measure,
        RNNClassifier(**shared | parameters),
        candidates,
        chosen,
        must_reach,
        seeded="random_state",
        n_seeds=5,
        best=max,
    )


if __name__ == "__main__":
    run(
        season=trial(
            "Italy power demand",
            italy_power_demand.measure,
            "128 filters, transposed",
            0.965,
            {
                "64 filters, transposed": {"network_params": {"transposed": True}},
                "128 filters, transposed": {"network_params": {"filters": 128, "transposed": True}},
            },
            epochs=100,
            batch_size=16,
        ),
        vowels=trial(
            "Japanese vowels",
            japanese_vowels.measure,
            "8 units",
            0.985,
            {
                "8 units": {"network_params": {"units": 8}},
                "64 units": {"network_params": {"units": 64}},
            },
            epochs=60,
            batch_size=16,
        ),
        motions=trial(
            "basic motions",
            basic_motions.measure,
            "8 units",
            1.0,
            {
                "8 units": {"network_params": {"units": 8}},
                "64 units": {"network_params": {"units": 64}},
            },
            epochs=60,
            batch_size=8,
        ),
    )
