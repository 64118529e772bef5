/* Networks: the buffers of a part of a batch, and its forward and backward passes. */

#include "layers.h"
#include "optimizers.h"

#define MAX_LAYERS 16

/* ---- Arguments of the calls; library.py has the same fields in the same order ---- */

typedef struct {
    Int n_layers, bidirectional, activation;
    Int n_dense, dense_activation, output_activation; /* the output layer is the last Dense one */
    Int features, segment, n_static; /* numbers of a timestep, timesteps of a step */
    Int masked, sequences, pooling;
    Int vocab_size, trains_table; /* 0 without an Embedding */
    Int cells[MAX_LAYERS], units[MAX_LAYERS], dense[MAX_LAYERS];
    Int frozen[2 * MAX_LAYERS]; /* whether it is: each recurrent layer, then each Dense one */
    Quantiles quantiles;
    const void *table, *weights; /* the Embedding, and all other weights in Keras's order */
} Network;

typedef struct {
    const void *x, *y, *w; /* samples first: x (rows, timesteps, features + n_static), or ids */
    const Int *rows;       /* which rows, in this order, of every epoch; NULL: all */
    Int n_epochs, n_rows, n_batch, timesteps;
    const void *factors; /* of dropout: of each batch (n, F) of every direction; NULL: none */
    void *states;        /* of a stateful network, read and written; NULL: zeros */
    void *output;        /* (n_rows, [T,] O), or NULL */
    Int hidden;          /* the output is hidden states: 1 the last, (n_rows, U), 2 all of them */
    void *final;         /* states after the last step, (states, n_rows, U), or NULL */
    void *workspace;
    Gemm *gemm; /* BLAS's for this dtype, or NULL */
    Int loss, loss_is_mean, loss_of_logits, n_threads;
    Int n_parts;          /* out, of `workspace_bytes`: of a batch, computed by as many threads at most */
    double *totals;       /* (n_epochs) out: the sum of the losses; `predict` has one */
    double weight; /* out: the sum of the weights */
} Batches;

/* ---- Buffers ---- */

/* Memory from the caller's workspace; without a workspace only `bytes` is counted. */
typedef struct {
    char *start;
    Int bytes;
} Arena;

/* The samples of a batch that one thread computes, with all their buffers. */
typedef struct {
    const Network *net;
    const Batches *data;
    Arena *arena;
    Int first, n, n_batch; /* which samples of a batch of n_batch */
    Int T, n_rows, n_directions, n_factors;
    Steps steps;
    REAL *valid;         /* (T, n): 1 or 0 */
    Int *active, *order; /* (T); (n) places of the samples in the part, sorted */
    Int *ids;            /* (timesteps, n), -1: absent */
    REAL *x;             /* (T, n, F) */
    Direction directions[MAX_LAYERS][2];
    REAL *joined[MAX_LAYERS]; /* (T, n, 2 U) of both directions */
    Dense dense[MAX_LAYERS];
    REAL *last, *pooled, *counts, *head, *grad_head, *grad_sequence, *grad_x[2], *dropped;
    REAL *gradient;       /* of all weights but an Embedding's, from the first trained layer on */
    Int n_gradient, n_recurrent; /* its size, and that of its recurrent layers */
    const REAL *x_grad; /* of the Embedding's vectors, (T, n, F) */
    double loss, weight;
} Part;

static void *take(Arena *arena, Int count, size_t size)
{
    Int start = arena->bytes, bytes = (count + PIECE) * (Int)size;
    arena->bytes += (bytes + 63) / 64 * 64;
    return arena->start ? arena->start + start : NULL;
}

#define REALS(count) take(part->arena, count, sizeof(REAL))
#define INTS(count) take(part->arena, count, sizeof(Int))
#define STEP_OVER(pointer, count) ((pointer) ? ((pointer) + (count)) : NULL)

/* Whether a gradient passes back through a layer: it, or a layer before it, is trained. Recurrent
layers come before Dense layers. */
static int goes_back(const Network *net, Int layer)
{
    if (net->vocab_size && net->trains_table)
        return 1;
    for (Int i = 0; i <= layer; i++)
        if (!net->frozen[i])
            return 1;
    return 0;
}

