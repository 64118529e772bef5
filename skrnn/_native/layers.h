/* Layers: forward and backward passes of cells, pooling, Dense layers, and losses. */

#include "numbers.h"

/* The gradient of weights is summed over about this many rows at a time, which stay in the cache. */
#define ROWS_AT_ONCE 64

enum Cell { SIMPLE_RNN, LSTM, GRU };
enum Pooling { LAST, MEAN, MAX };
enum Loss {
    SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, LOG_COSH, POISSON, BINARY, CATEGORICAL, SPARSE_CATEGORICAL,
    PINBALL
};

/* ---- Cells ---- */

/* One direction of one layer. Arrays of all steps are ordered by time, even if it runs backwards:
the state that enters step t is h[t + backwards], and the one that leaves it h[t + 1 - backwards]. */
typedef struct {
    Int cell, units, width, backwards, activation;
    Int gate_step, shown_step;             /* 0 where the values of each step are overwritten */
    const REAL *kernel, *recurrent, *bias; /* (F, G U), (U, G U), (G U) or (2, G U) */
    REAL *kernel_grad, *recurrent_grad, *bias_grad;
    REAL *kernel_t, *recurrent_t; /* transposed, for the backward pass */
    REAL *x;                      /* (T, n, F) */
    REAL *h, *c;                  /* (T + 1, n, U) */
    REAL *gates;                  /* (T, n, G U): values, and later the gradient before them */
    REAL *shown; /* (T, n, U): LSTM's f(c); GRU's recurrent part of the candidate, later its gradient */
    REAL *halves; /* (4 U): 1/2 for logistic gates, 1 for tanh */
    REAL *spare, *grad_h, *grad_c; /* (n, 3 U), (n, U), (n, U) */
    Gemm *gemm;
} Direction;

static const Int N_GATES[] = {1, 4, 3};

/* Keras's SimpleRNN, Elman (1990): h = f(x W + h R + b). */
static void simple_rnn_forward(const Direction *d, Int m, const REAL *x, const REAL *h, REAL *gates,
                               REAL *h_next)
{
    Int U = d->units;
    product(d->gemm, m, U, d->width, x, d->width, 1, d->kernel, U, d->bias, 0, gates, U);
    product(d->gemm, m, U, U, h, U, 1, d->recurrent, U, gates, U, gates, U);
    if (m * U % PIECE == 0) {
        activate(d->activation, gates, h_next, m * U);
        return;
    }
    activate(d->activation, gates, gates, m * U);
    memcpy(h_next, gates, (size_t)(m * U) * sizeof(REAL));
}

/* Turn grad_h, with respect to h_next, into the gradient before the activation, `gates`. */
INLINE void simple_rnn_row(const int activation, Int U, REAL *gates, const REAL *h_next,
                           REAL *grad_h)
{
    for (Int u = 0; u < U; u++) {
        gates[u] = grad_h[u] * slope_of(activation, h_next[u]);
        grad_h[u] = 0;
    }
}

/* Logistic gates (n, width) by sigmoid(x) = (1 + tanh(x / 2)) / 2, others by tanh, as halves says. */
static void gate_values(REAL *gates, Int n, Int width, const REAL *halves)
{
    for (Int i = 0; i < n; i++, gates += width)
        for (Int j = 0; j < width; j++)
            gates[j] = halves[j] * fast_tanh(halves[j] * gates[j]) + (1 - halves[j]);
}

/* Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000): of x W + h R + b,
i, f and o are logistic, g = f(.); c' = f c + i g, h' = o f(c'). */
static void lstm_forward(const Direction *d, Int m, const REAL *x, const REAL *h, const REAL *c,
                         REAL *gates, REAL *shown, REAL *h_next, REAL *c_next)
{
    Int U = d->units, width = 4 * U;
    product(d->gemm, m, width, d->width, x, d->width, 1, d->kernel, width, d->bias, 0, gates, width);
    product(d->gemm, m, width, U, h, U, 1, d->recurrent, width, gates, width, gates, width);
    if (d->activation != TANH) {
        for (Int i = 0; i < m; i++)
            memcpy(d->spare + i * U, gates + i * width + 2 * U, (size_t)U * sizeof(REAL));
        activate(d->activation, d->spare, d->spare, m * U);
    }
    gate_values(gates, m, width, d->halves);
    for (Int i = 0; i < m; i++) {
        REAL *row = gates + i * width;
        if (d->activation != TANH)
            memcpy(row + 2 * U, d->spare + i * U, (size_t)U * sizeof(REAL));
        for (Int u = 0; u < U; u++)
            c_next[i * U + u] = row[U + u] * c[i * U + u] + row[u] * row[2 * U + u];
    }
    activate(d->activation, c_next, shown, m * U);
    for (Int i = 0; i < m; i++)
        for (Int u = 0; u < U; u++)
            h_next[i * U + u] = gates[i * width + 3 * U + u] * shown[i * U + u];
}

