/* The arithmetic of a model in C: what numpy.py computes in numpy, equal to it but for rounding.

Every product of matrices goes through one function, `product`, in which a number of the result is summed in the same
order however many rows are computed together and by however many threads. So a text does not depend on what is written
beside it. Nothing here knows windows, sampling or text.

In the comments N is the number of rows (ids of one call, of all its texts together), C n_embd, H n_head, D head_dim,
V vocab_size; a size with a + is rounded up to a multiple of PAD or PANEL. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAD 16            /* numbers to which a row is padded, for every width of vectors */
#define PANEL (4 * PAD)   /* columns of a matrix that lie together */
#define ROWS 6            /* rows of a product that are computed together */
#define LARGEST 2048      /* context and width of a head: what attention needs for them stands on a thread's stack */
#define MOST_VECTORS 8    /* of a row of a product */
#define AHEAD 1024        /* numbers that are asked for before they are needed */
#define INLINE static inline __attribute__((always_inline))

enum activation { GELU, GELU_TANH, RELU, SWIGLU };

struct job;

/* A matrix (in, out), in panels of PANEL columns. */
typedef struct {
    const float *panels, *bias; /* (out+,), or NULL */
    int in, out;
} Matrix;

typedef struct {
    const float *weight, *bias; /* (C,); bias may be NULL */
} Norm;

typedef struct {
    Norm norm1, norm2;
    Matrix qkv, proj, gate, up, down;
    const float *q_norm, *k_norm; /* (D,), modern only */
} Layer;

typedef struct {
    int modern, n_layer, n_head, n_embd, block_size, vocab_size, head_dim, hidden_size, activation;
    float norm_eps;
    const float *wte, *wpe; /* (V, C), (block_size, C) */
    const float *cos, *sin; /* (block_size, D / 2) */
    Layer *layers;
    Norm norm;
    Matrix head;
    void (*work)(const struct job *, int); /* for the processor that there is */
} Model;

/* Some ids of one text: `count` rows from `row`, which stand at `at` in the window of the text; its cache holds keys
(n_layer, H, D, block_size+) and values (n_layer, H, block_size, D+). */
typedef struct {
    int row, count, at;
    float *keys, *values;
} Piece;

/* One call: its rows, cut into pieces of at most ROWS, and what is known of them so far. Rows of numbers are padded. */
typedef struct {
    const Model *model;
    const int32_t *ids;
    Piece *pieces;
    int rows, piece_count, layer, shared;
    float *stream, *normed; /* (N, C+) */
    float *qkv, *attended;  /* (N, (3 H D)+), (N, (H D)+) */
    float *hidden, *gate;   /* (N, hidden+) */
    float *logits;          /* (rows asked for, V+) */
} Call;

/* y (rows, columns) = x (rows, inner) times w (inner, columns) plus bias (columns,), or y itself plus all that; columns
is a multiple of PAD. */
typedef struct {
    float *y;
    const float *x, *w, *bias;
    int rows, inner, columns, y_stride, x_stride, w_stride, add;
} Product;

enum step { EMBED, NORM1, MULTIPLY, PLACE, ATTEND, NORM2, ACTIVATE, NORM };

/* What the threads share: `count` items of one step, each of them a part of its work that no other item touches. */
typedef struct job {
    enum step step;
    const Call *call;
    Product panel; /* of the first item, where the step is MULTIPLY */
    int count;
} Job;

