"""The layers that tests compare each cell type with: Keras's own."""

import keras

LAYERS = {
    "simple_rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
}
CELLS = tuple(LAYERS)
