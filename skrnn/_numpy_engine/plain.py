"""The passes of a cell type: its own, or those made from its `step` and `grad`."""

from functools import cache

from scipy.special import expit

from skrnn._network.cells.spec import Passes


@cache
def passes_of(spec):
    """Return the Passes of a CellSpec."""

    def forward(act, gates, states, following, kept):
        for into, state in zip(following, spec.step(expit, act.value, gates, states), strict=True):
            into[...] = state

    def slopes(act, gates, states, following, kept, out):
        return gates.swapaxes(0, 1), *states

    def back(act, slopes, grad_gates, grads):
        gates, *states = slopes
        functions = expit, act.value, lambda x: act.slope(x, act.value(x))
        of_gates, of_states = spec.grad(*functions, gates, states, grads)
        for into, grad in zip(grad_gates, of_gates, strict=True):
            into[...] = grad
        return list(of_states)

    return spec.passes or Passes(forward, slopes, back)