INLINE int up_to(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

/* ---- numbers ---- */

/* Sums are those of PAD interleaved ones: a processor adds so many at once. */
INLINE float folded(float *sums) {
    for (int n = PAD / 2; n; n /= 2)
        for (int i = 0; i < n; i++) sums[i] += sums[i + n];
    return sums[0];
}

INLINE float sum(const float *x, int n) {
    float sums[PAD] = {0};
    int i = 0;
    for (; i + PAD <= n; i += PAD)
        for (int lane = 0; lane < PAD; lane++) sums[lane] += x[i + lane];
    for (; i < n; i++) sums[i % PAD] += x[i];
    return folded(sums);
}

INLINE float sum_of_squares(const float *x, int n, float mean) {
    float sums[PAD] = {0};
    int i = 0;
    for (; i + PAD <= n; i += PAD)
        for (int lane = 0; lane < PAD; lane++) sums[lane] += (x[i + lane] - mean) * (x[i + lane] - mean);
    for (; i < n; i++) sums[i % PAD] += (x[i] - mean) * (x[i] - mean);
    return folded(sums);
}

/* e to the x: 2 to a whole number times a polynomial of what is left, after Cephes (Moshier 1989). Without a branch, so
that loops around it become vectors. */
INLINE float exp_of(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float whole = (x * 1.44269504f + 12582912.0f) - 12582912.0f; /* 1.5 * 2^23: rounds to a whole number */
    float r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t n = whole == whole ? (int32_t)whole : 0; /* of nan p is nan already */
    union {
        int32_t bits;
        float number;
    } power = {(n + 127) << 23};
    return p * power.number;
}

INLINE float silu(float x) { return x / (1.0f + exp_of(-x)); }

INLINE float gelu_tanh(float x) { /* (1 + tanh y) / 2 is 1 / (1 + exp(-2 y)) */
    return x / (1.0f + exp_of(-1.5957691216f * (x + 0.044715f * x * x * x)));
}

INLINE float gelu(float x) { /* the error function after Abramowitz & Stegun (1964), formula 7.1.26, as in numpy.py */
    float z = fabsf(x) * 0.70710678f, t = 1.0f / (1.0f + 0.3275911f * z);
    float p = 0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f)));
    float tail = t * p * exp_of(-z * z);
    return 0.5f * x * (x > 0.0f ? 2.0f - tail : tail);
}

/* ---- products ---- */

#define LANES 16
#define MANY 64
#define ONE 64
#include "product.h"

#define LANES 8
#define MANY 16
#define ONE 64
#include "product.h"

#define LANES 4
#define MANY 16
#define ONE 32
#include "product.h"

INLINE void multiply(const Product *p, int lanes) {
    if (lanes == 16) product16(p);
    else if (lanes == 8) product8(p);
    else product4(p);
}

/* ---- steps ---- */

INLINE void norm_row(const Model *m, const Norm *norm, const float *x, float *y) {
    int C = m->n_embd;
    float mean = m->modern ? 0.0f : sum(x, C) / C;
    float scale = 1.0f / sqrtf(sum_of_squares(x, C, mean) / C + m->norm_eps);
    for (int i = 0; i < C; i++) y[i] = (x[i] - mean) * scale * norm->weight[i];
    if (norm->bias)
        for (int i = 0; i < C; i++) y[i] += norm->bias[i];
}

INLINE void embed_row(const Call *call, float *x, int row, int at) {
    const Model *m = call->model;
    memcpy(x, m->wte + (size_t)call->ids[row] * m->n_embd, sizeof(float) * m->n_embd);
    if (!m->modern)
        for (int i = 0; i < m->n_embd; i++) x[i] += m->wpe[(size_t)at * m->n_embd + i];
}

/* The norm and the rotary position of one head x (D,), in place. */
INLINE void turn(const Model *m, float *x, const float *weight, int at) {
    int half = m->head_dim / 2;
    const float *cos = m->cos + (size_t)at * half, *sin = m->sin + (size_t)at * half;
    float scale = 1.0f / sqrtf(sum_of_squares(x, m->head_dim, 0.0f) / m->head_dim + m->norm_eps);
    for (int i = 0; i < half; i++) {
        float a = x[i] * scale * weight[i], b = x[i + half] * scale * weight[i + half];
        x[i] = a * cos[i] - b * sin[i];
        x[i + half] = b * cos[i] + a * sin[i];
    }
}

