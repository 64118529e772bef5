/* Recurrent networks: forward and backward passes, losses and optimizers, without allocation.

It is compiled once for each dtype and each width of the vector units (build.py). It does not use
Python: the caller passes every buffer, and a call trains on, or predicts, any number of batches.

Letters in shapes: n samples, T timesteps (steps of the recurrent layers), F features, U units,
G gates, O outputs. Arrays are row-major with time first, (T, n, U), so that a timestep is
contiguous. If timesteps are masked, the samples of a batch are sorted: at time t all samples that
read it are among the first active[t]. The others cost a copy of the state, but no product.

Functions of numbers and matrices are in numbers.h, of layers in layers.h, of networks in network.h,
optimizers in optimizers.h, threads in threads.h; batch.h puts them together.
*/

#include "batch.h"

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* ---- The calls ---- */

/* Return the bytes of a workspace for batches of up to n_batch samples, cut into n_parts. */
EXPORT Int NAME(workspace_bytes)(const Network *net, Batches *data, Int trains)
{
    Batch batch;
    Batches nowhere = *data;
    nowhere.workspace = NULL;
    Int bytes = lay_out_batch(&batch, net, &nowhere, data->n_batch, NULL, (int)trains);
    data->n_parts = batch.n_parts;
    return bytes;
}

/* Compute the batches of an epoch, with one step each if there is an optimizer; return 0 for a token
that the Embedding does not have. */
static int compute_epoch(Team *team, const Network *net, Batches *data, Optimizer *optimizer, Int epoch)
{
    Batch batch;
    Int first = epoch * data->n_rows;
    const REAL *factors = data->factors;
    double total = data->weight = 0;
    for (Int start = 0; start < data->n_rows; start += data->n_batch) {
        Int rest = data->n_rows - start, n = rest < data->n_batch ? rest : data->n_batch;
        if (start == 0 || n < data->n_batch)
            lay_out_batch(&batch, net, data, n, optimizer, optimizer != NULL);
        batch.factors = factors;
        if (!prepare_batch(&batch, first + start, team))
            return 0;
        team_compute(team, batch.n_parts, compute_part, &batch);
        double loss = 0;
        for (Int k = 0; k < batch.n_parts; k++)
            loss += batch.parts[k].loss, data->weight += batch.parts[k].weight;
        if (optimizer)
            loss = (loss + step(&batch, optimizer, team)) * (double)n;
        total += loss;
        factors = STEP_OVER(factors, n * batch.parts[0].n_factors);
    }
    data->factors = factors;
    if (data->totals)
        data->totals[epoch] = total;
    return 1;
}

/* Compute outputs, losses or both; return 0 for a token that the Embedding does not have. */
EXPORT Int NAME(predict)(const Network *net, Batches *data)
{
    Team team;
    team_begin(&team, data->n_threads);
    int known = compute_epoch(&team, net, data, NULL, 0);
    team_end(&team);
    return known;
}

/* Train for n_epochs; return 0 for a token that the Embedding does not have. */
EXPORT Int NAME(train)(const Network *net, Batches *data, Optimizer *optimizer)
{
    Team team;
    int known = 1;
    team_begin(&team, data->n_threads);
    for (Int epoch = 0; known && epoch < data->n_epochs; epoch++) {
        if (optimizer->rates)
            optimizer->rate = optimizer->rates[epoch];
        known = compute_epoch(&team, net, data, optimizer, epoch);
        if (optimizer->late)
            catch_up_all(optimizer, net->vocab_size, net->features);
    }
    team_end(&team);
    return known;
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
