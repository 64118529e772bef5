/* Recurrent networks: forward and backward passes, losses and optimizers, without allocation.

It is compiled once for each dtype and each width of the vector units (build.py). It knows no
Python: every buffer comes from the caller, and a call trains on, or predicts, any number of batches.

Letters in shapes: n samples, T timesteps (steps of the recurrent layers), F features, U units,
G gates, O outputs. Arrays are row-major with time first, (T, n, U), so that a timestep lies in one
piece. Where timesteps are masked the samples of a batch are sorted so that at time t all that read
it are among the first active[t]: what lies behind costs a copy of the state and no product.

numbers.h has functions of numbers and matrices, layers.h those of layers; here networks are put
together and trained.
*/

#include "layers.h"

#define MAX_LAYERS 16
#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

enum Optimizer { SGD, RMSPROP, ADAGRAD, ADAM };

/* The three arguments of the calls; network.py has the same fields in the same order. */

typedef struct {
    Int n_layers, bidirectional, activation;
    Int n_dense, dense_activation, output_activation; /* the output layer is the last Dense one */
    Int features, segment, n_static; /* numbers of a timestep, timesteps of a step */
    Int masked, sequences, pooling;
    Int vocab_size, trains_table; /* 0 without an Embedding */
    Int cells[MAX_LAYERS], units[MAX_LAYERS], dense[MAX_LAYERS];
    const void *table, *weights; /* the Embedding, and all other weights in Keras's order */
} Network;

typedef struct {
    const void *x, *y, *w; /* samples first: x (rows, timesteps, features + n_static), or ids */
    const Int *rows;       /* which rows, in this order; NULL: all */
    Int n_rows, n_batch, timesteps;
    const void *factors; /* of dropout: (n, F) of every direction; NULL: none */
    void *states;        /* of a stateful network, read and written; NULL: zeros */
    void *output;        /* (n_rows, [T,] O), or NULL */
    void *workspace;
    void *gemm; /* BLAS's for this dtype, or NULL */
    Int loss, loss_is_mean, loss_of_logits;
    double total, weight; /* out: the sum of the losses, and of the weights */
} Batches;

/* An embedding's rows that Adam updates when they are read; late_rows.py has the equations. */
typedef struct {
    Int now, most_steps;
    int32_t *last;                 /* (vocab_size) */
    double *sums;                  /* (4, most_steps + 1) */
    const double *series;          /* (4, most_steps + 1) */
    const void *decay_1, *decay_2; /* (most_steps + 1) */
} LateRows;

typedef struct {
    Int kind, n_weights, n_arrays, iterations, nesterov;
    const Int *bounds; /* (n_arrays + 1) where each weight array begins */
    const double *l2;  /* (n_arrays) twice the factor of its penalty; NULL: none */
    void *weights, *gradient, *first, *second; /* all but an Embedding's, which come below; the last */
    void *table, *table_first, *table_second;  /* are the optimizer's own vectors, or NULL */
    LateRows *late;                            /* NULL: rows that are not read do not change */
    double rate, clipnorm, weight_decay, beta_1, beta_2, share_1, share_2, epsilon;
} Optimizer;

/* ---- Optimizers ---- */

/* Update `count` weights as Keras does. `squares` NULL: those of the gradient. */
static void update(const Optimizer *o, double alpha, Int count, REAL *w, const REAL *gradient,
                   const REAL *squares, REAL *first, REAL *second)
{
    const REAL rate = R(alpha), epsilon = R(o->epsilon), beta_1 = R(o->beta_1), beta_2 = R(o->beta_2);
    const REAL share_1 = R(o->share_1), share_2 = R(o->share_2);
#define EACH for (Int i = 0; i < count; i++)
#define SQUARE (squares ? squares[i] : gradient[i] * gradient[i])
    switch (o->kind) {
    case ADAM: /* Kingma and Ba (2015), arXiv:1412.6980, with epsilon where Keras puts it */
        EACH {
            first[i] += (gradient[i] - first[i]) * share_1;
            second[i] += (SQUARE - second[i]) * share_2;
            w[i] -= first[i] / (SQRT(second[i]) + epsilon) * rate;
        }
        return;
    case RMSPROP: /* Tieleman and Hinton (2012), lecture 6.5 */
        EACH {
            first[i] = first[i] * beta_1 + SQUARE * share_1;
            REAL change = gradient[i] / SQRT(first[i] + epsilon) * rate;
            if (second)
                change = second[i] = second[i] * beta_2 + change;
            w[i] -= change;
        }
        return;
    case ADAGRAD: /* Duchi, Hazan and Singer (2011), JMLR 12 */
        EACH {
            first[i] += SQUARE;
            w[i] -= gradient[i] / SQRT(first[i] + epsilon) * rate;
        }
        return;
    default: /* SGD, with momentum (Polyak 1964) or Nesterov's */
        EACH {
            REAL change = gradient[i] * rate;
            if (!first) {
                w[i] -= change;
                continue;
            }
            first[i] = first[i] * beta_1 - change;
            w[i] += o->nesterov ? first[i] * beta_1 - change : first[i];
        }
    }
}