/* Keys and values of a row take their places in the cache of the text. */
INLINE void place_row(const Call *call, const Piece *piece, int row) {
    const Model *m = call->model;
    int D = m->head_dim, heads = m->n_head * D, T = up_to(m->block_size, PAD), at = piece->at + row - piece->row;
    float *qkv = call->qkv + (size_t)row * up_to(3 * heads, PANEL), scale = 1.0f / sqrtf((float)D);
    const Layer *layer = &m->layers[call->layer];
    for (int h = 0; h < m->n_head; h++) {
        float *q = qkv + h * D, *k = q + heads, *v = k + heads;
        if (m->modern) {
            turn(m, q, layer->q_norm, at);
            turn(m, k, layer->k_norm, at);
        }
        for (int i = 0; i < D; i++) q[i] *= scale;
        size_t head = (size_t)call->layer * m->n_head + h;
        float *keys = piece->keys + head * D * T + at;
        for (int i = 0; i < D; i++) keys[(size_t)i * T] = k[i];
        memcpy(piece->values + (head * m->block_size + at) * up_to(D, PAD), v, sizeof(float) * D);
    }
}

/* The first `seen` numbers become their softmax, the rest up to `padded` 0. */
INLINE void softmax(float *x, int seen, int padded) {
    float top = x[0];
    for (int i = 1; i < seen; i++) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < seen; i++) x[i] = exp_of(x[i] - top);
    float scale = 1.0f / sum(x, seen);
    for (int i = 0; i < seen; i++) x[i] *= scale;
    for (int i = seen; i < padded; i++) x[i] = 0.0f;
}

/* One head of the rows of one piece: each sees the keys up to its own. */
INLINE void attend(const Call *call, const Piece *piece, int h, int lanes) {
    const Model *m = call->model;
    int D = m->head_dim, heads = m->n_head * D, T = up_to(m->block_size, PAD), width = up_to(D, PAD);
    int n = piece->count, seen = piece->at + n, padded = up_to(seen, PAD), y_stride = up_to(heads, PANEL);
    size_t head = (size_t)call->layer * m->n_head + h, q_stride = up_to(3 * heads, PANEL);
    float scores[ROWS * padded], mixed[ROWS * width];
    Product of_keys = {.y = scores, .x = call->qkv + piece->row * q_stride + h * D, .w = piece->keys + head * D * T,
                       .rows = n, .inner = D, .columns = padded,
                       .y_stride = padded, .x_stride = (int)q_stride, .w_stride = T};
    multiply(&of_keys, lanes);
    for (int r = 0; r < n; r++) softmax(scores + r * padded, piece->at + r + 1, padded);
    Product of_values = {.y = mixed, .x = scores, .w = piece->values + head * m->block_size * width,
                         .rows = n, .inner = seen, .columns = width,
                         .y_stride = width, .x_stride = padded, .w_stride = width};
    multiply(&of_values, lanes);
    float *y = call->attended + (size_t)piece->row * y_stride + h * D;
    for (int r = 0; r < n; r++) memcpy(y + (size_t)r * y_stride, mixed + r * width, sizeof(float) * D);
}

INLINE void activate_row(const Call *call, int row) {
    const Model *m = call->model;
    int n = m->hidden_size;
    size_t from = (size_t)row * up_to(n, PANEL);
    float *x = call->hidden + from, *gate = call->gate + from;
    switch (m->activation) {
        case SWIGLU:
            for (int i = 0; i < n; i++) x[i] *= silu(gate[i]);
            break;
        case RELU:
            for (int i = 0; i < n; i++) x[i] = x[i] > 0.0f ? x[i] : 0.0f;
            break;
        case GELU_TANH:
            for (int i = 0; i < n; i++) x[i] = gelu_tanh(x[i]);
            break;
        default:
            for (int i = 0; i < n; i++) x[i] = gelu(x[i]);
    }
}

INLINE void step_row(enum step step, const Call *call, const Piece *piece, int row) {
    const Model *m = call->model;
    const Layer *layer = &m->layers[call->layer];
    size_t from = (size_t)row * up_to(m->n_embd, PANEL);
    float *x = call->stream + from, *y = call->normed + from;
    switch (step) {
        case EMBED: embed_row(call, x, row, piece->at + row - piece->row); break;
        case NORM1: norm_row(m, &layer->norm1, x, y); break;
        case PLACE: place_row(call, piece, row); break;
        case NORM2: norm_row(m, &layer->norm2, x, y); break;
        case ACTIVATE: activate_row(call, row); break;
        default: norm_row(m, &m->norm, x, y);
    }
}

