/* The product of matrices for vectors of LANES numbers; included once for each width that a processor may have.

The columns of a matrix are taken as many together as the registers hold: MANY beside ROWS rows, ONE beside one row. */

#define GLUE(name, lanes) name##lanes
#define NAME_(name, lanes) GLUE(name, lanes)
#define NAME(name) NAME_(name, LANES)

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* y (rows, vectors * LANES) = x (rows, inner) times w (inner, vectors * LANES), each number summed from first to last. */
INLINE void NAME(tile)(const Product *p, int row, int column, int rows, int vectors) {
    typedef NAME(vector) vector;
    const float *x = p->x + (size_t)row * p->x_stride, *w = p->w + column;
    float *y = p->y + (size_t)row * p->y_stride + column;
    vector sums[ROWS][MOST_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            sums[r][v] = p->bias ? *(const vector *)(p->bias + column + LANES * v) : (vector){0};
    for (int i = 0; i < p->inner; i++, w += p->w_stride) {
        if (rows == 1) /* all that takes time is to bring the numbers here */
            for (int v = 0; v < vectors; v += PAD / LANES) __builtin_prefetch(w + AHEAD + LANES * v);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++)
                sums[r][v] += x[(size_t)r * p->x_stride + i] * *(const vector *)(w + LANES * v);
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) {
            vector *to = (vector *)(y + (size_t)r * p->y_stride + LANES * v);
            *to = p->add ? (vector)(*to + sums[r][v]) : sums[r][v];
        }
}

/* Some rows of a product, whose number the compiler knows. */
INLINE void NAME(rows)(const Product *p, int row, int rows, int together) {
    int column = 0;
    for (; column + together <= p->columns; column += together) NAME(tile)(p, row, column, rows, together / LANES);
    for (; column < p->columns; column += PAD) NAME(tile)(p, row, column, rows, PAD / LANES);
}

INLINE void NAME(product)(const Product *p) {
    int row = 0;
    for (; row + ROWS <= p->rows; row += ROWS) NAME(rows)(p, row, ROWS, MANY);
    for (; row + 2 <= p->rows; row += 2) NAME(rows)(p, row, 2, MANY);
    for (; row < p->rows; row++) NAME(rows)(p, row, 1, ONE);
}

#undef GLUE
#undef NAME_
#undef NAME
#undef LANES
#undef MANY
#undef ONE