INLINE void lstm_row(const int activation, Int U, REAL *gates, const REAL *shown, const REAL *c,
                     REAL *grad_h, REAL *grad_c)
{
    for (Int u = 0; u < U; u++) {
        REAL i = gates[u], f = gates[U + u], g = gates[2 * U + u], o = gates[3 * U + u];
        REAL grad = grad_c[u] + grad_h[u] * o * slope_of(activation, shown[u]);
        gates[u] = grad * g * i * (1 - i);
        gates[U + u] = grad * c[u] * f * (1 - f);
        gates[2 * U + u] = grad * i * slope_of(activation, g);
        gates[3 * U + u] = grad_h[u] * shown[u] * o * (1 - o);
        grad_c[u] = grad * f;
        grad_h[u] = 0;
    }
}

/* Cho et al. (2014) as in Keras with reset_after: z and r are logistic, and with the recurrent
part q = h R_g + b' of the candidate g = f(x W_g + b_g + r q); h' = z h + (1 - z) g. */
static void gru_forward(const Direction *d, Int m, const REAL *x, const REAL *h, REAL *gates,
                        REAL *inner, REAL *h_next)
{
    Int U = d->units, width = 3 * U;
    product(d->gemm, m, width, d->width, x, d->width, 1, d->kernel, width, d->bias, 0, gates, width);
    product(d->gemm, m, width, U, h, U, 1, d->recurrent, width, d->bias + width, 0, d->spare, width);
    for (Int i = 0; i < m; i++) {
        REAL *row = gates + i * width, *of_state = d->spare + i * width;
        for (Int j = 0; j < 2 * U; j++)
            row[j] = R(0.5) * fast_tanh(R(0.5) * (row[j] + of_state[j])) + R(0.5);
        for (Int u = 0; u < U; u++) {
            inner[i * U + u] = of_state[2 * U + u];
            row[2 * U + u] += row[U + u] * of_state[2 * U + u];
        }
    }
    for (Int i = 0; i < m; i++)
        memcpy(d->spare + i * U, gates + i * width + 2 * U, (size_t)U * sizeof(REAL));
    activate(d->activation, d->spare, d->spare, m * U);
    for (Int i = 0; i < m; i++) {
        REAL *row = gates + i * width;
        for (Int u = 0; u < U; u++) {
            REAL z = row[u], g = row[2 * U + u] = d->spare[i * U + u];
            h_next[i * U + u] = g + z * (h[i * U + u] - g);
        }
    }
}

INLINE void gru_row(const int activation, Int U, REAL *gates, REAL *inner, const REAL *h,
                    REAL *grad_h)
{
    for (Int u = 0; u < U; u++) {
        REAL z = gates[u], r = gates[U + u], g = gates[2 * U + u];
        REAL grad_g = grad_h[u] * (1 - z) * slope_of(activation, g);
        gates[u] = grad_h[u] * (h[u] - g) * z * (1 - z);
        gates[U + u] = grad_g * inner[u] * r * (1 - r);
        gates[2 * U + u] = grad_g;
        inner[u] = grad_g * r;
        grad_h[u] *= z;
    }
}

/* ---- Layers ---- */

/* The timesteps that each sample reads; `valid` NULL: all of them. */
typedef struct {
    Int n, T;
    const REAL *valid; /* (T, n): 1 or 0 */
    const Int *active; /* (T) */
} Steps;