INLINE void work(const Job *job, int item, int lanes) {
    const Call *call = job->call;
    if (job->step == MULTIPLY) {
        Product p = job->panel;
        p.w += (size_t)item * p.inner * PANEL;
        p.y += (size_t)item * PANEL;
        if (p.bias) p.bias += (size_t)item * PANEL;
        multiply(&p, lanes);
    } else if (job->step == ATTEND) {
        attend(call, &call->pieces[item / call->model->n_head], item % call->model->n_head, lanes);
    } else {
        const Piece *piece = &call->pieces[item];
        for (int row = piece->row; row < piece->row + piece->count; row++) step_row(job->step, call, piece, row);
    }
}

/* The same once for each kind of processor. */
static void work_plain(const Job *job, int item) { work(job, item, 4); }
#if defined(__x86_64__)
#define AVX2 "avx2,fma"
#define AVX512 "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"
__attribute__((target(AVX2))) static void work_avx2(const Job *job, int item) { work(job, item, 8); }
__attribute__((target(AVX512))) static void work_avx512(const Job *job, int item) { work(job, item, 16); }
#endif

typedef void (*Worker)(const Job *, int);
static const char *const KINDS[] = {"plain", "avx2", "avx512"}; /* from narrow to wide */
#define KIND_COUNT (sizeof KINDS / sizeof *KINDS)

