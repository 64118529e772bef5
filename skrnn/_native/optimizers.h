/* Optimizers: the steps that change weights. */

#include "numbers.h"

enum Optimizer { SGD, RMSPROP, ADAGRAD, ADAM };

/* Rows of an embedding that Adam updates when they are read; late_rows.py has the equations. */
typedef struct {
    Int now, most_steps;
    int32_t *last;                 /* (vocab_size) */
    double *sums;                  /* (4, most_steps + 1) */
    const double *series;          /* (4, most_steps + 1) */
    const void *decay_1, *decay_2; /* (most_steps + 1) */
} LateRows;

typedef struct {
    Int kind, n_arrays, iterations, nesterov;
    const Int *bounds; /* (n_arrays + 1) where each weight array begins */
    const Int *trains; /* (n_arrays) whether it is trained */
    const double *l2;  /* (n_arrays) twice the factor of its penalty; NULL: none */
    void *weights, *gradient, *first, *second; /* all but an Embedding's, which come below; the last */
    void *table, *table_first, *table_second;  /* are the optimizer's own vectors, or NULL */
    LateRows *late;                            /* NULL: rows that are not read do not change */
    const double *rates; /* of each epoch of a call; NULL: `rate` in all of them */
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
    case ADAM: /* Kingma and Ba (2015), arXiv:1412.6980, with epsilon as in Keras */
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

/* Return the length of this step; Adam's is corrected for averages that start at zero. */
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

/* Update the weights from `start` to `stop`. */
static void update_run(const Optimizer *o, double alpha, Int start, Int stop)
{
    REAL *w = (REAL *)o->weights + start, *gradient = (REAL *)o->gradient + start;
    REAL *first = o->first ? (REAL *)o->first + start : NULL;
    REAL *second = o->second ? (REAL *)o->second + start : NULL;
    const REAL decay = R(o->weight_decay * o->rate);
    for (Int i = 0; o->weight_decay > 0 && i < stop - start; i++)
        w[i] -= w[i] * decay;
    update(o, alpha, stop - start, w, gradient, NULL, first, second);
}

/* Update all trained weights except those of an Embedding. */
static void optimizer_step(const Optimizer *o, double alpha)
{
    REAL *gradient = o->gradient;
    for (Int k = 0; o->clipnorm > 0 && k < o->n_arrays; k++) {
        if (!o->trains[k])
            continue;
        double squares = 0;
        for (Int i = o->bounds[k]; i < o->bounds[k + 1]; i++)
            squares += (double)gradient[i] * gradient[i];
        double norm = sqrt(squares);
        const REAL share = R(o->clipnorm / (norm > o->clipnorm ? norm : o->clipnorm));
        for (Int i = o->bounds[k]; i < o->bounds[k + 1]; i++)
            gradient[i] *= share;
    }
    for (Int k = 0, end = 0; k < o->n_arrays; k = end + 1) { /* arrays in a row at once */
        for (end = k; end < o->n_arrays && o->trains[end]; end++)
            ;
        if (end > k)
            update_run(o, alpha, o->bounds[k], o->bounds[end]);
    }
}

/* Make the pending steps of one row of the embedding. */
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

/* Bring all rows of the embedding up to date, and count steps from here. */
static void catch_up_all(const Optimizer *o, Int vocab_size, Int dim)
{
    LateRows *late = o->late;
    for (Int row = 0; row < vocab_size; row++)
        catch_up(o, row, dim);
    late->now = 0;
    memset(late->last, 0, (size_t)vocab_size * sizeof(int32_t));
    memset(late->sums, 0, (size_t)(4 * (late->most_steps + 1)) * sizeof(double));
}

/* Count a step of length alpha that the given rows have made. */
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
    if (late->now == late->most_steps)
        catch_up_all(o, vocab_size, dim);
}