/* Write h (and c) of all timesteps, given the initial states. */
static void direction_forward(const Direction *d, const Steps *steps)
{
    Int n = steps->n, U = d->units, state = n * U;
    for (Int step = 0; step < steps->T; step++) {
        Int t = d->backwards ? steps->T - 1 - step : step;
        Int m = steps->valid ? steps->active[t] : n;
        const REAL *x = d->x + t * n * d->width;
        Int before = (t + d->backwards) * state, after = (t + 1 - d->backwards) * state;
        REAL *h = d->h + before, *h_next = d->h + after, *c = NULL, *c_next = NULL;
        REAL *gates = d->gates + t * d->gate_step, *shown = d->shown + t * d->shown_step;
        if (d->cell == LSTM)
            c = d->c + before, c_next = d->c + after;
        switch (d->cell) {
        case SIMPLE_RNN: simple_rnn_forward(d, m, x, h, gates, h_next); break;
        case LSTM: lstm_forward(d, m, x, h, c, gates, shown, h_next, c_next); break;
        case GRU: gru_forward(d, m, x, h, gates, shown, h_next); break;
        }
        for (Int i = 0; steps->valid && i < n; i++)
            if (i >= m || !steps->valid[t * n + i]) {
                memcpy(h_next + i * U, h + i * U, (size_t)U * sizeof(REAL));
                if (c)
                    memcpy(c_next + i * U, c + i * U, (size_t)U * sizeof(REAL));
            }
    }
}

/* Turn grad_h and grad_c after time t into the part that passes the cell directly, and write the
gradients before the activations. For a masked sample they are unchanged. */
static void cell_backward(const Direction *d, const Steps *steps, Int t, Int m)
{
    Int n = steps->n, U = d->units, state = n * U, width = N_GATES[d->cell] * U;
    const REAL *h = d->h + (t + d->backwards) * state, *h_next = d->h + (t + 1 - d->backwards) * state;
    const REAL *c = d->cell == LSTM ? d->c + (t + d->backwards) * state : NULL;
    REAL *gates = d->gates + t * d->gate_step, *shown = d->shown + t * d->shown_step;
    for (Int i = 0; i < m; i++) {
        REAL *row = gates + i * width, *grad_h = d->grad_h + i * U, *more = shown + i * U;
        if (steps->valid && !steps->valid[t * n + i]) {
            memset(row, 0, (size_t)width * sizeof(REAL));
            if (d->cell == GRU)
                memset(more, 0, (size_t)U * sizeof(REAL));
            continue;
        }
        switch (d->cell) {
        case SIMPLE_RNN:
            FOR_ACTIVATION(d->activation, simple_rnn_row(act, U, row, h_next + i * U, grad_h));
            break;
        case LSTM:
            FOR_ACTIVATION(d->activation,
                           lstm_row(act, U, row, more, c + i * U, grad_h, d->grad_c + i * U));
            break;
        case GRU: FOR_ACTIVATION(d->activation, gru_row(act, U, row, more, h + i * U, grad_h)); break;
        }
    }
}

/* Add the contribution of `rows` rows from time t on to the gradient of the weights, unless they are
frozen. */
static void add_weight_gradient(const Direction *d, Int n, Int t, Int rows)
{
    if (!d->kernel_grad)
        return;
    Int U = d->units, F = d->width, width = N_GATES[d->cell] * U;
    const REAL *gates = d->gates + t * d->gate_step, *x = d->x + t * n * F;
    const REAL *h = d->h + (t + d->backwards) * n * U, *inner = d->shown + t * d->shown_step;
    product(d->gemm, F, width, rows, x, 1, F, gates, width, d->kernel_grad, width, d->kernel_grad,
            width);
    add_rows(gates, rows, width, width, d->bias_grad);
    Int of_state = d->cell == GRU ? 2 * U : width;
    product(d->gemm, U, of_state, rows, h, 1, U, gates, width, d->recurrent_grad, width,
            d->recurrent_grad, width);
    if (d->cell != GRU)
        return;
    product(d->gemm, U, U, rows, h, 1, U, inner, U, d->recurrent_grad + of_state, width,
            d->recurrent_grad + of_state, width);
    add_rows(gates, rows, width, of_state, d->bias_grad + width);
    add_rows(inner, rows, U, U, d->bias_grad + width + of_state);
}