/* The worker for a kind of processor; NULL for an unknown kind, and where this processor is another. */
static Worker worker_of(const char *kind) {
    if (!strcmp(kind, "plain")) return work_plain;
#if defined(__x86_64__)
    if (!strcmp(kind, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return work_avx2;
    if (!strcmp(kind, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return work_avx512;
#endif
    return NULL;
}

static void do_work(const Job *job, int item) { job->call->model->work(job, item); }

/* ---- threads ---- */

/* Items are tickets: the caller and the helpers take one after the other until none is left, and the caller waits only
for those that a helper has taken. So a helper that the system has put aside holds nobody up. */
static struct {
    const Job *job; /* to be looked at only with a ticket in hand: then it cannot end */
    int tickets, done, helpers, asleep, busy;
    pid_t pid;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

#define PATIENCE 5000  /* looks at the tickets before a helper goes to sleep */
#define WORTHWHILE 1e5 /* multiplications below which a job is not shared */

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_tickets(void) {
    int left = __atomic_load_n(&pool.tickets, __ATOMIC_SEQ_CST);
    while (left) {
        if (!__atomic_compare_exchange_n(&pool.tickets, &left, left - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) continue;
        do_work(pool.job, left - 1);
        __atomic_add_fetch(&pool.done, 1, __ATOMIC_RELEASE);
        left = __atomic_load_n(&pool.tickets, __ATOMIC_SEQ_CST);
    }
}

static void *help(void *unused) {
    for (;;) {
        for (int look = 0; look < PATIENCE && !__atomic_load_n(&pool.tickets, __ATOMIC_RELAXED); look++) relax();
        if (!__atomic_load_n(&pool.tickets, __ATOMIC_RELAXED)) {
            pthread_mutex_lock(&pool.lock);
            __atomic_add_fetch(&pool.asleep, 1, __ATOMIC_SEQ_CST);
            while (!__atomic_load_n(&pool.tickets, __ATOMIC_SEQ_CST)) pthread_cond_wait(&pool.wake, &pool.lock);
            __atomic_sub_fetch(&pool.asleep, 1, __ATOMIC_SEQ_CST);
            pthread_mutex_unlock(&pool.lock);
        }
        take_tickets();
    }
    return unused;
}

/* None of a parent's helpers, and no work of its, live on in a forked child. */
static void notice_fork(void) {
    if (pool.pid == getpid()) return;
    pool.helpers = pool.asleep = pool.tickets = pool.busy = 0;
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pool.pid = getpid();
}

/* Have so many helpers, or as many as the system gives. */
static void hire(int helpers) {
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    sigset_t every, before;
    sigfillset(&every); /* signals are for Python's threads */
    pthread_sigmask(SIG_SETMASK, &every, &before);
    pthread_t thread;
    while (pool.helpers < helpers && !pthread_create(&thread, &detached, help, NULL)) pool.helpers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
}

static void run(const Job *job, int shared) {
    if (!shared || job->count < 2) {
        for (int item = 0; item < job->count; item++) do_work(job, item);
        return;
    }
    pool.job = job;
    pool.done = 0;
    __atomic_store_n(&pool.tickets, job->count, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&pool.asleep, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
    take_tickets();
    for (int look = 0; __atomic_load_n(&pool.done, __ATOMIC_ACQUIRE) < job->count; look++)
        if (look < PATIENCE) relax();
        else sched_yield();
}

/* ---- a call ---- */

static void each_piece(const Call *call, enum step step) {
    const Model *m = call->model;
    Job job = {.step = step, .call = call, .count = call->piece_count};
    double work = (double)call->rows * m->n_embd;
    if (step == ATTEND) {
        job.count *= m->n_head;
        work *= m->block_size;
    }
    run(&job, call->shared && work > WORTHWHILE);
}

static void times(const Call *call, const Matrix *matrix, const float *x, float *y, int rows, int add) {
    int width = up_to(matrix->out, PANEL);
    Product panel = {.y = y, .x = x, .w = matrix->panels, .bias = matrix->bias,
                     .rows = rows, .inner = matrix->in, .columns = PANEL,
                     .y_stride = width, .x_stride = up_to(matrix->in, PANEL), .w_stride = PANEL, .add = add};
    Job job = {.step = MULTIPLY, .call = call, .panel = panel, .count = width / PANEL};
    run(&job, call->shared && (double)rows * matrix->in * matrix->out > WORTHWHILE);
}

/* The logits of every row, or of those that `last` numbers, one of each text. */
static void compute(Call *call, const int *last, int texts) {
    const Model *m = call->model;
    int N = call->rows;
    each_piece(call, EMBED);
    for (call->layer = 0; call->layer < m->n_layer; call->layer++) {
        const Layer *layer = &m->layers[call->layer];
        each_piece(call, NORM1);
        times(call, &layer->qkv, call->normed, call->qkv, N, 0);
        each_piece(call, PLACE);
        each_piece(call, ATTEND);
        times(call, &layer->proj, call->attended, call->stream, N, 1);
        each_piece(call, NORM2);
        times(call, &layer->up, call->normed, call->hidden, N, 0);
        if (m->activation == SWIGLU) times(call, &layer->gate, call->normed, call->gate, N, 0);
        each_piece(call, ACTIVATE);
        times(call, &layer->down, call->hidden, call->stream, N, 1);
    }
    call->layer = 0;
    each_piece(call, NORM);
    size_t width = up_to(m->n_embd, PANEL);
    for (int t = 0; last && t < texts; t++)
        memmove(call->normed + t * width, call->normed + last[t] * width, sizeof(float) * width);
    times(call, &m->head, call->normed, call->logits, last ? texts : N, 0);
}

/* ---- Python's side ---- */

/* A model with what keeps its numbers alive. */
typedef struct {
    Model model;
    Py_buffer *buffers;
    int buffer_count;
} Holder;

static void let_go(Holder *holder) {
    for (int i = 0; i < holder->buffer_count; i++) PyBuffer_Release(&holder->buffers[i]);
    free(holder->buffers);
    free(holder->model.layers);
    free(holder);
}

static void destroy(PyObject *capsule) { let_go(PyCapsule_GetPointer(capsule, NULL)); }

/* The `count` float32 numbers of one array; NULL for one that is not there, with an exception unless it may be missing,
or if it has another size. */
static const float *numbers(Holder *holder, PyObject *arrays, const char *name, size_t count, int optional) {
    PyObject *array = PyDict_GetItemString(arrays, name);
    if (!array) {
        if (!optional && !PyErr_Occurred()) PyErr_Format(PyExc_KeyError, "no array '%s'", name);
        return NULL;
    }
    Py_buffer *buffer = &holder->buffers[holder->buffer_count];
    if (PyObject_GetBuffer(array, buffer, PyBUF_C_CONTIGUOUS)) return NULL;
    holder->buffer_count++;
    if (buffer->itemsize != sizeof(float) || (size_t)buffer->len != count * sizeof(float)) {
        PyErr_Format(PyExc_ValueError, "array '%s' has not the size of its place", name);
        return NULL;
    }
    return buffer->buf;
}

static Norm norm_of(Holder *holder, PyObject *arrays, const char *where) {
    char name[96];
    size_t width = holder->model.n_embd;
    snprintf(name, sizeof name, "%s.weight", where);
    Norm norm = {.weight = numbers(holder, arrays, name, width, 0)};
    snprintf(name, sizeof name, "%s.bias", where);
    norm.bias = numbers(holder, arrays, name, width, 1);
    return norm;
}

static Matrix matrix_of(Holder *holder, PyObject *arrays, const char *where, int in, int out) {
    char name[96];
    Matrix matrix = {.in = in, .out = out};
    snprintf(name, sizeof name, "%s.weight", where);
    matrix.panels = numbers(holder, arrays, name, (size_t)in * up_to(out, PANEL), 0);
    snprintf(name, sizeof name, "%s.bias", where);
    matrix.bias = numbers(holder, arrays, name, up_to(out, PANEL), 1);
    return matrix;
}

static void fill_layer(Holder *holder, PyObject *arrays, int i) {
    Model *m = &holder->model;
    Layer *layer = &m->layers[i];
    char name[80];
    int heads = m->n_head * m->head_dim;
#define OF(part) (snprintf(name, sizeof name, "blocks.%d." part, i), name)
    layer->norm1 = norm_of(holder, arrays, OF("norm1"));
    layer->norm2 = norm_of(holder, arrays, OF("norm2"));
    layer->qkv = matrix_of(holder, arrays, OF("attention.qkv"), m->n_embd, 3 * heads);
    layer->proj = matrix_of(holder, arrays, OF("attention.proj"), heads, m->n_embd);
    layer->up = matrix_of(holder, arrays, OF("mlp.up"), m->n_embd, m->hidden_size);
    layer->down = matrix_of(holder, arrays, OF("mlp.down"), m->hidden_size, m->n_embd);
    if (m->activation == SWIGLU) layer->gate = matrix_of(holder, arrays, OF("mlp.gate"), m->n_embd, m->hidden_size);
    if (m->modern) {
        layer->q_norm = numbers(holder, arrays, OF("attention.q_norm.weight"), m->head_dim, 0);
        layer->k_norm = numbers(holder, arrays, OF("attention.k_norm.weight"), m->head_dim, 0);
    }
#undef OF
}

static void fill(Holder *holder, PyObject *arrays) {
    Model *m = &holder->model;
    size_t width = m->n_embd, angles = (size_t)m->block_size * (m->head_dim / 2);
    m->wte = numbers(holder, arrays, "wte.weight", m->vocab_size * width, 0);
    if (m->modern) {
        m->cos = numbers(holder, arrays, "cos", angles, 0);
        m->sin = numbers(holder, arrays, "sin", angles, 0);
    } else
        m->wpe = numbers(holder, arrays, "wpe.weight", m->block_size * width, 0);
    for (int i = 0; i < m->n_layer && !PyErr_Occurred(); i++) fill_layer(holder, arrays, i);
    if (PyErr_Occurred()) return;
    m->norm = norm_of(holder, arrays, "norm");
    m->head = matrix_of(holder, arrays, "head", m->n_embd, m->vocab_size);
}

PyDoc_STRVAR(model_doc,
             "model(modern, n_layer, n_head, n_embd, block_size, vocab_size, head_dim, hidden_size, activation, "
             "norm_eps, arrays, kind)\n--\n\nA model of these sizes and arrays (a dict), which must not change any "
             "more, for a kind of processor out of KINDS.");

static PyObject *py_model(PyObject *self, PyObject *args) {
    (void)self;
    Model m = {0};
    PyObject *arrays;
    const char *kind;
    if (!PyArg_ParseTuple(args, "piiiiiiiifO!s", &m.modern, &m.n_layer, &m.n_head, &m.n_embd, &m.block_size,
                          &m.vocab_size, &m.head_dim, &m.hidden_size, &m.activation, &m.norm_eps, &PyDict_Type, &arrays,
                          &kind))
        return NULL;
    m.work = worker_of(kind);
    if (!m.work || m.block_size > LARGEST || m.head_dim > LARGEST) {
        PyErr_SetString(PyExc_ValueError, "no such processor, or a context or a head that is too large");
        return NULL;
    }
    Holder *holder = calloc(1, sizeof *holder);
    if (!holder) return PyErr_NoMemory();
    holder->model = m;
    holder->model.layers = calloc(m.n_layer, sizeof(Layer));
    holder->buffers = calloc(PyDict_Size(arrays) + 1, sizeof(Py_buffer));
    if (!holder->model.layers || !holder->buffers) PyErr_NoMemory();
    else fill(holder, arrays);
    PyObject *capsule = PyErr_Occurred() ? NULL : PyCapsule_New(holder, NULL, destroy);
    if (!capsule) let_go(holder);
    return capsule;
}

/* How many numbers a cache has, keys and values together. */
static size_t cache_size(const Model *m) {
    size_t heads = (size_t)m->n_layer * m->n_head;
    return heads * (m->head_dim * up_to(m->block_size, PAD) + m->block_size * up_to(m->head_dim, PAD));
}

PyDoc_STRVAR(cache_size_doc, "cache_size(model)\n--\n\nHow many float32 numbers the cache of a text has.");

static PyObject *py_cache_size(PyObject *self, PyObject *capsule) {
    (void)self;
    Holder *holder = PyCapsule_GetPointer(capsule, NULL);
    return holder ? PyLong_FromSize_t(cache_size(&holder->model)) : NULL;
}

/* Cut the texts of a call into its pieces, and note the last row of each; returns how many texts, -1 with an exception.
`texts` is a list of (ids in this call, where they stand in the window, cache). */
static int cut(Call *call, PyObject *texts, int *last, Py_buffer *caches) {
    const Model *m = call->model;
    int row = 0, n = (int)PyList_Size(texts);
    for (int t = 0; t < n; t++) {
        int count, at;
        PyObject *cache;
        if (!PyArg_ParseTuple(PyList_GetItem(texts, t), "iiO", &count, &at, &cache)) return -1;
        if (PyObject_GetBuffer(cache, &caches[t], PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)) return -1;
        if ((size_t)caches[t].len != 4 * cache_size(m) || count < 1 || at < 0 || at > m->block_size - count ||
            count > call->rows - row) {
            PyErr_SetString(PyExc_ValueError, "a text does not fit its window, its cache or its ids");
            return -1;
        }
        float *keys = caches[t].buf;
        float *values = keys + (size_t)m->n_layer * m->n_head * m->head_dim * up_to(m->block_size, PAD);
        for (int done = 0; done < count; done += ROWS) {
            int some = count - done < ROWS ? count - done : ROWS;
            call->pieces[call->piece_count++] = (Piece){row + done, some, at + done, keys, values};
        }
        row += count;
        last[t] = row - 1;
    }
    if (row == call->rows) return n;
    PyErr_SetString(PyExc_ValueError, "there are more ids than places");
    return -1;
}

static int check_ids(const Call *call) {
    for (int i = 0; i < call->rows; i++)
        if (call->ids[i] < 0 || call->ids[i] >= call->model->vocab_size) {
            PyErr_SetString(PyExc_ValueError, "an id is none of the vocabulary's");
            return -1;
        }
    return 0;
}

/* Give a call the room for its rows, in one block. */
static float *make_room(Call *call) {
    const Model *m = call->model;
    size_t N = call->rows, C = up_to(m->n_embd, PANEL), hidden = up_to(m->hidden_size, PANEL);
    size_t heads = up_to(m->n_head * m->head_dim, PANEL), qkv = up_to(3 * m->n_head * m->head_dim, PANEL);
    float *room = calloc(N * (2 * C + qkv + heads + 2 * hidden), sizeof(float));
    call->stream = room;
    call->normed = call->stream + C * N;
    call->qkv = call->normed + C * N;
    call->attended = call->qkv + qkv * N;
    call->hidden = call->attended + heads * N;
    call->gate = call->hidden + hidden * N;
    return room;
}

/* Compute in the room that is ready, with helpers unless they work for another call. */
static void compute_shared(Call *call, const int *last, int texts, int threads) {
    int idle = 0;
    if (threads > 1 && __atomic_compare_exchange_n(&pool.busy, &idle, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        hire(threads - 1);
        call->shared = 1;
    }
    compute(call, last, texts);
    if (call->shared) __atomic_store_n(&pool.busy, 0, __ATOMIC_RELEASE);
}

PyDoc_STRVAR(logits_doc,
             "logits(model, ids, texts, out, every, threads)\n--\n\nFeed int32 ids to texts, a list of (how many ids, "
             "where in the window, cache), and write the logits of every id, or of the last of each text, into `out`.");

static PyObject *py_logits(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *capsule, *texts;
    Py_buffer ids, out;
    int every, threads, n = -1;
    if (!PyArg_ParseTuple(args, "Oy*O!w*pi", &capsule, &ids, &PyList_Type, &texts, &out, &every, &threads)) return NULL;
    Holder *holder = PyCapsule_GetPointer(capsule, NULL);
    int length = (int)PyList_Size(texts);
    Call call = {.ids = ids.buf, .rows = (int)(ids.len / 4), .logits = out.buf};
    Py_buffer *caches = calloc(length + 1, sizeof *caches);
    int *last = calloc(length + 1, sizeof *last);
    float *room = NULL;
    if (holder) {
        call.model = &holder->model;
        call.pieces = calloc(call.rows + 1, sizeof(Piece));
        room = make_room(&call);
    }
    if (holder && (!caches || !last || !call.pieces || !room)) PyErr_NoMemory();
    else if (holder && !check_ids(&call)) {
        n = cut(&call, texts, last, caches);
        size_t rows = every ? call.rows : n;
        if (n >= 0 && (size_t)out.len != rows * up_to(call.model->vocab_size, PANEL) * sizeof(float)) {
            PyErr_SetString(PyExc_ValueError, "the output has not the size of the logits");
            n = -1;
        }
    }
    if (n > 0) {
        notice_fork(); /* while Python's lock is held, so that only one thread does */
        Py_BEGIN_ALLOW_THREADS
        compute_shared(&call, every ? NULL : last, n, threads);
        Py_END_ALLOW_THREADS
    }
    for (int t = 0; caches && t < length; t++)
        if (caches[t].obj) PyBuffer_Release(&caches[t]);
    free(room);
    free(call.pieces);
    free(last);
    free(caches);
    PyBuffer_Release(&ids);
    PyBuffer_Release(&out);
    if (n < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"model", py_model, METH_VARARGS, model_doc},
                                {"cache_size", py_cache_size, METH_O, cache_size_doc},
                                {"logits", py_logits, METH_VARARGS, logits_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", "See native.c.", -1, methods, NULL, NULL, NULL, NULL};

/* The kinds of processors that this one can be, from narrow to wide. */
static PyObject *kinds_here(void) {
    PyObject *found = PyList_New(0);
    for (size_t i = 0; found && i < KIND_COUNT; i++) {
        PyObject *kind = worker_of(KINDS[i]) ? PyUnicode_FromString(KINDS[i]) : NULL;
        if (kind && PyList_Append(found, kind)) Py_CLEAR(found);
        Py_XDECREF(kind);
    }
    return found;
}

PyMODINIT_FUNC PyInit__native(void) {
    PyObject *module = PyModule_Create(&definition), *kinds = kinds_here();
    if (module && (!kinds || PyModule_AddIntConstant(module, "PANEL", PANEL) ||
                   PyModule_AddIntConstant(module, "LARGEST", LARGEST) || PyModule_AddObjectRef(module, "KINDS", kinds)))
        Py_CLEAR(module);
    Py_XDECREF(kinds);
    return module;
}
