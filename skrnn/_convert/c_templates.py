"""The C code of all headers, for a file "net.h"; `$` marks parts that differ between networks.

REAL is float or double. ITEM is the type of a row's values: REAL, or int for token ids.
"""

from string import Template

ARRAY = Template("static const $type net_$name[$n] = {\n    $numbers\n};\n")

# Cells that keep the two products apart have a bias for each.
CELL = Template("""\
static inline void net_$name(const REAL *x, $states)
{
    REAL gates[$gates];
    for (int j = 0; j < $gates; j++)
        gates[j] = net_${name}_bias[j];
    for (int k = 0; k < $width; k++)
        for (int j = 0; j < $gates; j++)
            gates[j] += x[k] * net_${name}_kernel[k * $gates + j];
$of_state    for (int k = 0; k < $units; k++)
        for (int j = 0; j < $gates; j++)
            $into[j] += h[k] * net_${name}_recurrent[k * $gates + j];
    for (int u = 0; u < $units; u++) {
        $step
    }
}
""")
OF_STATE = Template("""\
    REAL of_state[$gates];
    for (int j = 0; j < $gates; j++)
        of_state[j] = net_${name}_bias[$gates + j];
""")

READ = Template("""\
/* Convert a row to the network's input; return 0 for a masked row. */
static inline int net_read(const ITEM *row, REAL *x)
{
$known$mask    for (int k = 0; k < $width; k++)
        x[k] = $value;
    return 1;
}
""")
KNOWN = Template("    const int id = $known ? row[0] : $unknown;  /* out of vocabulary */\n")
MASK_OF_TOKENS = Template("    if ($absent)\n        return 0;\n")
MASK = Template("""\
    int present = 0;
    for (int k = 0; k < NET_FEATURES; k++)
        present |= !($absent);
    if (!present)
        return 0;
""")

DENSE = Template("""\
    REAL $name[$size];
    for (int j = 0; j < $size; j++)
        $name[j] = net_${name}_bias[j];
    for (int k = 0; k < $width; k++)
        for (int j = 0; j < $size; j++)
            $name[j] += $x[k] * net_${name}_kernel[k * $size + j];
$activation""")
ACTIVATION = Template("    for (int j = 0; j < $size; j++)\n        $name[j] = $value;\n")
HEAD = Template("""\
/* Write the prediction for the output of the recurrent layers. */
static inline void net_head(const REAL *x, REAL *y)
{
$layers$answer}
""")
ANSWER = Template("    for (int j = 0; j < NET_OUTPUTS; j++)\n        y[j] = $value;\n")
TWO_CLASSES = "    y[0] = 1 - output[0];\n    y[1] = output[0];\n"

STEPS = Template("""\
typedef struct {
    $fields
} net_state;

/* Reset a state, as before the first row. */
static inline void net_reset(net_state *state) { memset(state, 0, sizeof *state); }

static inline void net_advance(net_state *state, const ITEM *row)
{
    REAL x[$width];
    if (!net_read(row, x))
        return;
    $layers
}

static inline void net_answer(const net_state *state, REAL *y)
{
    $answer
}

/* Read the next row, and write the prediction after it. */
static inline void net_step(net_state *state, const ITEM *row, REAL *y)
{
    net_advance(state, row);
    net_answer(state, y);
}

/* Write the prediction for rows (timesteps, NET_FEATURES)$by_step. */
static inline void net_predict(const ITEM *rows$count, REAL *y)
{
    net_state state;
    net_reset(&state);
    for (int t = 0; t < $timesteps; t++) {
        net_advance(&state, rows + t * NET_FEATURES);
        $each
    }
    $end
}
""")
POOL = Template("""\
for (int u = 0; u < $width; u++)
    state->pooled[u] = state->n_read ? $pooled : $value;
state->n_read++;""")
MEAN = Template("""\
REAL mean[$width];
for (int u = 0; u < $width; u++)
    mean[u] = state->pooled[u] / (REAL)(state->n_read ? state->n_read : 1);
net_head(mean, y);""")

BOTH = Template("""\
/* Write the prediction for rows (NET_TIMESTEPS, NET_FEATURES)$by_step. */
static inline void net_predict(const ITEM *rows, REAL *y)
{
    REAL x[NET_TIMESTEPS * $width];
    int present[NET_TIMESTEPS];
    for (int t = 0; t < NET_TIMESTEPS; t++)
        present[t] = net_read(rows + t * NET_FEATURES, x + t * $width);
    $layers
    $end
}
""")
DIRECTION = Template("""\
$zeros
for (int t = 0; t < NET_TIMESTEPS; t++) {
    const int place = $place;
    if (present[place])
        net_$name($x + place * $width, $states);
    $kept
}""")
KEPT = Template("""\
for (int u = 0; u < $units; u++)
    out_$layer[place * $twice + $first + u] = present[place] ? h_$name[u] : 0;""")
JOINED = Template("""\
REAL joined[$twice];
for (int u = 0; u < $units; u++) {
    joined[u] = h_$layer[u];
    joined[$units + u] = h_${layer}_back[u];
}
net_head(joined, y);""")
POOLED = Template("""\
REAL joined[$twice] = {0};
int n_read = 0;
for (int t = 0; t < NET_TIMESTEPS; t++) {
    if (!present[t])
        continue;
    for (int u = 0; u < $twice; u++)
        joined[u] = n_read ? $pooled : $value;
    n_read++;
}
$mean
net_head(joined, y);""")
MEAN_OF_ALL = Template("""\
for (int u = 0; u < $twice; u++)
    joined[u] /= (REAL)(n_read ? n_read : 1);""")
EACH = Template("""\
for (int t = 0; t < NET_TIMESTEPS; t++)
    net_head(out_$layer + t * $twice, y + t * NET_OUTPUTS);""")

TEST = Template("""\
/* Return 0 if a prediction equals that in Python, up to rounding. */
static inline int net_self_test(void)
{
    REAL y[$n];
    net_predict(net_test_rows$count, y);
    for (int j = 0; j < $n; j++) {
        const REAL off = y[j] - net_test_answer[j];
        if (!(off <= $tolerance && off >= -$tolerance))
            return 1;
    }
    return 0;
}
""")

FILE = Template("""\
/* A network of skrnn: $layers.

net_predict writes $answer.
${stepping}net_self_test returns 0 if it predicts as in Python. Compile without -ffast-math.
The content of this file is yours, to use under any terms. */

#ifndef NET_H
#define NET_H

#include <math.h>
#include <stdint.h>
#include <string.h>

$sizes

$constants
$functions
$code
#endif /* NET_H */
""")
STEPPING = "To read row by row, call net_reset on a net_state, then net_step for each row.\n"
