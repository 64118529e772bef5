"""SequenceReshaper: sequences from tables, or from arrays in another axis order."""

from __future__ import annotations

from dataclasses import KW_ONLY
from numbers import Integral
from typing import TYPE_CHECKING

from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skrnn._preprocessing.windows import check_count
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.declared_parameters import (
    DeclaredEstimator,
    declare_parameters,
    explain_keywords,
    parameter,
)
from skrnn._utils.numeric_checks import read_table
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import Interval, fit_context

if TYPE_CHECKING:
    from typing import Self

    from sklearn.utils import Tags

    from skrnn._types import Array, ArrayLike, Container


@declare_parameters
class ReshaperParameters:
    """The parameters of SequenceReshaper."""

    features: int = parameter(1, Interval(Integral, 1, None, closed="left"))
    _: KW_ONLY
    channels_first: bool = parameter(False, "boolean")
    newest_first: bool = parameter(False, "boolean")


class SequenceReshaper(
    ReshaperParameters,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    DeclaredEstimator,
    auto_wrap_output_keys=None,
):
    """Transformer from tables, or arrays with the features first, to sequences.

    Use it as the pipeline step before a network, with packages that pass on two axes or another
    order of axes. Two axes come from imbalanced-learn's samplers, skforecast's lags and shap;
    features before timesteps come from sktime. To make sequences from rows in time order, use
    :class:`WindowTransformer`.

    Parameters
    ----------
    features : int, default=1
        Number of features of each timestep, which must divide the number of columns of a 2-D X. Set
        it for tables of several features. A 3-D X has an axis of features: leave it at 1, or pass
        the length of that axis.
    channels_first : bool, default=False
        Order of the axes. False: X is (n_samples, timesteps, features), or its columns are all
        features of the first timestep, then those of the second. True: X is (n_samples, features,
        timesteps), or its columns are all timesteps of the first feature, then those of the second.
    newest_first : bool, default=False
        Order of the timesteps in X. False: the oldest timestep comes first. True: they descend, as
        lags do: lag 1, lag 2, lag 3. The sequences are always in ascending order, with the oldest
        timestep first.

    Attributes
    ----------
    input_shape_ : tuple of int
        Shape of one sample of X: (timesteps * features,), (timesteps, features) or (features,
        timesteps).
    output_shape_ : tuple of int
        Shape of one sequence: (timesteps, features).
    n_features_in_ : int
        Number of columns of a 2-D X, as scikit-learn counts them. Of a 3-D X the number of features
        of each timestep, as the networks count them.
    feature_names_in_ : ndarray of shape (timesteps * features,)
        Names of the columns, if all of them are strings.

    See Also
    --------
    WindowTransformer : One window for each row, of the rows before it.

    Examples
    --------
    Two timesteps of three features, one after the other in each row:

    >>> import numpy as np
    >>> from skrnn import SequenceReshaper
    >>> table = np.array([[1, 2, 3, 4, 5, 6]])
    >>> reshaper = SequenceReshaper(features=3)
    >>> sequences = reshaper.fit_transform(table)
    >>> sequences
    array([[[1, 2, 3],
            [4, 5, 6]]])
    >>> reshaper.inverse_transform(sequences)
    array([[1, 2, 3, 4, 5, 6]])

    Lags of two columns, with those of the first column before those of the second:

    >>> lags = np.array([[3, 2, 1, 30, 20, 10]])
    >>> SequenceReshaper(2, channels_first=True, newest_first=True).fit_transform(lags)
    array([[[ 1, 10],
            [ 2, 20],
            [ 3, 30]]])
    """

    input_shape_: tuple[int, ...]
    output_shape_: tuple[int, int]
    n_features_in_: int
    feature_names_in_: Array

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the number of timesteps.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps * features), (n_samples, timesteps, \
features) or (n_samples, features, timesteps)
            Numbers or token ids; NaN is kept.
        y : object, default=None
            Not used.

        Returns
        -------
        self : SequenceReshaper
            Fitted transformer.
        """
        check_count("features", self.features, 1)
        shape = self._read(X, reset=True).shape[1:]
        if len(shape) == 1:
            self.output_shape_ = _divided(shape[0], int(self.features))
        else:
            self.output_shape_ = _in_order(shape, self.features, self.channels_first)
            self.n_features_in_ = self.output_shape_[1]
        self.input_shape_ = shape
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Return the sequences.

        Parameters
        ----------
        X : array-like of the shape in `fit`
            Numbers or token ids.

        Returns
        -------
        sequences : ndarray of shape (n_samples, timesteps, features)
            Read-only; a view of X where it is a contiguous array.
        """
        check_is_fitted(self)
        X = self._read(X, reset=False)
        _check_shape(X, self.input_shape_, "in `fit`")
        timesteps, features = self.output_shape_
        if self.channels_first:
            sequences = X.reshape(len(X), features, timesteps).swapaxes(1, 2)
        else:
            sequences = X.reshape(len(X), timesteps, features)
        return self._reversed(sequences)

    def inverse_transform(self, X: ArrayLike) -> Array:
        """Return sequences in the shape and order of X in `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, timesteps, features)
            Sequences, as from `transform`.

        Returns
        -------
        ndarray of shape (n_samples, timesteps * features), (n_samples, timesteps, features) or \
(n_samples, features, timesteps)
            Read-only; a view of X if possible.
        """
        check_is_fitted(self)
        X = check_array(X, allow_nd=True, ensure_all_finite=False, input_name="X")
        _check_shape(X, self.output_shape_, "`transform` returns")
        sequences = self._reversed(X)
        if self.channels_first:
            sequences = sequences.swapaxes(1, 2)
        return _read_only(sequences.reshape(len(X), *self.input_shape_))

    def set_output(self, *, transform: Container = None) -> Self:
        """Accept any container, while sequences are always a NumPy array.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored, because a table cannot hold three axes. Accepted so that a pipeline can set
            it for its other steps.

        Returns
        -------
        self : SequenceReshaper
            The same transformer.
        """
        return self

    @property
    def _n_features_out(self):
        return self.output_shape_[1]

    def _read(self, X, *, reset):
        X = read_table(self, X, reset=reset, allow_nd=True)
        if X.ndim > 3:
            raise ValueError(
                "`X` must have two or three axes, samples first, got an array of shape "
                f"{X.shape}. Reshape it to (n_samples, timesteps, features)."
            )
        return X

    def _reversed(self, sequences):
        """Return a read-only view, with the timesteps reversed if X has them in reverse order."""
        return _read_only(sequences[:, ::-1] if self.newest_first else sequences)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _divided(n_columns, features):
    """Return (timesteps, features) of a table with `n_columns`."""
    timesteps, rest = divmod(n_columns, features)
    if rest:
        raise ValueError(
            f"`features` must divide the number of columns of `X`, {n_columns}, got {features}. "
            "Pass the number of features of each timestep."
        )
    return timesteps, features


def _in_order(shape, features, channels_first):
    """Return (timesteps, features), given the axes of one sample."""
    timesteps, found = shape[::-1] if channels_first else shape
    if features not in (1, found):
        raise ValueError(
            f"`features` must be the length of the axis of features of `X`, {found} in samples of "
            f"shape {shape} with channels_first={channels_first}, got {features}. Leave it out, or "
            "set `channels_first` to the order of the axes."
        )
    return timesteps, found


def _check_shape(X, shape, where):
    if X.shape[1:] != shape:
        wanted = ", ".join(map(str, ("n_samples", *shape)))
        raise ValueError(
            f"`X` must have shape ({wanted}), as {where}, got {X.shape}. Reshape it, or fit again."
        )


def _read_only(array):
    array = array.view()
    array.flags.writeable = False
    return array