/* Backward pass of one direction. grad_last (n, U) is with respect to the final state, or NULL.
grad_sequence is with respect to the states of all timesteps, (T, n, ld) from the direction's first
column on, or NULL. grad_x (T, n, F) receives the gradient of the input, or is NULL; `adds`: it is
added to the gradient in grad_x. */
static void direction_backward(const Direction *d, const Steps *steps, const REAL *grad_last,
                               Int ld_last, const REAL *grad_sequence, Int ld, REAL *grad_x, int adds)
{
    Int n = steps->n, T = steps->T, U = d->units, F = d->width, width = N_GATES[d->cell] * U;
    Int direct = d->cell == GRU ? 2 * U : width;
    transpose(d->recurrent, U, width, d->recurrent_t);
    if (grad_x)
        transpose(d->kernel, F, width, d->kernel_t);
    memset(d->grad_c, 0, (size_t)(n * U) * sizeof(REAL));
    for (Int i = 0; i < n; i++)
        for (Int u = 0; u < U; u++)
            d->grad_h[i * U + u] = grad_last ? grad_last[i * ld_last + u] : 0;
    Int waiting = 0; /* steps whose weight gradient is to be added */
    for (Int step = T - 1; step >= 0; step--) {
        Int t = d->backwards ? T - 1 - step : step, m = steps->valid ? steps->active[t] : n;
        REAL *gates = d->gates + t * d->gate_step, *inner = d->shown + t * d->shown_step;
        for (Int i = 0; grad_sequence && i < n; i++)
            for (Int u = 0; u < U; u++)
                d->grad_h[i * U + u] += grad_sequence[(t * n + i) * ld + u];
        cell_backward(d, steps, t, m);
        if (step > 0) {
            product(d->gemm, m, U, direct, gates, width, 1, d->recurrent_t, U, d->grad_h, U,
                    d->grad_h, U);
            if (d->cell == GRU)
                product(d->gemm, m, U, U, inner, U, 1, d->recurrent_t + direct * U, U, d->grad_h, U,
                        d->grad_h, U);
        }
        if (grad_x) {
            REAL *out = grad_x + t * n * F;
            product(d->gemm, m, F, width, gates, width, 1, d->kernel_t, F, adds ? out : NULL, F, out,
                    F);
            if (!adds)
                memset(out + m * F, 0, (size_t)((n - m) * F) * sizeof(REAL));
        }
        waiting++;
        if (steps->valid) {
            add_weight_gradient(d, n, t, m);
            waiting = 0;
        } else if (step == 0 || waiting * n >= ROWS_AT_ONCE) {
            add_weight_gradient(d, n, d->backwards ? t - waiting + 1 : t, waiting * n);
            waiting = 0;
        }
    }
}

/* The mean or maximum over the valid timesteps of states (T, n, width). For a sample without any it
is over all timesteps: they all hold the initial state. */
static void pool_forward(Int pooling, const Steps *steps, Int width, const REAL *states, REAL *out,
                         REAL *counts)
{
    for (Int i = 0; i < steps->n; i++) {
        REAL *pooled = out + i * width;
        Int count = 0;
        for (Int t = 0; steps->valid && t < steps->T; t++)
            count += steps->valid[t * steps->n + i] > 0;
        int all = count == 0;
        counts[i] = R(all ? steps->T : count);
        for (Int j = 0; j < width; j++)
            pooled[j] = pooling == MEAN ? 0 : R(-INFINITY);
        for (Int t = 0; t < steps->T; t++) {
            const REAL *row = states + (t * steps->n + i) * width;
            if (!all && !steps->valid[t * steps->n + i])
                continue;
            for (Int j = 0; j < width; j++)
                pooled[j] = pooling == MEAN ? pooled[j] + row[j]
                                            : (row[j] <= pooled[j] ? pooled[j] : row[j]);
        }
        for (Int j = 0; pooling == MEAN && j < width; j++)
            pooled[j] /= counts[i];
    }
}

/* Write the gradient of the states; equal maxima share it, as in TensorFlow. */
static void pool_backward(Int pooling, const Steps *steps, Int width, const REAL *states,
                          const REAL *pooled, const REAL *counts, const REAL *grad, REAL *out)
{
    for (Int i = 0; i < steps->n; i++) {
        int all = 1;
        for (Int t = 0; steps->valid && t < steps->T; t++)
            all &= !steps->valid[t * steps->n + i];
        for (Int j = 0; j < width; j++) {
            Int place = i * width + j, stride = steps->n * width, winners = 0;
            for (Int t = 0; pooling == MAX && t < steps->T; t++)
                if (all || steps->valid[t * steps->n + i])
                    winners += states[t * stride + place] == pooled[place];
            for (Int t = 0; t < steps->T; t++) {
                int counted = all || steps->valid[t * steps->n + i];
                if (pooling == MEAN)
                    out[t * stride + place] = counted ? grad[place] / counts[i] : 0;
                else
                    out[t * stride + place] = counted && states[t * stride + place] == pooled[place]
                                                  ? grad[place] / R(winners)
                                                  : 0;
            }
        }
    }
}