/* Return the length of this step: Adam's is corrected for averages that began at zero. */
static double step_length(const Optimizer *o)
{
    if (o->kind != ADAM)
        return o->rate;
    REAL n = R(o->iterations + 1);
    return o->rate * (sqrt(1 - POW(R(o->beta_2), n)) / (1 - POW(R(o->beta_1), n)));
}

/* Add the gradients of the L2 penalties, and return the penalties. */
static double add_penalties(const Optimizer *o)
{
    double total = 0;
    for (Int k = 0; o->l2 && k < o->n_arrays; k++) {
        const REAL twice = R(o->l2[k]), *w = o->weights;
        REAL *gradient = o->gradient;
        for (Int i = o->bounds[k]; twice > 0 && i < o->bounds[k + 1]; i++) {
            gradient[i] += w[i] * twice;
            total += 0.5 * w[i] * w[i] * twice;
        }
    }
    return total;
}

/* Update all weights but those of an Embedding. */
static void optimizer_step(const Optimizer *o, double alpha)
{
    REAL *w = o->weights, *gradient = o->gradient;
    for (Int k = 0; o->clipnorm > 0 && k < o->n_arrays; k++) {
        double squares = 0;
        for (Int i = o->bounds[k]; i < o->bounds[k + 1]; i++)
            squares += (double)gradient[i] * gradient[i];
        double norm = sqrt(squares);
        const REAL share = R(o->clipnorm / (norm > o->clipnorm ? norm : o->clipnorm));
        for (Int i = o->bounds[k]; i < o->bounds[k + 1]; i++)
            gradient[i] *= share;
    }
    const REAL decay = R(o->weight_decay * o->rate);
    for (Int i = 0; o->weight_decay > 0 && i < o->n_weights; i++)
        w[i] -= w[i] * decay;
    update(o, alpha, o->n_weights, w, gradient, NULL, o->first, o->second);
}

/* Make the steps that one row of the embedding is late by. */
static void catch_up(const Optimizer *o, Int row, Int dim)
{
    LateRows *late = o->late;
    Int n_late = late->now - late->last[row], length = late->most_steps + 1;
    if (n_late == 0)
        return;
    const double *sums = late->sums + late->last[row];
    const REAL s0 = R(sums[0]), s1 = R(sums[length]), s2 = R(sums[2 * length]), s3 = R(sums[3 * length]);
    const REAL decay_1 = ((const REAL *)late->decay_1)[n_late], epsilon = R(o->epsilon);
    const REAL decay_2 = ((const REAL *)late->decay_2)[n_late];
    REAL *w = (REAL *)o->table + row * dim, *m = (REAL *)o->table_first + row * dim;
    REAL *v = (REAL *)o->table_second + row * dim;
    for (Int i = 0; i < dim; i++) {
        REAL inverse = 1 / (SQRT(v[i]) + epsilon), r = epsilon * inverse;
        w[i] -= m[i] * inverse * (s0 - r * (s1 - r * (s2 - r * s3)));
        m[i] *= decay_1;
        v[i] *= decay_2;
    }
    late->last[row] = (int32_t)late->now;
}

/* Count a step of length alpha, which the given rows have made. */
static void count_step(const Optimizer *o, double alpha, const Int *rows, Int n_rows, Int vocab_size,
                       Int dim)
{
    LateRows *late = o->late;
    Int length = late->most_steps + 1;
    late->now++;
    for (Int power = 0; power < 4; power++)
        for (Int j = 0; j < late->now; j++)
            late->sums[power * length + j] += R(alpha) * late->series[power * length + late->now - j];
    for (Int i = 0; i < n_rows; i++)
        late->last[rows[i]] = (int32_t)late->now;
    if (late->now < late->most_steps)
        return;
    for (Int row = 0; row < vocab_size; row++)
        catch_up(o, row, dim);
    late->now = 0;
    memset(late->last, 0, (size_t)vocab_size * sizeof(int32_t));
    memset(late->sums, 0, (size_t)(4 * length) * sizeof(double));
}

/* ---- Networks ---- */

