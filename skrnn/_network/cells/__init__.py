"""The cell types, one file for each, and a table of all."""

from skrnn._network.cells.gru import GRU
from skrnn._network.cells.lstm import LSTM
from skrnn._network.cells.simple_rnn import SIMPLE_RNN

CELLS = {"simple_rnn": SIMPLE_RNN, "gru": GRU, "lstm": LSTM}
