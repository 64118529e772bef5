"""Cells whose input comes projected: the product of the kernel and each distinct token's vector.

Where a batch repeats few tokens, each is projected once for all the timesteps that hold it, and the
kernel's gradient is summed over tokens before it is multiplied.
"""

from functools import cache

import numpy as np

from skrnn._network.cells.gru import UnrolledGRU
from skrnn._network.cells.unrolled import steps_of


class ProjectedInput:
    """Mixin of an UnrolledCell without features of its own: it adds `inputs` to the product."""

    def __init__(self, spec, matrix, rows, *arguments):
        timesteps, _, n_samples = rows.shape
        self.inputs = np.empty((timesteps - 1, matrix.shape[1], n_samples), rows.dtype)
        self.input_steps = steps_of(self.inputs, timesteps - 1)
        super().__init__(spec, matrix, rows, *arguments)

    def set_inputs(self, projected, places):
        """Take the products (D, gates * U) of D tokens, and each timestep's token, (T, n)."""
        if self.logistic:
            projected *= self.signs[0]
        np.copyto(self.inputs.swapaxes(1, 2), projected.take(places, axis=0))

    def projection(self, t, out):
        product, inputs = super().projection(t, out), self.input_steps[t]

        def project():
            product()
            np.add(out, inputs, out)

        return project

    def inputs_grad(self):
        """Return the gradient of the projected inputs, (T, gates * U, n)."""
        return self.flat


class ProjectedInputGRU(ProjectedInput, UnrolledGRU):
    """Its input is not added to the product of the candidate, which the reset gate multiplies."""

    def begin_forward(self):
        super().begin_forward()
        projected = self.projected.reshape(self.inputs.shape)
        np.add(projected, self.inputs, projected)

    def projection(self, t, out):
        return UnrolledGRU.projection(self, t, out)

    def inputs_grad(self):
        units = self.units
        return np.concatenate([self.flat[:, units : 3 * units], self.flat[:, :units]], axis=1)


@cache
def with_projected_input(unrolled):
    """Return the class of an UnrolledCell that takes its input projected."""
    if unrolled is UnrolledGRU:
        return ProjectedInputGRU
    return type(f"ProjectedInput{unrolled.__name__}", (ProjectedInput, unrolled), {})
