// Bodies of the kernels. Products go by register tiles of M rows and N vectors: an entry of A is broadcast, a row of B
// loaded.
#pragma once

#include "linvariance/kernels/kernels.hpp"

#define LINVARIANCE_BODY static inline __attribute__((always_inline))
#define LINVARIANCE_UNROLL _Pragma("GCC unroll 16")

namespace linvariance::bodies {

// Vectors of `Bytes` bytes, and tiles of at most Rows x Vectors of them (of Dots x Dots for inner products).
template <class T, int Bytes, int RowsOf, int VectorsOf, int DotRowsOf, int DotColumnsOf>
struct Level {
    using Scalar = T;
    typedef T Vector __attribute__((vector_size(Bytes)));
    typedef T Unaligned __attribute__((vector_size(Bytes), aligned(sizeof(T)), may_alias));
    static constexpr Size width = Bytes / Size(sizeof(T));
    static constexpr int rows = RowsOf, vectors = VectorsOf, dot_rows = DotRowsOf, dot_columns = DotColumnsOf;
};

// A broadcast entry in a register of its own, not once more from memory for every product.
#if defined(__x86_64__)
#define LINVARIANCE_KEEP(vector) asm("" : "+v"(vector))
#else
#define LINVARIANCE_KEEP(vector)
#endif

// C += A B for M rows and N vectors of columns, of which the first `width` columns are there to be written.
template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void tile(Size depth, const T* A, Size a_row, Size a_column, const T* B, Size b_row, T* C, Size c_row,
                           Size width) {
    using V = typename L::Vector;
    using U = typename L::Unaligned;
    V sum[M][N] = {};
    for (Size k = 0; k < depth; ++k) {
        V b[N];
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j) b[j] = *reinterpret_cast<const U*>(B + k * b_row + j * L::width);
        LINVARIANCE_UNROLL
        for (int i = 0; i < M; ++i) {
            V a = A[i * a_row + k * a_column] - V{};
            LINVARIANCE_KEEP(a);
            LINVARIANCE_UNROLL
            for (int j = 0; j < N; ++j) sum[i][j] += a * b[j];
        }
    }
    if (width == N * L::width) {
        LINVARIANCE_UNROLL
        for (int i = 0; i < M; ++i) {
            LINVARIANCE_UNROLL
            for (int j = 0; j < N; ++j) *reinterpret_cast<U*>(C + i * c_row + j * L::width) += sum[i][j];
        }
        return;
    }
    T out[N * L::width];
    LINVARIANCE_UNROLL
    for (int i = 0; i < M; ++i) {
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j) *reinterpret_cast<U*>(out + j * L::width) = sum[i][j];
        for (Size j = 0; j < width; ++j) C[i * c_row + j] += out[j];
    }
}

// Calls the tile of m rows and n vectors.
template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_vectors(Size n, Size depth, const T* A, Size a_row, Size a_column, const T* B, Size b_row,
                                     T* C, Size c_row, Size width) {
    if constexpr (N > 0) {
        if (n == N) return tile<L, M, N>(depth, A, a_row, a_column, B, b_row, C, c_row, width);
        choose_vectors<L, M, N - 1>(n, depth, A, a_row, a_column, B, b_row, C, c_row, width);
    }
}
template <class L, int M, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_rows(Size m, Size n, Size depth, const T* A, Size a_row, Size a_column, const T* B,
                                  Size b_row, T* C, Size c_row, Size width) {
    if constexpr (M > 0) {
        if (m == M) return choose_vectors<L, M, L::vectors>(n, depth, A, a_row, a_column, B, b_row, C, c_row, width);
        choose_rows<L, M - 1>(m, n, depth, A, a_row, a_column, B, b_row, C, c_row, width);
    }
}

// All rows of A against one panel of B.
template <class L, class T = typename L::Scalar>
LINVARIANCE_BODY void panel(Size m, Size vectors, Size n, Size k, Strided<const T> A, const T* B, Size b_row,
                            Strided<T> C) {
    const Size blocks = (m + L::rows - 1) / L::rows;
    for (Size block = 0; block < blocks; ++block) {
        const Size i = m * block / blocks, rows = m * (block + 1) / blocks - i;
        choose_rows<L, L::rows>(rows, vectors, k, A.data + i * A.rows, A.rows, A.columns, B, b_row, C.data + i * C.rows,
                                C.rows, n);
    }
}

