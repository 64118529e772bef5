"""Save and load: estimators as files, without pickle and without TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator

from skrnn._estimators.stepper import Stepper
from skrnn._persistence.custom_networks import CUSTOM_NETWORKS, importable_codec
from skrnn._persistence.detectors import DETECTORS
from skrnn._persistence.estimators import ESTIMATORS
from skrnn._persistence.forecasters import FORECASTERS
from skrnn._persistence.networks import NETWORKS
from skrnn._persistence.steppers import STEPPERS
from skrnn._utils.atomic_write import read_path
from skrnn._utils.file_format import FileFormatError, read_file, write_file
from skrnn._utils.pandas_records import PANDAS
from skrnn._utils.records import HINT, VALUES, from_record, function_codec, require, to_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from skrnn._types import StrPath

KINDS = BaseEstimator, Stepper
CONTENT = "estimator"  # distinguishes the file from other files of the same format
# The table of everything that a file may hold; one entry adds a class.
CODECS = ESTIMATORS | NETWORKS | PANDAS | VALUES | FORECASTERS | DETECTORS | STEPPERS
CODECS |= CUSTOM_NETWORKS | {"function": function_codec()}


def save(est: BaseEstimator | Stepper, path: StrPath, *, key: bytes | str | None = None) -> None:
    """Save an estimator, fitted or not, to a file.

    Use it instead of pickle, whose files can run code when they are loaded. The file holds the
    parameters and all learned attributes. A loaded estimator gives bitwise equal predictions, and
    continues training in the same way. An existing file is replaced in one step, once the new one
    is complete on the disk.

    Parameters
    ----------
    est : estimator
        An `RNNRegressor`, `RNNClassifier`, `RNNForecaster`, `RNNDetector`, `WindowTransformer`,
        `SequenceVectorizer` or `SequenceReshaper`; scikit-learn's `StandardScaler`, `MinMaxScaler`
        or `RobustScaler`; a `Pipeline`, `TransformedTargetRegressor`, `FixedThresholdClassifier` or
        `TunedThresholdClassifierCV` of these; or the `Stepper` of a network, with its states.
    path : str or path-like
        Path of the file, with any name; by convention it ends in ".skrnn".
    key : bytes or str, default=None
        Secret to sign the file with; `load` verifies the signature with the same key. None: the
        file is not signed.

    Raises
    ------
    TypeError, ValueError
        If a part cannot be stored, such as callbacks, a RandomState or a lambda. The message names
        it, and nothing is written. Functions that can be imported are stored by their names.

    See Also
    --------
    load : Load the estimator from the file.

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
    if not isinstance(est, KINDS):
        raise TypeError(f"`est` must be an estimator, got {est!r}. {HINT}")
    record = to_record(est, CODECS, type(est).__name__)
    try:
        from_record(record, CODECS)
    except FileFormatError as error:
        raise ValueError(f"`est` cannot be stored: {error}") from None
    write_file(path, {"content": CONTENT, "estimator": record}, key=key)


def load(path: StrPath, *, key: bytes | str | None = None, trusted: Sequence[str] = ()) -> Any:
    """Load an estimator from a file.

    No code comes from the file. Only classes and attributes in a fixed table are accepted, all
    sizes are checked, and only functions that you name are imported. TensorFlow and Keras are not
    imported if NumPy can predict. The SHA-256 checksum detects corruption, not tampering: only a
    `key` shows that the file comes from someone who has the key.

    Parameters
    ----------
    path : str or path-like
        Path of the file, as in `save`.
    key : bytes or str, default=None
        Secret that the file must have been signed with. Pass it if the file may have been replaced.
        None: a signature is ignored.
    trusted : list of str, default=()
        Names of functions and classes that the file may import, such as ``["my_words.split"]`` for
        a `SequenceVectorizer` with that `analyzer`, or ``["my_networks.lstm_fcn"]`` for an
        estimator with that `network`. Any other name raises an error.

    Returns
    -------
    estimator
        The saved estimator.

    Raises
    ------
    FileFormatError
        If the file is corrupt, truncated, not a skrnn file, of a newer format, not signed with
        the key, or holds a function that is not trusted.

    See Also
    --------
    save : Save an estimator to a file.

    Notes
    -----
    A scikit-learn scaler that was saved with another version of scikit-learn raises scikit-learn's
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
    if isinstance(trusted, str) or not all(isinstance(name, str) for name in trusted):
        raise TypeError(
            f"`trusted` must be a list of names of functions, got {trusted!r}. Pass "
            "['module.name']."
        )
    tree = read_file(path, key=key)
    codecs = CODECS | {
        "function": function_codec(trusted),
        "network": importable_codec(trusted),
    }
    try:
        content = tree.get("content") if isinstance(tree, dict) else None
        require(isinstance(content, str) and content == CONTENT, "the content")
        loaded = from_record(tree.get("estimator"), codecs)
        require(isinstance(loaded, KINDS), "the estimator")
    except FileFormatError as error:
        raise FileFormatError(f"{path} cannot be used: {error}") from error
    return loaded
