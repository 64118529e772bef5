"""The cell types of the table, and the Keras layers that tests compare them with."""

from skrnn._keras_engine.recurrent_layers import layer_class
from skrnn._network.cells import CELLS as SPECS

CELLS = tuple(SPECS)
LAYERS = {cell: layer_class(cell) for cell in CELLS}