/* All buffers of a batch; `bytes` is what they take. */
typedef struct {
    const Network *net;
    const Batches *data;
    Int n, T, n_rows, n_directions, bytes;
    Steps steps;
    REAL *valid;             /* (T, n): 1 or 0 */
    Int *active, *order;     /* (T); (n) places of the samples in the batch, sorted */
    REAL *x;                 /* (T, n, F) */
    Direction directions[MAX_LAYERS][2];
    REAL *joined[MAX_LAYERS]; /* (T, n, 2 U) of both directions */
    Dense dense[MAX_LAYERS];
    REAL *last, *pooled, *counts, *head, *grad_head, *grad_sequence, *grad_x[2], *dropped;
    Int *ids, *distinct, *places, n_distinct; /* (timesteps, n), -1: absent; tokens; by token */
    REAL *token_grads, *token_squares;         /* (tokens, E) */
    REAL *no_grads;                            /* (E) zeros */
} Layout;

static void *take(Layout *layout, Int count, size_t size)
{
    Int start = layout->bytes;
    Int bytes = (count + PIECE) * (Int)size;
    layout->bytes += (bytes + 63) / 64 * 64;
    return layout->data->workspace ? (char *)layout->data->workspace + start : NULL;
}

#define REALS(count) take(layout, count, sizeof(REAL))
#define INTS(count) take(layout, count, sizeof(Int))
#define STEP_OVER(pointer, count) ((pointer) ? ((pointer) + (count)) : NULL)

/* Set one direction's weights, which begin at *w and *grad, and its buffers. */
static void lay_direction(Layout *layout, Direction *d, Int layer, int backwards, Int width,
                          const REAL **w, REAL **grad, int trains)
{
    const Network *net = layout->net;
    Int n = layout->n, T = layout->T, U = net->units[layer], cell = net->cells[layer];
    Int gates = N_GATES[cell] * U, n_bias = cell == GRU ? 2 * gates : gates;
    *d = (Direction){.cell = cell, .units = U, .width = width, .backwards = backwards,
                     .activation = net->activation, .gemm = (Gemm *)layout->data->gemm};
    d->kernel = *w, d->recurrent = *w + width * gates, d->bias = d->recurrent + U * gates;
    *w = d->bias + n_bias;
    if (trains) {
        d->kernel_grad = *grad, d->recurrent_grad = *grad + width * gates;
        d->bias_grad = d->recurrent_grad + U * gates, *grad = d->bias_grad + n_bias;
        d->kernel_t = REALS(width * gates), d->recurrent_t = REALS(U * gates);
        d->grad_h = REALS(n * U), d->grad_c = REALS(n * U);
    }
    d->gate_step = trains ? n * gates : 0, d->shown_step = trains ? n * U : 0;
    d->h = REALS((T + 1) * n * U);
    if (cell == LSTM)
        d->c = REALS((T + 1) * n * U);
    d->gates = REALS((trains ? T : 1) * n * gates);
    d->shown = REALS((trains ? T : 1) * n * U);
    d->halves = REALS(4 * U), d->spare = REALS(3 * n * U);
    if (layout->data->factors)
        d->x = REALS(T * n * width);
    for (Int j = 0; layout->data->workspace && j < 4 * U; j++)
        d->halves[j] = net->activation == TANH && j / U == 2 ? 1 : R(0.5);
}

