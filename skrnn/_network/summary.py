"""The table of a network's layers, as text and as HTML."""

LAYERS_STYLE = (
    ".skrnn-layers {font-family: monospace; margin: 0.5em}"
    ".skrnn-layers :is(th, td) {text-align: left; padding: 0 1em 0 0}"
    ".skrnn-layers :is(th, td):last-child {text-align: right}"
    ".skrnn-layers tfoot td {border-top: 1px solid}"
)


def layer_rows(architecture):
    """Return the rows of the table: a heading, then name, output shape and parameters of layers."""
    rows = [
        (
            f"{layer.name} ({layer.kind}{', frozen' * (layer.name in architecture.frozen_layers)})",
            str(layer.output_shape),
            f"{layer.n_parameters:,}",
        )
        for layer in architecture.layers()
    ]
    return [("Layer (type)", "Output shape", "Parameters"), *rows]


def summary(architecture):
    """Return a table of the layers as text: output shapes, parameter counts, total."""
    rows = layer_rows(architecture)
    left, middle, right = (max(len(row[k]) for row in rows) for k in range(3))
    lines = [f"{a:<{left}}  {b:<{middle}}  {c:>{right}}" for a, b, c in rows]
    return "\n".join([*lines, f"Total parameters: {architecture.n_weights:,}"])


def html_summary(architecture):
    """Return the same table as HTML."""
    heading, *rows = layer_rows(architecture)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f"<style>{LAYERS_STYLE}</style>"
        '<details open class="skrnn-layers"><summary>Layers</summary><table>'
        f"<thead><tr>{''.join(f'<th>{name}</th>' for name in heading)}</tr></thead>"
        f"<tbody>{body}</tbody>"
        f"<tfoot><tr><td>Total</td><td></td><td>{architecture.n_weights:,}</td></tr></tfoot>"
        "</table></details>"
    )
