/* Batches: their parts, and the tokens and weights that the parts share. */

#include "network.h"
#include "threads.h"

/* A batch is cut into parts with a minimum of samples and of multiply-adds (some tenths of a
millisecond), and into a maximum number of parts. The cuts depend only on the network's shape, not on
the number of threads. */
#define PART_ROWS 16
#define PART_WORK 4e6
#define MOST_PARTS 16

typedef struct {
    const Network *net;
    const Batches *data;
    const Optimizer *optimizer; /* NULL: only predicts */
    Int start, n, n_present;    /* n_present: rows of the output that count in the loss; 0: predicts */
    const REAL *factors;
    double alpha; /* the length of its step */
    Part *parts;
    Int n_parts;
    /* Of an Embedding that is trained: */
    Int *distinct, *places, n_distinct; /* tokens of the batch; by token, its place among them */
    REAL *token_grads, *token_squares;  /* (tokens, E) */
    REAL *no_grads;                     /* (E) zeros */
} Batch;

/* Return how many samples a part has. */
static Int rows_of_part(const Network *net, const Batches *data, int trains)
{
    Int per_step = 0, width = net->features * net->segment, n = data->n_batch;
    for (Int i = 0; i < net->n_layers; i++) {
        Int directions = net->bidirectional ? 2 : 1, U = net->units[i];
        per_step += directions * (width + U) * N_GATES[net->cells[i]] * U;
        width = directions * U;
    }
    double work = (double)(n * per_step) * (double)(data->timesteps / net->segment) * (trains ? 3 : 1);
    Int n_parts = n / PART_ROWS < MOST_PARTS ? n / PART_ROWS : MOST_PARTS;
    if (work / PART_WORK < (double)n_parts)
        n_parts = (Int)(work / PART_WORK);
    if (n_parts <= 1)
        return n;
    return ((n + n_parts - 1) / n_parts + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
}

/* Set the buffers of a batch of n samples, and return their bytes. Without a workspace nothing is
written. */
static Int lay_out_batch(Batch *batch, const Network *net, const Batches *data, Int n,
                         const Optimizer *optimizer, int trains)
{
    Arena arena = {data->workspace, 0};
    Int rows = rows_of_part(net, data, trains), n_tokens = data->timesteps * n;
    *batch = (Batch){.net = net, .data = data, .optimizer = optimizer, .n = n};
    batch->n_parts = (n + rows - 1) / rows;
    batch->parts = take(&arena, batch->n_parts, sizeof(Part));
    if (net->vocab_size && trains && net->trains_table) {
        batch->distinct = take(&arena, n_tokens, sizeof(Int));
        batch->places = take(&arena, net->vocab_size, sizeof(Int));
        batch->token_grads = take(&arena, n_tokens * net->features, sizeof(REAL));
        batch->token_squares = take(&arena, n_tokens * net->features, sizeof(REAL));
        batch->no_grads = take(&arena, net->features, sizeof(REAL));
        if (arena.start)
            memset(batch->no_grads, 0, (size_t)net->features * sizeof(REAL));
    }
    /* The first part writes into the optimizer's gradient, and the others into their own. */
    REAL *gradient = trains && arena.start ? optimizer->gradient : (REAL *)net->weights;
    for (Int k = 0; k < batch->n_parts; k++) {
        Part counted, *part = arena.start ? &batch->parts[k] : &counted;
        Int rest = n - k * rows;
        *part = (Part){.net = net, .data = data, .arena = &arena, .first = k * rows,
                       .n = rest < rows ? rest : rows, .n_batch = n};
        lay_out(part, trains ? gradient : NULL);
        if (trains && k + 1 < batch->n_parts) {
            REAL *own = take(&arena, part->n_gradient, sizeof(REAL));
            gradient = own ? own : gradient;
        }
        part->arena = NULL;
    }
    return arena.bytes;
}

/* Record a token of a batch. */
static void note_token(Batch *batch, Int id)
{
    Int known = batch->places[id];
    if (known < 0 || known >= batch->n_distinct || batch->distinct[known] != id) {
        batch->places[id] = batch->n_distinct;
        batch->distinct[batch->n_distinct++] = id;
    }
}

/* Tokens, and columns of their vectors, that a thread handles at a time. */
#define TOKENS_AT_ONCE 64
#define COLUMNS_AT_ONCE 32

static Int pieces(Int count, Int at_once) { return (count + at_once - 1) / at_once; }

static void catch_up_tokens(void *argument, Int piece)
{
    const Batch *batch = argument;
    Int end = (piece + 1) * TOKENS_AT_ONCE;
    for (Int i = piece * TOKENS_AT_ONCE; i < end && i < batch->n_distinct; i++)
        catch_up(batch->optimizer, batch->distinct[i], batch->net->features);
}

/* Read masks and tokens of the batch that starts at `start`; return 0 for an unknown token. */
static int prepare_batch(Batch *batch, Int start, Team *team)
{
    batch->start = start, batch->n_distinct = batch->n_present = 0;
    for (Int k = 0; k < batch->n_parts; k++) {
        Part *part = &batch->parts[k];
        if (!prepare(part, start + part->first))
            return 0;
        if (batch->optimizer)
            batch->n_present += rows_present(part);
        for (Int i = 0; batch->places && i < batch->data->timesteps * part->n; i++)
            if (part->ids[i] >= 0)
                note_token(batch, part->ids[i]);
    }
    if (batch->optimizer && batch->optimizer->late)
        team_compute(team, pieces(batch->n_distinct, TOKENS_AT_ONCE), catch_up_tokens, batch);
    return 1;
}

/* Compute output and loss of one part of a Batch, and the gradients if it trains. */
static void compute_part(void *argument, Int k)
{
    const Batch *batch = argument;
    const Batches *data = batch->data;
    Part *part = &batch->parts[k];
    Int start = batch->start + part->first;
    read_x(part, start);
    REAL *states = recur(part, batch->factors);
    if (data->hidden) {
        write_hidden(part, start, states);
        return;
    }
    head_forward(part, start, states);
    if (data->y)
        compute_loss(part, start, batch->n_present);
    if (data->output)
        write_output(part, start);
    if (!batch->optimizer)
        return;
    if (!data->loss_of_logits)
        dense_through_activation(&part->dense[batch->net->n_dense - 1], part->n_rows);
    memset(part->gradient, 0, (size_t)part->n_recurrent * sizeof(REAL));
    network_backward(part, states, batch->factors);
}

/* Add the gradients of all parts, in order, to the gradient of the first one. */
static void add_gradients(const Batch *batch)
{
    REAL *sum = batch->parts[0].gradient;
    for (Int k = 1; k < batch->n_parts; k++) {
        const REAL *gradient = batch->parts[k].gradient;
        for (Int i = 0; i < batch->parts[0].n_gradient; i++)
            sum[i] += gradient[i];
    }
}

/* Sum some columns of the vectors' gradient, and of its square, over the positions of each token:
Keras squares before it sums. */
static void sum_columns(void *argument, Int piece)
{
    const Batch *batch = argument;
    Int features = batch->net->features, segment = batch->net->segment;
    Int begin = piece * COLUMNS_AT_ONCE, rest = features - begin;
    Int width = rest < COLUMNS_AT_ONCE ? rest : COLUMNS_AT_ONCE;
    for (Int i = 0; i < batch->n_distinct; i++) {
        memset(batch->token_grads + i * features + begin, 0, (size_t)width * sizeof(REAL));
        memset(batch->token_squares + i * features + begin, 0, (size_t)width * sizeof(REAL));
    }
    for (Int k = 0; k < batch->n_parts; k++) {
        const Part *part = &batch->parts[k];
        for (Int t = 0; t < batch->data->timesteps; t++)
            for (Int i = 0; i < part->n; i++) {
                Int id = part->ids[t * part->n + i], row = t / segment * part->n + i;
                if (id < 0)
                    continue;
                Int place = batch->places[id] * features + begin;
                const REAL *grad = part->x_grad + (row * segment + t % segment) * features + begin;
                REAL *sum = batch->token_grads + place, *squares = batch->token_squares + place;
                for (Int f = 0; f < width; f++) {
                    sum[f] += grad[f];
                    squares[f] += grad[f] * grad[f];
                }
            }
    }
}

/* Scale the tokens' gradients to a norm of at most clipnorm. */
static void clip_tokens(Batch *batch)
{
    Int n_read = batch->n_distinct * batch->net->features;
    REAL *grads = batch->token_grads, *squares = batch->token_squares;
    const double clipnorm = batch->optimizer->clipnorm;
    double norm = 0;
    for (Int i = 0; i < n_read; i++)
        norm += squares[i];
    norm = sqrt(norm);
    const REAL share = R(norm > clipnorm ? clipnorm / norm : 1);
    for (Int i = 0; share < 1 && i < n_read; i++)
        grads[i] *= share, squares[i] *= share * share;
}

static void update_row(const Batch *batch, Int row, const REAL *grads, const REAL *squares)
{
    const Optimizer *o = batch->optimizer;
    Int dim = batch->net->features, place = row * dim;
    update(o, batch->alpha, dim, (REAL *)o->table + place, grads, squares,
           STEP_OVER((REAL *)o->table_first, place), STEP_OVER((REAL *)o->table_second, place));
}

static void update_tokens(void *argument, Int piece)
{
    const Batch *batch = argument;
    Int dim = batch->net->features, end = (piece + 1) * TOKENS_AT_ONCE;
    for (Int i = piece * TOKENS_AT_ONCE; i < end && i < batch->n_distinct; i++)
        update_row(batch, batch->distinct[i], batch->token_grads + i * dim,
                   batch->token_squares + i * dim);
}

/* Update some rows of the table; those that were not read have a gradient of zero. */
static void update_rows(void *argument, Int piece)
{
    const Batch *batch = argument;
    Int dim = batch->net->features, end = (piece + 1) * TOKENS_AT_ONCE;
    for (Int row = piece * TOKENS_AT_ONCE; row < end && row < batch->net->vocab_size; row++) {
        Int i = batch->places[row];
        int read = i >= 0 && i < batch->n_distinct && batch->distinct[i] == row;
        update_row(batch, row, read ? batch->token_grads + i * dim : batch->no_grads,
                   read ? batch->token_squares + i * dim : batch->no_grads);
    }
}

/* Update the Embedding. Plain SGD and Adagrad do not change rows that were not read. With `late`,
such rows catch up under Adam when they are read again. */
static void table_step(Batch *batch, Team *team)
{
    const Optimizer *o = batch->optimizer;
    Int dim = batch->net->features, size = batch->net->vocab_size;
    REAL *table = o->table;
    team_compute(team, pieces(dim, COLUMNS_AT_ONCE), sum_columns, batch);
    if (o->clipnorm > 0)
        clip_tokens(batch);
    const REAL decay = R(o->weight_decay * o->rate);
    for (Int i = 0; o->weight_decay > 0 && i < size * dim; i++)
        table[i] -= table[i] * decay;
    if (o->late || o->kind == ADAGRAD || (o->kind == SGD && !o->table_first))
        team_compute(team, pieces(batch->n_distinct, TOKENS_AT_ONCE), update_tokens, batch);
    else
        team_compute(team, pieces(size, TOKENS_AT_ONCE), update_rows, batch);
    if (o->late)
        count_step(o, batch->alpha, batch->distinct, batch->n_distinct, size, dim);
}

/* Make the optimizer's step after all parts of a batch are computed; return the penalties. */
static double step(Batch *batch, Optimizer *o, Team *team)
{
    add_gradients(batch);
    double penalties = add_penalties(o);
    batch->alpha = step_length(o);
    optimizer_step(o, batch->alpha);
    if (batch->places)
        table_step(batch, team);
    o->iterations++;
    return penalties;
}