static void lay_out(Layout *layout, const Network *net, const Batches *data, Int n, REAL *gradient)
{
    memset(layout, 0, sizeof *layout);
    layout->net = net, layout->data = data, layout->n = n;
    Int T = layout->T = data->timesteps / net->segment, width = net->features * net->segment;
    layout->n_directions = net->bidirectional ? 2 : 1;
    layout->n_rows = net->sequences ? n * T : n;
    layout->order = INTS(n);
    if (net->masked) {
        layout->active = INTS(T), layout->valid = REALS(T * n);
    }
    layout->steps = (Steps){n, T, layout->valid, layout->active};
    layout->x = REALS(T * n * width);
    int trains = gradient != NULL;
    if (net->vocab_size)
        layout->ids = INTS(data->timesteps * n);
    if (net->vocab_size && trains && net->trains_table) {
        layout->distinct = INTS(data->timesteps * n), layout->places = INTS(net->vocab_size);
        layout->token_grads = REALS(data->timesteps * n * net->features);
        layout->token_squares = REALS(data->timesteps * n * net->features);
        layout->no_grads = REALS(net->features);
        if (data->workspace)
            memset(layout->no_grads, 0, (size_t)net->features * sizeof(REAL));
    }
    const REAL *w = net->weights;
    Int widest = width;
    for (Int i = 0; i < net->n_layers; i++) {
        for (int k = 0; k < layout->n_directions; k++)
            lay_direction(layout, &layout->directions[i][k], i, k, width, &w, &gradient, trains);
        width = net->units[i] * layout->n_directions;
        if (net->bidirectional)
            layout->joined[i] = REALS(T * n * width);
        widest = width > widest ? width : widest;
    }
    layout->last = REALS(n * width), layout->pooled = REALS(n * width), layout->counts = REALS(n);
    layout->head = REALS(layout->n_rows * (width + net->n_static));
    if (trains) {
        layout->grad_head = REALS(layout->n_rows * (width + net->n_static));
        layout->grad_sequence = REALS(net->pooling == LAST ? 0 : T * n * width);
        layout->grad_x[0] = REALS(T * n * widest), layout->grad_x[1] = REALS(T * n * widest);
        if (data->factors)
            layout->dropped = REALS(T * n * widest);
    }
    width += net->n_static;
    for (Int i = 0; i < net->n_dense; i++) {
        Int outputs = net->dense[i], rows = layout->n_rows;
        int is_last = i == net->n_dense - 1;
        Dense *dense = &layout->dense[i];
        *dense = (Dense){width, outputs, is_last ? net->output_activation : net->dense_activation,
                         w, w + width * outputs, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
        w += (width + 1) * outputs;
        if (trains) {
            dense->kernel_grad = gradient, dense->bias_grad = gradient + width * outputs;
            gradient += (width + 1) * outputs;
            dense->kernel_t = REALS(width * outputs);
        }
        dense->grad = REALS(rows * outputs);
        dense->before = REALS(rows * outputs), dense->output = REALS(rows * outputs);
        width = outputs;
    }
}

/* Return the id of a token, -1 where it is absent. With static features ids are floats. */
static Int token_of(const Network *net, const Batches *data, Int place)
{
    if (!net->n_static)
        return ((const int32_t *)data->x)[place];
    REAL id = ((const REAL *)data->x)[place * (1 + net->n_static)];
    return id == id ? (Int)id : -1;
}

static Int row_of(const Batches *data, Int place) { return data->rows ? data->rows[place] : place; }

/* Whether a timestep of a row is present. */
static int is_present(const Network *net, const Batches *data, Int place)
{
    if (!net->masked)
        return 1;
    if (net->vocab_size)
        return token_of(net, data, place) >= 0;
    REAL x = ((const REAL *)data->x)[place * (net->features + net->n_static)];
    return x == x;
}

/* Sort the samples so that those which read a timestep come first: by their first one where padding
stands in front, else by their last one. `valid` (T, n) is in the order of the batch. */
static void sort_samples(Layout *layout, const REAL *valid, REAL *keys)
{
    Int n = layout->n, T = layout->T, in_front = 0, behind = 0, n_sorted = 0;
    for (Int i = 0; i < n; i++) {
        Int first = 0, last = T;
        while (first < T && !valid[first * n + i])
            first++;
        while (last > first && !valid[(last - 1) * n + i])
            last--;
        in_front += first, behind += T - last;
    }
    for (Int i = 0; i < n; i++) {
        Int skipped = 0;
        while (skipped < T && !valid[(in_front >= behind ? skipped : T - 1 - skipped) * n + i])
            skipped++;
        keys[i] = R(skipped);
    }
    for (Int key = 0; key <= T; key++)
        for (Int i = 0; i < n; i++)
            if ((Int)keys[i] == key)
                layout->order[n_sorted++] = i;
}

/* Find which steps are present in a batch, sort its samples, and count those active at each step. */
static void read_mask(Layout *layout, Int start)
{
    const Network *net = layout->net;
    const Batches *data = layout->data;
    Int n = layout->n, T = layout->T;
    REAL *valid = layout->valid, *spare = layout->counts;
    for (Int i = 0; i < n; i++) {
        Int place = row_of(data, start + i) * data->timesteps;
        for (Int t = 0; t < T; t++) {
            valid[t * n + i] = 0;
            for (Int s = 0; s < net->segment; s++, place++)
                if (is_present(net, data, place))
                    valid[t * n + i] = 1;
        }
    }
    sort_samples(layout, valid, spare);
    for (Int t = 0; t < T; t++) {
        memcpy(spare, valid + t * n, (size_t)n * sizeof(REAL));
        layout->active[t] = 0;
        for (Int i = 0; i < n; i++)
            if ((valid[t * n + i] = spare[layout->order[i]]) > 0)
                layout->active[t] = i + 1;
    }
}

/* Read the tokens of a batch; return whether the Embedding has all of them. */
static int read_tokens(Layout *layout, Int start)
{
    const Network *net = layout->net;
    const Batches *data = layout->data;
    layout->n_distinct = 0;
    for (Int i = 0; i < layout->n; i++) {
        Int place = row_of(data, start + layout->order[i]) * data->timesteps;
        for (Int t = 0; t < data->timesteps; t++, place++) {
            Int id = token_of(net, data, place);
            int absent = net->masked && id < 0;
            if (!absent && (id < 0 || id >= net->vocab_size))
                return 0;
            layout->ids[t * layout->n + i] = absent ? -1 : id;
            if (absent || !layout->places)
                continue;
            Int known = layout->places[id];
            if (known < 0 || known >= layout->n_distinct || layout->distinct[known] != id) {
                layout->places[id] = layout->n_distinct;
                layout->distinct[layout->n_distinct++] = id;
            }
        }
    }
    return 1;
}

/* Fill x (T, n, segment * features); absent timesteps are zeros. */
static void read_x(Layout *layout, Int start)
{
    const Network *net = layout->net;
    const Batches *data = layout->data;
    Int n = layout->n, features = net->features, segment = net->segment;
    size_t bytes = (size_t)features * sizeof(REAL);
    for (Int i = 0; i < n; i++) {
        Int place = row_of(data, start + layout->order[i]) * data->timesteps;
        for (Int t = 0; t < layout->T; t++)
            for (Int s = 0; s < segment; s++, place++) {
                REAL *x = layout->x + ((t * n + i) * segment + s) * features;
                if (!is_present(net, data, place))
                    memset(x, 0, bytes);
                else if (net->vocab_size)
                    memcpy(x, (const REAL *)net->table + layout->ids[(t * segment + s) * n + i] * features,
                           bytes);
                else
                    memcpy(x, (const REAL *)data->x + place * (features + net->n_static), bytes);
            }
    }
}

/* Copy the states before the first step from the caller, or those after the last one to it. */
static void exchange_states(Layout *layout, int reads)
{
    REAL *given = layout->data->states;
    Int n = layout->n, T = layout->T;
    for (Int i = 0; i < layout->net->n_layers; i++)
        for (int k = 0; k < layout->n_directions; k++) {
            const Direction *d = &layout->directions[i][k];
            REAL *states[] = {d->h, d->c};
            for (int j = 0; j < 2 && states[j]; j++) {
                size_t bytes = (size_t)(n * d->units) * sizeof(REAL);
                REAL *state = states[j] + ((reads ? k : !k) ? T : 0) * n * d->units;
                if (!reads)
                    memcpy(given, state, bytes);
                else if (given)
                    memcpy(state, given, bytes);
                else
                    memset(state, 0, bytes);
                if (given)
                    given += n * d->units;
            }
        }
}

/* Return what a direction reads: x, or with dropout a copy that leaves out some features. */
static void read_input(const Layout *layout, Direction *d, REAL *x, const REAL **factors)
{
    if (!*factors) {
        d->x = x;
        return;
    }
    Int n = layout->n, F = d->width;
    for (Int t = 0; t < layout->T; t++)
        for (Int i = 0; i < n; i++) {
            const REAL *factor = *factors + layout->order[i] * F;
            for (Int f = 0; f < F; f++)
                d->x[(t * n + i) * F + f] = x[(t * n + i) * F + f] * factor[f];
        }
}

static REAL *output_of(const Direction *d, Int n) { return d->h + (1 - d->backwards) * n * d->units; }

static const REAL *final_of(const Direction *d, Int n, Int T)
{
    return d->h + (d->backwards ? 0 : T) * n * d->units;
}

/* Write the outputs of both directions side by side; masked steps are zeros, as Keras has them. */
static void join(const Layout *layout, Int layer, REAL *out)
{
    Int n = layout->n, U = layout->net->units[layer];
    for (Int k = 0; k < 2; k++) {
        const REAL *h = output_of(&layout->directions[layer][k], n);
        for (Int i = 0; i < layout->T * n; i++) {
            REAL *row = out + i * 2 * U + k * U;
            if (layout->valid && !layout->valid[i])
                memset(row, 0, (size_t)U * sizeof(REAL));
            else
                memcpy(row, h + i * U, (size_t)U * sizeof(REAL));
        }
    }
}

/* Return the states of all steps of the last recurrent layer, (T, n, width). */
static REAL *recur(Layout *layout, const REAL *factors)
{
    const Network *net = layout->net;
    REAL *x = layout->x;
    exchange_states(layout, 1);
    for (Int i = 0; i < net->n_layers; i++) {
        for (int k = 0; k < layout->n_directions; k++) {
            Direction *d = &layout->directions[i][k];
            read_input(layout, d, x, &factors);
            direction_forward(d, &layout->steps);
            if (factors)
                factors += layout->n * d->width;
        }
        x = output_of(&layout->directions[i][0], layout->n);
        if (net->bidirectional)
            join(layout, i, x = layout->joined[i]);
    }
    if (layout->data->states)
        exchange_states(layout, 0);
    return x;
}

/* Write what the Dense layers read: (N, width [+ static]). */
static void read_head(Layout *layout, const REAL *states, Int start)
{
    const Network *net = layout->net;
    const Batches *data = layout->data;
    Int n = layout->n, U = net->units[net->n_layers - 1], width = U * layout->n_directions;
    Int full = width + net->n_static;
    if (net->sequences) {
        memcpy(layout->head, states, (size_t)(layout->n_rows * width) * sizeof(REAL));
        return;
    }
    if (net->pooling != LAST)
        pool_forward(net->pooling, &layout->steps, width, states, layout->pooled, layout->counts);
    for (Int i = 0; i < n; i++) {
        REAL *row = layout->head + i * full;
        if (net->pooling != LAST)
            memcpy(row, layout->pooled + i * width, (size_t)width * sizeof(REAL));
        for (Int k = 0; net->pooling == LAST && k < layout->n_directions; k++)
            memcpy(row + k * U, final_of(&layout->directions[net->n_layers - 1][k], n, layout->T) + i * U,
                   (size_t)U * sizeof(REAL));
        if (net->n_static) {
            Int place = row_of(data, start + layout->order[i]) * data->timesteps;
            Int features = net->vocab_size ? 1 : net->features;
            memcpy(row + width,
                   (const REAL *)data->x + place * (features + net->n_static) + features,
                   (size_t)net->n_static * sizeof(REAL));
        }
    }
}

/* Compute the output of the batch that begins at `start`; return 0 for an unknown token. */
static int network_forward(Layout *layout, Int start, const Optimizer *optimizer,
                           const REAL *factors, REAL **states)
{
    const Network *net = layout->net;
    for (Int i = 0; i < layout->n; i++)
        layout->order[i] = i;
    if (net->masked)
        read_mask(layout, start);
    if (net->vocab_size && !read_tokens(layout, start))
        return 0;
    for (Int i = 0; optimizer && optimizer->late && i < layout->n_distinct; i++)
        catch_up(optimizer, layout->distinct[i], net->features);
    read_x(layout, start);
    *states = recur(layout, factors);
    read_head(layout, *states, start);
    const REAL *input = layout->head;
    for (Int i = 0; i < net->n_dense; i++) {
        layout->dense[i].input = input;
        dense_forward(&layout->dense[i], layout->n_rows, layout->data->gemm);
        input = layout->dense[i].output;
    }
    return 1;
}

/* Return the sum of the rows' losses, each times its weight; `total` takes that of the weights. With
`divides` the weights are shares of a mean, and the last Dense layer's `grad` takes the gradient. */
static double batch_loss(Layout *layout, Int start, int divides, double *total)
{
    const Network *net = layout->net;
    const Batches *data = layout->data;
    const Dense *last = &layout->dense[net->n_dense - 1];
    Int n = layout->n, T = net->sequences ? layout->T : 1, O = last->outputs, count = 0;
    for (Int i = 0; layout->valid && net->sequences && i < n * T; i++)
        count += layout->valid[i] > 0;
    count = layout->valid && net->sequences ? count : n * T;
    const double unit = data->loss_is_mean ? (double)O : 1, size = divides ? (double)count : 1;
    Int y_width = data->loss == SPARSE_CATEGORICAL ? 1 : O;
    double sum = 0;
    for (Int t = 0; t < T; t++)
        for (Int i = 0; i < n; i++) {
            Int place = row_of(data, start + layout->order[i]) * T + t, row = t * n + i;
            const REAL weight = ((const REAL *)data->w)[place], share = R(weight / (size * unit));
            const REAL *out = data->loss_of_logits ? last->before : last->output;
            double loss = row_loss(data->loss, (const REAL *)data->y + place * y_width, out + row * O, O,
                                   last->grad + row * O);
            sum += share * loss;
            *total += weight;
            for (Int j = 0; divides && j < O; j++)
                last->grad[row * O + j] *= share;
        }
    return sum;
}

/* Return the gradient of x of one layer, summed over its directions, given that of what it returns. */
static REAL *layer_backward(Layout *layout, Int layer, const REAL *grad_last, Int ld_last,
                            REAL *grad_sequence, REAL *grad_x, const REAL *factors)
{
    const Steps *steps = &layout->steps;
    Int n = layout->n, U = layout->net->units[layer], width = U * layout->n_directions;
    for (Int i = 0; layout->n_directions == 2 && layout->valid && grad_sequence && i < layout->T * n; i++)
        if (!layout->valid[i])
            memset(grad_sequence + i * width, 0, (size_t)width * sizeof(REAL));
    for (Int k = 0; k < layout->n_directions; k++) {
        const Direction *d = &layout->directions[layer][k];
        const REAL *of_last = grad_last ? grad_last + k * U : NULL;
        const REAL *of_all = grad_sequence ? grad_sequence + k * U : NULL;
        Int F = d->width;
        if (!factors || !grad_x) {
            direction_backward(d, steps, of_last, ld_last, of_all, width, grad_x, k > 0);
            continue;
        }
        direction_backward(d, steps, of_last, ld_last, of_all, width, layout->dropped, 0);
        for (Int i = 0; i < layout->T * n; i++)
            for (Int f = 0; f < F; f++) {
                REAL part = layout->dropped[i * F + f] * factors[layout->order[i % n] * F + f];
                grad_x[i * F + f] = part + (k ? grad_x[i * F + f] : 0);
            }
        factors += n * F;
    }
    return grad_x;
}

/* Sum the gradient of x, and its square, over the places of each token: Keras squares before it sums. */
static void sum_of_tokens(Layout *layout, const REAL *grad_x)
{
    const Network *net = layout->net;
    Int n = layout->n, features = net->features, segment = net->segment;
    size_t bytes = (size_t)(layout->n_distinct * features) * sizeof(REAL);
    memset(layout->token_grads, 0, bytes);
    memset(layout->token_squares, 0, bytes);
    for (Int t = 0; t < layout->data->timesteps; t++)
        for (Int i = 0; i < n; i++) {
            Int id = layout->ids[t * n + i];
            if (id < 0)
                continue;
            Int place = layout->places[id] * features;
            const REAL *grad = grad_x + ((t / segment * n + i) * segment + t % segment) * features;
            for (Int f = 0; f < features; f++) {
                layout->token_grads[place + f] += grad[f];
                layout->token_squares[place + f] += grad[f] * grad[f];
            }
        }
}

/* Update the Embedding. Rows that were not read have a gradient of zero; they stay as they are under
plain SGD and Adagrad, and under Adam catch up when they are read again, if `late` is there. */
static void table_step(Layout *layout, const Optimizer *o, double alpha)
{
    Int dim = layout->net->features, n_read = layout->n_distinct * dim;
    Int size = layout->net->vocab_size * dim;
    REAL *table = o->table, *first = o->table_first, *second = o->table_second;
    REAL *grads = layout->token_grads, *squares = layout->token_squares;
    double norm = 0;
    for (Int i = 0; o->clipnorm > 0 && i < n_read; i++)
        norm += squares[i];
    norm = sqrt(norm);
    const REAL share = R(norm > o->clipnorm && o->clipnorm > 0 ? o->clipnorm / norm : 1);
    for (Int i = 0; share < 1 && i < n_read; i++)
        grads[i] *= share, squares[i] *= share * share;
    const REAL decay = R(o->weight_decay * o->rate);
    for (Int i = 0; o->weight_decay > 0 && i < size; i++)
        table[i] -= table[i] * decay;
    int only_read = o->late || o->kind == ADAGRAD || (o->kind == SGD && !first);
    for (Int i = 0; only_read && i < layout->n_distinct; i++) {
        Int place = layout->distinct[i] * dim;
        update(o, alpha, dim, table + place, grads + i * dim, squares + i * dim,
               STEP_OVER(first, place), STEP_OVER(second, place));
    }
    for (Int row = 0; !only_read && row < layout->net->vocab_size; row++) {
        Int i = layout->places[row], place = row * dim;
        int read = i >= 0 && i < layout->n_distinct && layout->distinct[i] == row;
        update(o, alpha, dim, table + place, read ? grads + i * dim : layout->no_grads,
               read ? squares + i * dim : layout->no_grads, STEP_OVER(first, place),
               STEP_OVER(second, place));
    }
    if (o->late)
        count_step(o, alpha, layout->distinct, layout->n_distinct, layout->net->vocab_size, dim);
}

/* Write the gradient of all weights, given that of the last Dense layer. */
static void network_backward(Layout *layout, const REAL *states, const REAL *factors)
{
    const Network *net = layout->net;
    Int n = layout->n, width = net->units[net->n_layers - 1] * layout->n_directions;
    Int full = width + net->n_static, last = net->n_layers - 1;
    for (Int i = net->n_dense - 1; i >= 0; i--) {
        REAL *grad_input = i ? layout->dense[i - 1].grad : layout->grad_head;
        dense_backward(&layout->dense[i], layout->n_rows, grad_input, layout->data->gemm);
        if (i)
            dense_through_activation(&layout->dense[i - 1], layout->n_rows);
    }
    REAL *grad_sequence = net->sequences ? layout->grad_head : NULL;
    const REAL *grad_last = net->sequences ? NULL : layout->grad_head;
    if (net->pooling != LAST) {
        grad_last = NULL, grad_sequence = layout->grad_sequence;
        for (Int i = 0; net->n_static && i < n; i++) /* without static features */
            memmove(layout->grad_head + i * width, layout->grad_head + i * full,
                    (size_t)width * sizeof(REAL));
        pool_backward(net->pooling, &layout->steps, width, states, layout->pooled, layout->counts,
                      layout->grad_head, grad_sequence);
    }
    const REAL *starts[MAX_LAYERS] = {0};
    for (Int i = 0; factors && i <= last; i++)
        for (int k = 0; k < layout->n_directions; k++) {
            starts[i] = k ? starts[i] : factors;
            factors += n * layout->directions[i][k].width;
        }
    for (Int i = last; i >= 0; i--) {
        REAL *grad_x = i > 0 || layout->places ? layout->grad_x[i % 2] : NULL;
        grad_sequence = layer_backward(layout, i, grad_last, full, grad_sequence, grad_x, starts[i]);
        grad_last = NULL;
    }
    if (layout->places)
        sum_of_tokens(layout, grad_sequence);
}

/* Write the output of a batch, samples first. */
static void write_output(const Layout *layout, Int start)
{
    Int n = layout->n, T = layout->net->sequences ? layout->T : 1;
    const Dense *last = &layout->dense[layout->net->n_dense - 1];
    for (Int t = 0; t < T; t++)
        for (Int i = 0; i < n; i++)
            memcpy((REAL *)layout->data->output + ((start + layout->order[i]) * T + t) * last->outputs,
                   last->output + (t * n + i) * last->outputs, (size_t)last->outputs * sizeof(REAL));
}

/* ---- The calls ---- */

/* Return how many bytes of zeros a workspace needs for n samples. */
EXPORT Int NAME(workspace_bytes)(const Network *net, const Batches *data, Int n, Int trains)
{
    Layout layout;
    Batches nowhere = *data;
    nowhere.workspace = NULL;
    lay_out(&layout, net, &nowhere, n, trains ? (REAL *)net->weights : NULL);
    return layout.bytes;
}

/* Compute outputs, losses or both; return 0 for a token that the Embedding does not have. */
EXPORT Int NAME(predict)(const Network *net, Batches *data)
{
    Layout layout;
    REAL *states;
    data->total = data->weight = 0;
    for (Int start = 0; start < data->n_rows; start += data->n_batch) {
        Int rest = data->n_rows - start, n = rest < data->n_batch ? rest : data->n_batch;
        if (start == 0 || n < data->n_batch)
            lay_out(&layout, net, data, n, NULL);
        if (!network_forward(&layout, start, NULL, NULL, &states))
            return 0;
        if (data->y)
            data->total += batch_loss(&layout, start, 0, &data->weight);
        if (data->output)
            write_output(&layout, start);
    }
    return 1;
}

/* Train on batches, one step each; return 0 for a token that the Embedding does not have. */
EXPORT Int NAME(train)(const Network *net, Batches *data, Optimizer *optimizer)
{
    Layout layout;
    REAL *states;
    Int n_recurrent = 0;
    data->total = data->weight = 0;
    for (Int start = 0; start < data->n_rows; start += data->n_batch) {
        Int rest = data->n_rows - start, n = rest < data->n_batch ? rest : data->n_batch;
        if (start == 0 || n < data->n_batch) {
            lay_out(&layout, net, data, n, optimizer->gradient);
            n_recurrent = layout.dense[0].kernel_grad - (REAL *)optimizer->gradient;
        }
        const REAL *factors = data->factors; /* then there is one batch */
        if (!network_forward(&layout, start, optimizer, factors, &states))
            return 0;
        double loss = batch_loss(&layout, start, 1, &data->weight), alpha = step_length(optimizer);
        if (!data->loss_of_logits)
            dense_through_activation(&layout.dense[net->n_dense - 1], layout.n_rows);
        memset(optimizer->gradient, 0, (size_t)n_recurrent * sizeof(REAL));
        network_backward(&layout, states, factors);
        loss += add_penalties(optimizer);
        optimizer_step(optimizer, alpha);
        if (layout.places)
            table_step(&layout, optimizer, alpha);
        optimizer->iterations++;
        data->total += loss * (double)n;
    }
    return 1;
}

#ifdef SOURCE /* in one of the builds */
/* Return the hash of the sources. */
EXPORT const char *skrnn_source(void) { return SOURCE; }

/* Return the widest build that this processor runs: 0, 1 or 2. */
EXPORT Int skrnn_level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    int fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    return fma ? 1 + (wide ? 1 : 0) : 0;
#else
    return 0;
#endif
}
#endif
