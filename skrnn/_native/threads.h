/* A team of threads that computes the parts of a batch.

The result does not depend on the threads or their number: each part writes its own results, and the
caller adds them in the order of the parts. Threads live as long as a call. Without POSIX threads
(Windows), the caller computes all parts.
*/

#pragma once

#include "numbers.h"

#ifdef _WIN32
#define MAX_THREADS 1
#else
#define MAX_THREADS 64
#include <pthread.h>
#include <signal.h>
#endif

/* How often a thread checks for work, some microseconds in total, before it sleeps. */
#define LOOKS 500

typedef void Task(void *argument, Int part);

#if MAX_THREADS == 1

typedef struct { Int n_threads; } Team;
static void team_begin(Team *team, Int n_threads) { team->n_threads = 1, (void)n_threads; }
static void team_end(Team *team) { (void)team; }

static void team_compute(Team *team, Int n_parts, Task *task, void *argument)
{
    (void)team;
    for (Int part = 0; part < n_parts; part++)
        task(argument, part);
}

#else

typedef struct {
    Int n_threads; /* with the caller */
    pthread_t threads[MAX_THREADS];
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t begun, ended;
    Int round, n_parts, next, n_left, stops;
    Task *task;
    void *argument;
} Team;

INLINE void pause_thread(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wait for a while until *value is no longer, or becomes, the given value. */
INLINE void look(const Int *value, Int other, int until_equal)
{
    for (int i = 0; i < LOOKS; i++) {
        if ((__atomic_load_n(value, __ATOMIC_RELAXED) == other) == until_equal)
            return;
        pause_thread();
    }
}

/* Compute parts that no thread has started. The lock is held before and after. */
static void compute_parts(Team *team)
{
    while (team->next < team->n_parts) {
        Int part = team->next++;
        pthread_mutex_unlock(&team->lock);
        team->task(team->argument, part);
        pthread_mutex_lock(&team->lock);
        __atomic_store_n(&team->n_left, team->n_left - 1, __ATOMIC_RELAXED);
    }
    if (team->n_left == 0)
        pthread_cond_signal(&team->ended);
}

static void *live(void *argument)
{
    Team *team = argument;
    Int seen = 0;
    pthread_mutex_lock(&team->lock);
    while (!team->stops) {
        if (team->round == seen) {
            pthread_mutex_unlock(&team->lock);
            look(&team->round, seen, 0);
            pthread_mutex_lock(&team->lock);
        }
        while (team->round == seen)
            pthread_cond_wait(&team->begun, &team->lock);
        seen = team->round;
        compute_parts(team);
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

/* Start the threads, or as many as the system allows. The caller handles signals. */
static void team_begin(Team *team, Int n_threads)
{
    memset(team, 0, sizeof *team);
    team->n_threads = 1;
    if (n_threads <= 1)
        return;
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->begun, NULL);
    pthread_cond_init(&team->ended, NULL);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (team->n_threads < n_threads && team->n_threads < MAX_THREADS &&
           pthread_create(&team->threads[team->n_threads], NULL, live, team) == 0)
        team->n_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Let the threads start on parts of a new round. The lock is held. */
static void new_round(Team *team)
{
    __atomic_store_n(&team->round, team->round + 1, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&team->begun);
}

static void team_end(Team *team)
{
    if (team->n_threads > 1) {
        pthread_mutex_lock(&team->lock);
        team->stops = 1, team->n_parts = 0;
        new_round(team);
        pthread_mutex_unlock(&team->lock);
    }
    for (Int i = 1; i < team->n_threads; i++)
        pthread_join(team->threads[i], NULL);
    if (team->n_threads > 1) {
        pthread_cond_destroy(&team->ended);
        pthread_cond_destroy(&team->begun);
        pthread_mutex_destroy(&team->lock);
    }
}

/* Call task(argument, part) for all parts, and return after all are done. */
static void team_compute(Team *team, Int n_parts, Task *task, void *argument)
{
    if (team->n_threads == 1 || n_parts == 1) {
        for (Int part = 0; part < n_parts; part++)
            task(argument, part);
        return;
    }
    pthread_mutex_lock(&team->lock);
    team->task = task, team->argument = argument;
    team->n_parts = n_parts, team->next = 0, team->n_left = n_parts;
    new_round(team);
    compute_parts(team);
    if (team->n_left > 0) {
        pthread_mutex_unlock(&team->lock);
        look(&team->n_left, 0, 1);
        pthread_mutex_lock(&team->lock);
    }
    while (team->n_left > 0)
        pthread_cond_wait(&team->ended, &team->lock);
    pthread_mutex_unlock(&team->lock);
}

#endif
