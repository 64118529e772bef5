"""Ridge regressions of all candidates, with penalties chosen on held-out blocks."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh

from skrnn._forecasting.anchors import anchor_map, level_of, window_map
from skrnn._utils.blas_threads import one_blas_thread

PENALTIES = np.logspace(-6, 2, 13)  # times the mean eigenvalue of the Gram matrix


class Moments(NamedTuple):
    """Sums of products over origins, of inputs and of targets minus the last value."""

    n_origins: int
    inputs: np.ndarray  # (n_inputs, n_inputs)
    cross: np.ndarray  # (n_inputs, outputs)

    def minus(self, other):
        return Moments(*(mine - its for mine, its in zip(self, other, strict=True)))


def moments_of(inputs, targets):
    """Return the Moments of origins."""
    return Moments(len(inputs), inputs.T @ inputs, inputs.T @ targets)


class Ridge(NamedTuple):
    """A ridge regression in the basis in which its Gram matrix is diagonal."""

    eigenvalues: np.ndarray  # (n_columns,)
    basis: np.ndarray  # (n_inputs, n_columns), a map from inputs

    def solve(self, cross, penalty):
        """Return the map from inputs, given the cross products of inputs and targets."""
        return self.basis @ self.scaled(self.basis.T @ cross, penalty)

    def scaled(self, cross, penalty):
        totals = np.add.outer(self.eigenvalues, penalty * self.eigenvalues.mean())[..., np.newaxis]
        out = np.zeros(np.broadcast_shapes(cross.shape, totals.shape))
        return np.divide(cross, totals, out=out, where=totals > 0)


def fit_ridge(moments, columns):
    """Return the Ridge on columns, which are a map from inputs."""
    if moments.n_origins == 0:
        return Ridge(np.zeros(columns.shape[1]), columns)
    eigenvalues, vectors = eigh(columns.T @ moments.inputs @ columns)
    return Ridge(np.maximum(eigenvalues, 0), columns @ vectors)


def columns_of(layout, candidate, moments):
    """Return the map from inputs to the columns of a candidate's ridge.

    Columns other than those of the window get its root mean square, times the root of its length.
    """
    columns = window_map(layout, candidate)
    rows = columns[:, : candidate.window]
    squares = np.einsum("ir,ij,jr->", rows, moments.inputs, rows, optimize=True)
    columns[:, candidate.window :] *= np.sqrt(squares / max(moments.n_origins, 1))
    return columns


@one_blas_thread()  # a few hundred columns: more threads would wait for each other
def fit_candidates(layout, candidates, total, blocks):
    """Return the penalty of each candidate and its maps: one for each block, then that of all.

    `blocks` holds two Moments for each block: of the origins to train on, and of those held out.
    Maps are (n_candidates, n_blocks + 1, n_inputs, outputs).
    """
    penalties = np.zeros(len(candidates))
    maps = np.empty((len(candidates), len(blocks) + 1, layout.n_inputs, layout.outputs))
    anchors = [anchor_map(layout, candidate) for candidate in candidates]
    groups = {}
    for i, candidate in enumerate(candidates):
        key = level_of(layout, candidate).tobytes(), candidate[3:]  # window and columns
        groups.setdefault(key, []).append(i)
    for members in groups.values():
        if candidates[members[0]].window == 0:
            for i in members:
                maps[i] = anchors[i]
            continue
        columns = columns_of(layout, candidates[members[0]], total)
        trained = [train for train, _ in blocks] + [total]
        ridges = [fit_ridge(moments, columns) for moments in trained]
        grams = [
            ridge.basis.T @ held_out.inputs @ ridge.basis
            for ridge, (_, held_out) in zip(ridges, blocks, strict=False)
        ]
        for i in members:
            errors = sum(
                _penalty_errors(ridge, gram, *pair, anchors[i])
                for ridge, gram, pair in zip(ridges, grams, blocks, strict=False)
            )
            penalties[i] = PENALTIES[np.argmin(errors)]
            for k, (ridge, moments) in enumerate(zip(ridges, trained, strict=True)):
                cross = moments.cross - moments.inputs @ anchors[i]
                maps[i, k] = anchors[i] + ridge.solve(cross, penalties[i])
    return penalties, maps


def _penalty_errors(ridge, gram, train, held_out, anchor):
    """Return the sum of squared held-out errors for each penalty, up to a constant.

    `gram` is the Gram matrix of the held-out columns in the ridge's basis.
    """
    learned, truth = (
        ridge.basis.T @ (moments.cross - moments.inputs @ anchor) for moments in (train, held_out)
    )
    weights = ridge.scaled(learned[:, np.newaxis], PENALTIES)  # (n_columns, n_penalties, outputs)
    products = (gram @ weights.reshape(len(gram), -1)).reshape(weights.shape)
    return np.einsum("cpo,cpo->p", weights, products - 2 * truth[:, np.newaxis])