/* The Q quantiles of an output. Except for the median, each is the next inner one plus an increment,
the softplus of a unit times a factor, so they ascend. */
typedef struct {
    Int count, median;
    const REAL *levels, *factors; /* (Q) */
} Quantiles;

typedef struct {
    Int inputs, outputs, activation;
    const Quantiles *quantiles; /* of the last layer, or NULL */
    const REAL *kernel, *bias;
    REAL *kernel_grad, *bias_grad, *kernel_t;
    const REAL *input;
    REAL *before, *output, *grad; /* (N, O) each; grad is with respect to `before` */
} Dense;

/* Write quantiles (n, O, Q) of units (n, Q, O). */
static void quantiles_forward(const Quantiles *q, Int n, Int width, const REAL *units, REAL *out)
{
    Int Q = q->count, O = width / Q, median = q->median;
    for (Int i = 0; i < n; i++, units += width)
        for (Int o = 0; o < O; o++, out += Q) {
            out[median] = units[median * O + o];
            for (Int k = median + 1; k < Q; k++)
                out[k] = out[k - 1] + softplus(units[k * O + o]) * q->factors[k];
            for (Int k = median - 1; k >= 0; k--)
                out[k] = out[k + 1] + softplus(units[k * O + o]) * q->factors[k];
        }
}

/* Turn the gradient of quantiles (n, O, Q) into that of units (n, Q, O): each unit moves its quantile
and those further out. `spare` has the size of a row. */
static void quantiles_backward(const Quantiles *q, Int n, Int width, const REAL *units, REAL *grad,
                               REAL *spare)
{
    Int Q = q->count, O = width / Q, median = q->median;
    for (Int i = 0; i < n; i++, units += width, grad += width) {
        memcpy(spare, grad, (size_t)width * sizeof(REAL));
        for (Int o = 0; o < O; o++) {
            REAL *sums = spare + o * Q;
            for (Int k = Q - 1; k > median; k--)
                sums[k - 1] += sums[k];
            for (Int k = 0; k < median; k++)
                sums[k + 1] += sums[k];
            for (Int k = 0; k < Q; k++) {
                REAL slope = (R(0.5) * fast_tanh(R(0.5) * units[k * O + o]) + R(0.5)) * q->factors[k];
                grad[k * O + o] = sums[k] * (k == median ? 1 : slope);
            }
        }
    }
}

static void dense_forward(const Dense *layer, Int n, Gemm *gemm)
{
    Int I = layer->inputs, O = layer->outputs;
    product(gemm, n, O, I, layer->input, I, 1, layer->kernel, O, layer->bias, 0, layer->before, O);
    if (layer->activation == SOFTMAX)
        softmax(layer->before, layer->output, n, O);
    else if (layer->activation == QUANTILES)
        quantiles_forward(layer->quantiles, n, O, layer->before, layer->output);
    else
        activate(layer->activation, layer->before, layer->output, n * O);
}

/* Turn `grad` with respect to the output into the gradient before the activation. */
static void dense_through_activation(const Dense *layer, Int n)
{
    Int O = layer->outputs;
    REAL *grad = layer->grad;
    if (layer->activation == QUANTILES) { /* the gradient of the kernel is written later */
        quantiles_backward(layer->quantiles, n, O, layer->before, grad, layer->kernel_t);
        return;
    }
    if (layer->activation != SOFTMAX) {
        FOR_ACTIVATION(layer->activation, scale_by_slope(act, layer->output, grad, n * O));
        return;
    }
    for (Int i = 0; i < n; i++) {
        const REAL *y = layer->output + i * O;
        REAL sum = 0;
        for (Int j = 0; j < O; j++)
            sum += grad[i * O + j] * y[j];
        for (Int j = 0; j < O; j++)
            grad[i * O + j] = y[j] * (grad[i * O + j] - sum);
    }
}

