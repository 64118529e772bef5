"""Exports: a fitted network handed on, as a Keras model, a .keras file or an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.utils.validation import check_is_fitted

from skrnn._convert.onnx import add_network, check_exportable
from skrnn._convert.onnx_graph import Graph
from skrnn._engines import keras_engine
from skrnn._utils.atomic_write import read_path, replacing

if TYPE_CHECKING:
    from skrnn._types import KerasModel, StrPath


class Exports:
    """What an estimator's network becomes for those who do without skrnn."""

    @property
    def model_(self) -> KerasModel:
        """The fitted network as a new keras.Model that reads X as `predict` does."""
        check_is_fitted(self, "weights_")
        return keras_engine().fitted_model(
            self._architecture, self.weights_, self._scaling, self._mask_value
        )

    def to_keras(self, path: StrPath) -> None:
        """Write the fitted network as a file that `keras.models.load_model` reads without skrnn.

        The loaded model is `model_`: it reads raw X as an array, absent timesteps as NaN or as
        `mask_value` (token ids: as -1 too), and returns the outputs of `predict`, or the sigmoid or
        softmax outputs behind `predict_proba`. A regressor of one output returns (n_samples, 1);
        a stateful network begins with zeros.

        Parameters
        ----------
        path : str or path-like
            Ends in ".keras". A file that is there is replaced once the new one is whole.

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
        with replacing(path, ".keras") as beside:
            model.save(beside)

    def to_onnx(self, path: StrPath) -> None:
        """Write the fitted network as an ONNX graph of standard operators, without Keras.

        The graph's one input is "X", raw as in `predict`: numbers of shape (n_samples, timesteps,
        features) in the dtype of `weights_`, one feature where a 2-D X was fitted; or token ids of
        shape (n_samples, timesteps), int64. Any number of samples is taken. The timesteps are those
        of `fit`; any number after a fit on a list, whose shorter sequences are filled up with NaN,
        or with -1 for token ids. Absent timesteps may stand anywhere, as in `predict`.

        A regressor's output is "prediction". A classifier's are "probabilities", as from
        `predict_proba`, and "label", as from `predict`: labels in the type of `classes_`.

        Inside, the graph computes in float32, also with `dtype="float64"`, because runtimes have
        recurrent operators of that type alone; X and y are standardized in float64.

        Parameters
        ----------
        path : str or path-like
            Ends in ".onnx". A file that is there is replaced once the new one is whole.

        Raises
        ------
        ValueError
            If the standard has no operator for the network: `stateful=True`, an activation such as
            "gelu" in the cells, labels that are neither numbers nor str.
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
        check_exportable(self._architecture)
        graph = Graph()
        outputs = add_network(
            graph, self._architecture, self.weights_, self._scaling, self._mask_value
        )
        self._add_outputs(graph, outputs)
        graph.write(path)
