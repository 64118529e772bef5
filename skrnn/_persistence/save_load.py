"""Files: estimators on disk, without pickle and without TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator

from skrnn._persistence.estimators import ESTIMATORS
from skrnn._persistence.forecasters import FORECASTERS
from skrnn._persistence.networks import NETWORKS
from skrnn._persistence.pandas import PANDAS
from skrnn._persistence.records import HINT, VALUES, from_record, require, to_record
from skrnn._utils.atomic_write import read_path
from skrnn._utils.file_format import FileFormatError, read_file, write_file

if TYPE_CHECKING:
    from typing import Any

    from skrnn._types import StrPath

CONTENT = "estimator"  # the entry of that name in a file written here
# All that a file may hold. A class joins by one entry.
CODECS = ESTIMATORS | NETWORKS | PANDAS | VALUES | FORECASTERS


def save(est: BaseEstimator, path: StrPath, *, key: bytes | str | None = None) -> None:
    """Save an estimator, fitted or not, to a file.

    The file holds its parameters and all that it has learned, so that what `load` returns predicts
    bitwise the same, and goes on training as it would. A file that exists is replaced in one step,
    once the new one is safe on the disk.

    Parameters
    ----------
    est : estimator
        `RNNRegressor`, `RNNClassifier`, `RNNForecaster`, `WindowTransformer`,
        `SequenceVectorizer`, or of scikit-learn `StandardScaler`, `MinMaxScaler`, `RobustScaler`,
        and a `Pipeline` or `TransformedTargetRegressor` of these.
    path : str or path-like
        Any name; ".skrnn" is customary.
    key : bytes or str, default=None
        A secret that signs the file, for `load` with the same key.

    Raises
    ------
    TypeError, ValueError
        If a part cannot be stored, named in the message; nothing is written then. Callbacks, a
        RandomState and functions of your own are such parts.

    See Also
    --------
    load : Returns the estimator.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import skrnn
    >>> X, y = skrnn.make_windows(np.sin(np.arange(80) / 3), timesteps=6)
    >>> regressor = skrnn.RNNRegressor("gru", hidden_size=8, epochs=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "sine.skrnn")
    ...     skrnn.save(regressor, path)
    ...     loaded = skrnn.load(path)
    >>> bool((loaded.predict(X) == regressor.predict(X)).all())
    True
    """
    path = read_path(path)
    if not isinstance(est, BaseEstimator):
        raise TypeError(f"`est` must be an estimator, got {est!r}. {HINT}")
    record = to_record(est, CODECS, type(est).__name__)
    try:
        from_record(record, CODECS)
    except FileFormatError as error:
        raise ValueError(f"`est` cannot be stored as it stands: {error}") from None
    write_file(path, {"content": CONTENT, "estimator": record}, key=key)


def load(path: StrPath, *, key: bytes | str | None = None) -> Any:
    """Return the estimator that a file holds.

    No code comes from the file: the classes and attributes that it may name stand in a table, and
    all sizes are checked. Neither TensorFlow nor Keras is imported where NumPy can predict. The
    file is proven whole by its SHA-256, which finds damage and not ill will: only a `key` shows
    that it comes from someone who has the key.

    Parameters
    ----------
    path : str or path-like
    key : bytes or str, default=None
        The file must have been saved with this key. None: signed files are read too, their
        signature unchecked.

    Returns
    -------
    estimator

    Raises
    ------
    FileFormatError
        If the file is damaged, cut short, none of skrnn's, written in a newer format, or not
        signed with the key.

    See Also
    --------
    save : Writes the file, with an example.

    Notes
    -----
    A scikit-learn scaler that was saved under another version of scikit-learn gives scikit-learn's
    own `InconsistentVersionWarning`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skrnn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "windows.skrnn")
    ...     skrnn.save(skrnn.WindowTransformer(timesteps=4), path, key="our secret")
    ...     skrnn.load(path, key="our secret")
    WindowTransformer(timesteps=4)
    """
    path = read_path(path)
    tree = read_file(path, key=key)
    try:
        content = tree.get("content") if isinstance(tree, dict) else None
        require(isinstance(content, str) and content == CONTENT, "the content")
        loaded = from_record(tree.get("estimator"), CODECS)
        require(isinstance(loaded, BaseEstimator), "the estimator")
    except FileFormatError as error:
        raise FileFormatError(f"{path} cannot be used: {error}") from error
    return loaded