// The sum of a vector's entries, by halves.
template <class T, int Bytes>
LINVARIANCE_BODY T sum_of(const T* entries) {
    if constexpr (Bytes == Size(sizeof(T))) {
        return entries[0];
    } else {
        typedef T Half __attribute__((vector_size(Bytes / 2), aligned(sizeof(T)), may_alias));
        T out[Bytes / 2 / Size(sizeof(T))];
        *reinterpret_cast<Half*>(out) = *reinterpret_cast<const Half*>(entries) +
                                        *reinterpret_cast<const Half*>(entries + Bytes / 2 / Size(sizeof(T)));
        return sum_of<T, Bytes / 2>(out);
    }
}

// Inner products of M rows of A with N rows of B.
template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void dots(Size k, const T* A, Size a_row, const T* B, Size b_row, T* C, Size c_row) {
    using V = typename L::Vector;
    using U = typename L::Unaligned;
    V sum[M][N] = {};
    Size p = 0;
    for (; p + L::width <= k; p += L::width) {
        V b[N];
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j) b[j] = *reinterpret_cast<const U*>(B + j * b_row + p);
        LINVARIANCE_UNROLL
        for (int i = 0; i < M; ++i) {
            const V a = *reinterpret_cast<const U*>(A + i * a_row + p);
            LINVARIANCE_UNROLL
            for (int j = 0; j < N; ++j) sum[i][j] += a * b[j];
        }
    }
    LINVARIANCE_UNROLL
    for (int i = 0; i < M; ++i) {
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j) {
            T lanes[L::width];
            *reinterpret_cast<U*>(lanes) = sum[i][j];
            T rest = T(0);
            for (Size q = p; q < k; ++q) rest += A[i * a_row + q] * B[j * b_row + q];
            C[i * c_row + j] += sum_of<T, L::width* int(sizeof(T))>(lanes) + rest;
        }
    }
}

template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_dot_columns(Size n, Size k, const T* A, Size a_row, const T* B, Size b_row, T* C,
                                         Size c_row) {
    if constexpr (N > 0) {
        if (n == N) return dots<L, M, N>(k, A, a_row, B, b_row, C, c_row);
        choose_dot_columns<L, M, N - 1>(n, k, A, a_row, B, b_row, C, c_row);
    }
}
template <class L, int M, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_dot_rows(Size m, Size n, Size k, const T* A, Size a_row, const T* B, Size b_row, T* C,
                                      Size c_row) {
    if constexpr (M > 0) {
        if (m == M) return choose_dot_columns<L, M, L::dot_columns>(n, k, A, a_row, B, b_row, C, c_row);
        choose_dot_rows<L, M - 1>(m, n, k, A, a_row, B, b_row, C, c_row);
    }
}

// Update rules: plain loops, which the compiler vectorizes for the target it inlines them into.
LINVARIANCE_BODY double root_of(double x) {
    return __builtin_sqrt(x);
}
LINVARIANCE_BODY float root_of(float x) {
    return __builtin_sqrtf(x);
}

template <class T>
LINVARIANCE_BODY void adam(Size size, const AdamStep<T>& step, const T* __restrict g, T* __restrict w, T* __restrict m,
                           T* __restrict v) {
    const auto [rate, root, eps, beta1_rest, beta2, beta2_rest] = step;
    for (Size i = 0; i < size; ++i) {
        m[i] += beta1_rest * (g[i] - m[i]);
        v[i] = beta2 * v[i] + beta2_rest * (g[i] * g[i]);
        w[i] -= rate * m[i] / (root_of(v[i]) / root + eps);
    }
}

template <class T>
LINVARIANCE_BODY void momentum(Size size, T rate, T momentum, const T* __restrict g, T* __restrict w, T* __restrict b) {
    for (Size i = 0; i < size; ++i) {
        b[i] = momentum * b[i] + g[i];
        w[i] -= rate * b[i];
    }
}

}  // namespace linvariance::bodies