/* Set one direction's weights, which start at *w and *grad, and its buffers. `trains` is whether a
gradient passes back through it. */
static void lay_direction(Part *part, Direction *d, Int layer, int backwards, Int width,
                          const REAL **w, REAL **grad, int trains)
{
    const Network *net = part->net;
    Int n = part->n, T = part->T, U = net->units[layer], cell = net->cells[layer];
    Int gates = N_GATES[cell] * U, n_bias = cell == GRU ? 2 * gates : gates;
    *d = (Direction){.cell = cell, .units = U, .width = width, .backwards = backwards,
                     .activation = net->activation, .gemm = part->data->gemm};
    d->kernel = *w, d->recurrent = *w + width * gates, d->bias = d->recurrent + U * gates;
    *w = d->bias + n_bias;
    if (trains) {
        if (!net->frozen[layer]) {
            d->kernel_grad = *grad, d->recurrent_grad = *grad + width * gates;
            d->bias_grad = d->recurrent_grad + U * gates;
        }
        *grad += (width + U) * gates + n_bias;
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
    if (part->data->factors)
        d->x = REALS(T * n * width);
    for (Int j = 0; part->arena->start && j < 4 * U; j++)
        d->halves[j] = net->activation == TANH && j / U == 2 ? 1 : R(0.5);
}

/* Set the buffers of a part; `net`, `data`, `arena`, `first`, `n`, and `n_batch` are set already.
`gradient` receives the gradient of the weights; NULL: the part only predicts. */
static void lay_out(Part *part, REAL *gradient)
{
    const Network *net = part->net;
    const Batches *data = part->data;
    Int n = part->n, T = part->T = data->timesteps / net->segment, width = net->features * net->segment;
    part->n_directions = net->bidirectional ? 2 : 1;
    part->n_rows = net->sequences ? n * T : n;
    part->order = INTS(n);
    if (net->masked) {
        part->active = INTS(T), part->valid = REALS(T * n);
    }
    part->steps = (Steps){n, T, part->valid, part->active};
    part->x = REALS(T * n * width);
    part->gradient = gradient;
    int trains = gradient != NULL;
    if (net->vocab_size)
        part->ids = INTS(data->timesteps * n);
    const REAL *w = net->weights;
    Int widest = width;
    for (Int i = 0; i < net->n_layers; i++) {
        part->n_factors += width * part->n_directions;
        for (int k = 0; k < part->n_directions; k++)
            lay_direction(part, &part->directions[i][k], i, k, width, &w, &gradient,
                          trains && goes_back(net, i));
        width = net->units[i] * part->n_directions;
        if (net->bidirectional)
            part->joined[i] = REALS(T * n * width);
        widest = width > widest ? width : widest;
    }
    part->last = REALS(n * width), part->pooled = REALS(n * width), part->counts = REALS(n);
    part->head = REALS(part->n_rows * (width + net->n_static));
    if (trains) {
        part->grad_head = REALS(part->n_rows * (width + net->n_static));
        part->grad_sequence = REALS(net->pooling == LAST ? 0 : T * n * width);
        part->grad_x[0] = REALS(T * n * widest), part->grad_x[1] = REALS(T * n * widest);
        if (data->factors)
            part->dropped = REALS(T * n * widest);
    }
    width += net->n_static;
    part->n_recurrent = trains ? gradient - part->gradient : 0;
    for (Int i = 0; i < net->n_dense; i++) {
        Int outputs = net->dense[i], rows = part->n_rows;
        int is_last = i == net->n_dense - 1;
        Dense *dense = &part->dense[i];
        *dense = (Dense){width, outputs, is_last ? net->output_activation : net->dense_activation, &net->quantiles,
                         w, w + width * outputs, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
        w += (width + 1) * outputs;
        if (trains && goes_back(net, net->n_layers + i)) {
            if (!net->frozen[net->n_layers + i])
                dense->kernel_grad = gradient, dense->bias_grad = gradient + width * outputs;
            gradient += (width + 1) * outputs;
            dense->kernel_t = REALS(width * outputs);
        }
        dense->grad = REALS(rows * outputs);
        dense->before = REALS(rows * outputs), dense->output = REALS(rows * outputs);
        width = outputs;
    }
    part->n_gradient = trains ? gradient - part->gradient : 0;
}

/* Return the id of a token, or -1 if it is absent. With static features ids are floats. */
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

/* Sort the samples so that those which read a timestep come first: by their first timestep if padding
comes first, else by their last timestep. `valid` (T, n) is in the order of the batch. */
static void sort_samples(Part *part, const REAL *valid, REAL *keys)
{
    Int n = part->n, T = part->T, in_front = 0, behind = 0, n_sorted = 0;
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
                part->order[n_sorted++] = i;
}

/* Find the present steps of a batch, sort its samples, and count those active at each step. */
static void read_mask(Part *part, Int start)
{
    const Network *net = part->net;
    const Batches *data = part->data;
    Int n = part->n, T = part->T;
    REAL *valid = part->valid, *spare = part->counts;
    for (Int i = 0; i < n; i++) {
        Int place = row_of(data, start + i) * data->timesteps;
        for (Int t = 0; t < T; t++) {
            valid[t * n + i] = 0;
            for (Int s = 0; s < net->segment; s++, place++)
                if (is_present(net, data, place))
                    valid[t * n + i] = 1;
        }
    }
    sort_samples(part, valid, spare);
    for (Int t = 0; t < T; t++) {
        memcpy(spare, valid + t * n, (size_t)n * sizeof(REAL));
        part->active[t] = 0;
        for (Int i = 0; i < n; i++)
            if ((valid[t * n + i] = spare[part->order[i]]) > 0)
                part->active[t] = i + 1;
    }
}

/* Read the tokens of a part; return whether the Embedding has all of them. */
static int read_tokens(Part *part, Int start)
{
    const Network *net = part->net;
    const Batches *data = part->data;
    for (Int i = 0; i < part->n; i++) {
        Int place = row_of(data, start + part->order[i]) * data->timesteps;
        for (Int t = 0; t < data->timesteps; t++, place++) {
            Int id = token_of(net, data, place);
            int absent = net->masked && id < 0;
            if (!absent && (id < 0 || id >= net->vocab_size))
                return 0;
            part->ids[t * part->n + i] = absent ? -1 : id;
        }
    }
    return 1;
}

/* Fill x (T, n, segment * features); absent timesteps are zeros. */
static void read_x(Part *part, Int start)
{
    const Network *net = part->net;
    const Batches *data = part->data;
    Int n = part->n, features = net->features, segment = net->segment;
    size_t bytes = (size_t)features * sizeof(REAL);
    for (Int i = 0; i < n; i++) {
        Int place = row_of(data, start + part->order[i]) * data->timesteps;
        for (Int t = 0; t < part->T; t++)
            for (Int s = 0; s < segment; s++, place++) {
                REAL *x = part->x + ((t * n + i) * segment + s) * features;
                if (!is_present(net, data, place))
                    memset(x, 0, bytes);
                else if (net->vocab_size)
                    memcpy(x, (const REAL *)net->table + part->ids[(t * segment + s) * n + i] * features,
                           bytes);
                else
                    memcpy(x, (const REAL *)data->x + place * (features + net->n_static), bytes);
            }
    }
}

/* Copy the initial states from the caller, or the final states to the caller. */
static void exchange_states(Part *part, int reads)
{
    REAL *given = part->data->states; /* (n_batch, U) each */
    Int n = part->n, T = part->T;
    for (Int i = 0; i < part->net->n_layers; i++)
        for (int k = 0; k < part->n_directions; k++) {
            const Direction *d = &part->directions[i][k];
            REAL *states[] = {d->h, d->c};
            for (int j = 0; j < 2 && states[j]; j++) {
                size_t bytes = (size_t)(n * d->units) * sizeof(REAL);
                REAL *state = states[j] + ((reads ? k : !k) ? T : 0) * n * d->units;
                if (!reads)
                    memcpy(given + part->first * d->units, state, bytes);
                else if (given)
                    memcpy(state, given + part->first * d->units, bytes);
                else
                    memset(state, 0, bytes);
                if (given)
                    given += part->n_batch * d->units;
            }
        }
}

/* Return the input of a direction: x, or with dropout a copy without some features. */
static void read_input(const Part *part, Direction *d, REAL *x, const REAL **factors)
{
    if (!*factors) {
        d->x = x;
        return;
    }
    Int n = part->n, F = d->width;
    for (Int t = 0; t < part->T; t++)
        for (Int i = 0; i < n; i++) {
            const REAL *factor = *factors + (part->first + part->order[i]) * F;
            for (Int f = 0; f < F; f++)
                d->x[(t * n + i) * F + f] = x[(t * n + i) * F + f] * factor[f];
        }
}

static REAL *output_of(const Direction *d, Int n) { return d->h + (1 - d->backwards) * n * d->units; }

static const REAL *final_of(const Direction *d, Int n, Int T)
{
    return d->h + (d->backwards ? 0 : T) * n * d->units;
}

/* Write the outputs of both directions next to each other; masked steps are zeros, as in Keras. */
static void join(const Part *part, Int layer, REAL *out)
{
    Int n = part->n, U = part->net->units[layer];
    for (Int k = 0; k < 2; k++) {
        const REAL *h = output_of(&part->directions[layer][k], n);
        for (Int i = 0; i < part->T * n; i++) {
            REAL *row = out + i * 2 * U + k * U;
            if (part->valid && !part->valid[i])
                memset(row, 0, (size_t)U * sizeof(REAL));
            else
                memcpy(row, h + i * U, (size_t)U * sizeof(REAL));
        }
    }
}

/* Return the states of all steps of the last recurrent layer, (T, n, width). */
static REAL *recur(Part *part, const REAL *factors)
{
    const Network *net = part->net;
    REAL *x = part->x;
    exchange_states(part, 1);
    for (Int i = 0; i < net->n_layers; i++) {
        for (int k = 0; k < part->n_directions; k++) {
            Direction *d = &part->directions[i][k];
            read_input(part, d, x, &factors);
            direction_forward(d, &part->steps);
            if (factors)
                factors += part->n_batch * d->width;
        }
        x = output_of(&part->directions[i][0], part->n);
        if (net->bidirectional)
            join(part, i, x = part->joined[i]);
    }
    if (part->data->states)
        exchange_states(part, 0);
    return x;
}

/* Write the input of the Dense layers: (N, width [+ static]). */
static void read_head(Part *part, const REAL *states, Int start)
{
    const Network *net = part->net;
    const Batches *data = part->data;
    Int n = part->n, U = net->units[net->n_layers - 1], width = U * part->n_directions;
    Int full = width + net->n_static;
    if (net->sequences) {
        memcpy(part->head, states, (size_t)(part->n_rows * width) * sizeof(REAL));
        return;
    }
    if (net->pooling != LAST)
        pool_forward(net->pooling, &part->steps, width, states, part->pooled, part->counts);
    for (Int i = 0; i < n; i++) {
        REAL *row = part->head + i * full;
        if (net->pooling != LAST)
            memcpy(row, part->pooled + i * width, (size_t)width * sizeof(REAL));
        for (Int k = 0; net->pooling == LAST && k < part->n_directions; k++)
            memcpy(row + k * U, final_of(&part->directions[net->n_layers - 1][k], n, part->T) + i * U,
                   (size_t)U * sizeof(REAL));
        if (net->n_static) {
            Int place = row_of(data, start + part->order[i]) * data->timesteps;
            Int features = net->vocab_size ? 1 : net->features;
            memcpy(row + width,
                   (const REAL *)data->x + place * (features + net->n_static) + features,
                   (size_t)net->n_static * sizeof(REAL));
        }
    }
}

/* Find the order in which a part that starts at `start` reads its samples, its mask, and its tokens;
return 0 for an unknown token. */
static int prepare(Part *part, Int start)
{
    for (Int i = 0; i < part->n; i++)
        part->order[i] = i;
    if (part->net->masked)
        read_mask(part, start);
    return !part->net->vocab_size || read_tokens(part, start);
}

/* Return the number of rows of the output that count in the loss. */
static Int rows_present(const Part *part)
{
    Int count = 0;
    if (!part->valid || !part->net->sequences)
        return part->n_rows;
    for (Int i = 0; i < part->n_rows; i++)
        count += part->valid[i] > 0;
    return count;
}

/* Compute the output of a part from the states of all steps. */
static void head_forward(Part *part, Int start, const REAL *states)
{
    const Network *net = part->net;
    read_head(part, states, start);
    const REAL *input = part->head;
    for (Int i = 0; i < net->n_dense; i++) {
        part->dense[i].input = input;
        dense_forward(&part->dense[i], part->n_rows, part->data->gemm);
        input = part->dense[i].output;
    }
}

/* Write the weighted sum of the rows' losses, and the sum of the weights. With a `count` of the
batch's rows the weights are those of a mean, and the last Dense layer's `grad` receives the
gradient. With 0, neither. */
static void compute_loss(Part *part, Int start, Int count)
{
    const Network *net = part->net;
    const Batches *data = part->data;
    const Dense *last = &part->dense[net->n_dense - 1];
    Int n = part->n, T = net->sequences ? part->T : 1, O = last->outputs;
    const double unit = data->loss_is_mean ? (double)O : 1, size = count ? (double)count : 1;
    part->loss = part->weight = 0;
    Int y_width = data->loss == SPARSE_CATEGORICAL ? 1 : data->loss == PINBALL ? O / net->quantiles.count : O;
    for (Int t = 0; t < T; t++)
        for (Int i = 0; i < n; i++) {
            Int place = row_of(data, start + part->order[i]) * T + t, row = t * n + i;
            const REAL weight = ((const REAL *)data->w)[place], share = R(weight / (size * unit));
            const REAL *out = data->loss_of_logits ? last->before : last->output;
            double loss = row_loss(data->loss, &net->quantiles, (const REAL *)data->y + place * y_width,
                                   out + row * O, O, last->grad + row * O);
            part->loss += share * loss;
            part->weight += weight;
            for (Int j = 0; count && j < O; j++)
                last->grad[row * O + j] *= share;
        }
}

/* Return the gradient of one layer's x, summed over its directions, given the gradient of its output. */
static REAL *layer_backward(Part *part, Int layer, const REAL *grad_last, Int ld_last,
                            REAL *grad_sequence, REAL *grad_x, const REAL *factors)
{
    const Steps *steps = &part->steps;
    Int n = part->n, U = part->net->units[layer], width = U * part->n_directions;
    for (Int i = 0; part->n_directions == 2 && part->valid && grad_sequence && i < part->T * n; i++)
        if (!part->valid[i])
            memset(grad_sequence + i * width, 0, (size_t)width * sizeof(REAL));
    for (Int k = 0; k < part->n_directions; k++) {
        const Direction *d = &part->directions[layer][k];
        const REAL *of_last = grad_last ? grad_last + k * U : NULL;
        const REAL *of_all = grad_sequence ? grad_sequence + k * U : NULL;
        Int F = d->width;
        if (!factors || !grad_x) {
            direction_backward(d, steps, of_last, ld_last, of_all, width, grad_x, k > 0);
            continue;
        }
        direction_backward(d, steps, of_last, ld_last, of_all, width, part->dropped, 0);
        for (Int i = 0; i < part->T * n; i++)
            for (Int f = 0; f < F; f++) {
                Int sample = part->first + part->order[i % n];
                REAL grad = part->dropped[i * F + f] * factors[sample * F + f];
                grad_x[i * F + f] = grad + (k ? grad_x[i * F + f] : 0);
            }
        factors += part->n_batch * F;
    }
    return grad_x;
}

/* Write the gradient of all trained weights, given that of the last Dense layer. */
static void network_backward(Part *part, const REAL *states, const REAL *factors)
{
    const Network *net = part->net;
    Int n = part->n, width = net->units[net->n_layers - 1] * part->n_directions;
    Int full = width + net->n_static, last = net->n_layers - 1;
    int reads_table = net->vocab_size && net->trains_table;
    for (Int i = net->n_dense - 1; i >= 0; i--) {
        REAL *grad_input = i ? part->dense[i - 1].grad : part->grad_head;
        int goes_on = goes_back(net, last + i);
        dense_backward(&part->dense[i], part->n_rows, goes_on ? grad_input : NULL, part->data->gemm);
        if (!goes_on)
            return;
        if (i)
            dense_through_activation(&part->dense[i - 1], part->n_rows);
    }
    REAL *grad_sequence = net->sequences ? part->grad_head : NULL;
    const REAL *grad_last = net->sequences ? NULL : part->grad_head;
    if (net->pooling != LAST) {
        grad_last = NULL, grad_sequence = part->grad_sequence;
        for (Int i = 0; net->n_static && i < n; i++) /* without static features */
            memmove(part->grad_head + i * width, part->grad_head + i * full,
                    (size_t)width * sizeof(REAL));
        pool_backward(net->pooling, &part->steps, width, states, part->pooled, part->counts,
                      part->grad_head, grad_sequence);
    }
    const REAL *starts[MAX_LAYERS] = {0};
    for (Int i = 0; factors && i <= last; i++)
        for (int k = 0; k < part->n_directions; k++) {
            starts[i] = k ? starts[i] : factors;
            factors += part->n_batch * part->directions[i][k].width;
        }
    for (Int i = last; i >= 0; i--) {
        REAL *grad_x = (i > 0 ? goes_back(net, i - 1) : reads_table) ? part->grad_x[i % 2] : NULL;
        grad_sequence = layer_backward(part, i, grad_last, full, grad_sequence, grad_x, starts[i]);
        grad_last = NULL;
        if (!grad_x)
            break;
    }
    part->x_grad = grad_sequence;
}

/* Write the output of a part, samples first. */
static void write_output(const Part *part, Int start)
{
    Int n = part->n, T = part->net->sequences ? part->T : 1;
    const Dense *last = &part->dense[part->net->n_dense - 1];
    for (Int t = 0; t < T; t++)
        for (Int i = 0; i < n; i++)
            memcpy((REAL *)part->data->output + ((start + part->order[i]) * T + t) * last->outputs,
                   last->output + (t * n + i) * last->outputs, (size_t)last->outputs * sizeof(REAL));
}

/* Write hidden states of the last recurrent layer as output, samples first, and its final states. */
static void write_hidden(const Part *part, Int start, const REAL *states)
{
    const Network *net = part->net;
    const Batches *data = part->data;
    Int n = part->n, T = part->T, U = net->units[net->n_layers - 1], width = U * part->n_directions;
    size_t bytes = (size_t)U * sizeof(REAL);
    for (Int i = 0; i < n; i++) {
        Int place = start + part->order[i], n_written = 0;
        REAL *output = data->output;
        for (Int t = 0; data->hidden == 2 && t < T; t++)
            memcpy(output + (place * T + t) * width, states + (t * n + i) * width,
                   (size_t)width * sizeof(REAL));
        for (Int k = 0; k < part->n_directions; k++) {
            const Direction *d = &part->directions[net->n_layers - 1][k];
            const REAL *of_cell[] = {final_of(d, n, T), d->c ? d->c + (k ? 0 : T) * n * U : NULL};
            if (data->hidden == 1)
                memcpy(output + place * width + k * U, of_cell[0] + i * U, bytes);
            for (int j = 0; data->final && j < 2 && of_cell[j]; j++, n_written++)
                memcpy((REAL *)data->final + (n_written * data->n_rows + place) * U,
                       of_cell[j] + i * U, bytes);
        }
    }
}