/* Write the gradient of the weights, unless they are frozen, and that of the input, (N, inputs),
unless it is NULL. */
static void dense_backward(const Dense *layer, Int n, REAL *grad_input, Gemm *gemm)
{
    Int I = layer->inputs, O = layer->outputs;
    if (layer->kernel_grad) {
        product(gemm, I, O, n, layer->input, 1, I, layer->grad, O, NULL, 0, layer->kernel_grad, O);
        memset(layer->bias_grad, 0, (size_t)O * sizeof(REAL));
        add_rows(layer->grad, n, O, O, layer->bias_grad);
    }
    if (!grad_input)
        return;
    transpose(layer->kernel, I, O, layer->kernel_t);
    product(gemm, n, I, O, layer->grad, O, 1, layer->kernel_t, I, NULL, 0, grad_input, I);
}

/* ---- Losses ---- */

#define EPSILON 1e-7                 /* keras.config.epsilon() */
#define LOG_2 0.6931471824645996 /* as in Keras: that of float32, in float64 too */

INLINE double loss_of_number(const int loss, REAL truth, REAL prediction, REAL *grad)
{
    REAL error = prediction - truth, size = FABS(error);
    switch (loss) {
    case SQUARED_ERROR: *grad = error + error; return error * error;
    case ABSOLUTE_ERROR: *grad = R((error > 0) - (error < 0)) + (error - error); return size;
    case HUBER: *grad = clamp(error, -1, 1); return size <= 1 ? R(0.5) * error * error : size - R(0.5);
    case LOG_COSH: *grad = fast_tanh(error); return error + softplus(-2 * error) - R(LOG_2);
    case POISSON:
        *grad = 1 - truth / (prediction + R(EPSILON));
        return prediction - truth * R(log(prediction + R(EPSILON)));
    default: /* BINARY, of logits */
        *grad = R(0.5) * fast_tanh(R(0.5) * prediction) + R(0.5) - truth;
        return softplus(prediction) - truth * prediction;
    }
}

/* Return the cross-entropy of one sample's logits; `truth` holds probabilities, or a class number. */
static double categorical(Int sparse, const REAL *truth, const REAL *logits, Int width, REAL *grad)
{
    REAL largest = logits[0], sum = 0;
    double loss = 0;
    for (Int j = 1; j < width; j++)
        largest = logits[j] > largest ? logits[j] : largest;
    for (Int j = 0; j < width; j++)
        sum += fast_exp(logits[j] - largest);
    REAL log_sum = R(log(sum));
    for (Int j = 0; j < width; j++) {
        REAL log_share = logits[j] - largest - log_sum, share = sparse ? j == (Int)truth[0] : truth[j];
        grad[j] = fast_exp(log_share) - share;
        if (share != 0)
            loss -= share * log_share;
    }
    return loss;
}

/* Koenker and Bassett (1978), DOI 10.2307/1913643, of all outputs and quantiles (O, Q). */
static double pinball(const Quantiles *q, const REAL *truth, const REAL *prediction, Int width,
                      REAL *grad)
{
    double sum = 0;
    for (Int j = 0; j < width; j++) {
        REAL level = q->levels[j % q->count], error = prediction[j] - truth[j / q->count];
        grad[j] = (error > 0) - level;
        sum += (error > 0 ? error : 0) - level * error;
    }
    return sum;
}

/* Return the loss of one row summed over outputs, and write its gradient. */
static double row_loss(Int loss, const Quantiles *quantiles, const REAL *truth,
                       const REAL *prediction, Int width, REAL *grad)
{
    double sum = 0;
#define SUM_OF(name)                                                                               \
    case name:                                                                                     \
        for (Int j = 0; j < width; j++)                                                            \
            sum += loss_of_number(name, truth[j], prediction[j], grad + j);                        \
        return sum
    switch (loss) {
        SUM_OF(SQUARED_ERROR);
        SUM_OF(ABSOLUTE_ERROR);
        SUM_OF(HUBER);
        SUM_OF(LOG_COSH);
        SUM_OF(POISSON);
        SUM_OF(BINARY);
    case PINBALL: return pinball(quantiles, truth, prediction, width, grad);
    default: return categorical(loss == SPARSE_CATEGORICAL, truth, prediction, width, grad);
    }
}
