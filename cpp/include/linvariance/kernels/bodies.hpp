// Bodies of the kernels. Products go by register tiles of M rows and N vectors: an entry of A is broadcast, a row of B
// loaded.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "linvariance/kernels/kernels.hpp"

// No vector is passed: all is inlined into a function with such registers.
#pragma GCC diagnostic ignored "-Wpsabi"
#define LINVARIANCE_BODY static inline __attribute__((always_inline))
#define LINVARIANCE_INLINE __attribute__((always_inline))
#define LINVARIANCE_METHOD inline __attribute__((always_inline))
#define LINVARIANCE_UNROLL _Pragma("GCC unroll 16")

namespace linvariance::bodies {

// Vectors of `Bytes` bytes, and tiles of at most Rows x Vectors of them (of Dots x Dots for inner products).
template <class T, int Bytes, int RowsOf, int VectorsOf, int DotRowsOf, int DotColumnsOf>
struct Level {
    using Scalar = T;
    typedef T Vector __attribute__((vector_size(Bytes)));
    typedef T Unaligned __attribute__((vector_size(Bytes), aligned(sizeof(T)), may_alias));
    typedef std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t> Integer;
    typedef Integer Mask __attribute__((vector_size(Bytes), aligned(sizeof(T)), may_alias));
    static constexpr Size width = Bytes / Size(sizeof(T));
    static constexpr std::array<Integer, 2 * width> ends = [] {
        std::array<Integer, 2 * width> all{};  // from entry k on a mask of the last k of a vector
        for (Size i = width; i < 2 * width; ++i) all[std::size_t(i)] = -1;
        return all;
    }();
    static constexpr int rows = RowsOf, vectors = VectorsOf, dot_rows = DotRowsOf, dot_columns = DotColumnsOf;
};

// A broadcast entry in a register of its own, not once more from memory for every product.
#if defined(__x86_64__) && !defined(__clang__)
#define LINVARIANCE_KEEP(vector) asm("" : "+v"(vector))
#else
#define LINVARIANCE_KEEP(vector)
#endif
// A loop of a few entries stays one: vectorized in every tile it would double the time to compile.
#define LINVARIANCE_SCALAR asm("")

// C = A B or, with `onto`, C += A B for M rows and `width` columns in N vectors. The last vector of columns overlaps
// the one before it where they are no whole number of vectors; in B it begins at b_last.
template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void tile(Size depth, Strided<const T> A, const T* B, Size b_row, Size b_last, Strided<T> C,
                           Size width, bool onto) {
    using V = typename L::Vector;
    using U = typename L::Unaligned;
    V sum[M][N] = {};
    for (Size k = 0; k < depth; ++k) {
        V b[N];
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j)
            b[j] = *reinterpret_cast<const U*>(B + k * b_row + (j < N - 1 ? j * L::width : b_last));
        LINVARIANCE_UNROLL
        for (int i = 0; i < M; ++i) {
            V a = A.data[i * A.rows + k * A.columns] - V{};
            LINVARIANCE_KEEP(a);
            LINVARIANCE_UNROLL
            for (int j = 0; j < N; ++j) sum[i][j] += a * b[j];
        }
    }
    if (N == 1 && width < L::width) {
        LINVARIANCE_UNROLL
        for (int i = 0; i < M; ++i) {
            T entries[L::width];
            *reinterpret_cast<U*>(entries) = sum[i][0];
            for (Size j = 0; j < width; ++j) {
                LINVARIANCE_SCALAR;
                C.data[i * C.rows + j] = onto ? C.data[i * C.rows + j] + entries[j] : entries[j];
            }
        }
        return;
    }
    const auto out = [&](int i, int j) LINVARIANCE_INLINE {
        return reinterpret_cast<U*>(C.data + i * C.rows + (j < N - 1 ? j * L::width : width - L::width));
    };
    if (onto) {
        LINVARIANCE_UNROLL
        for (int i = 0; i < M; ++i) {
            LINVARIANCE_UNROLL
            for (int j = 0; j < N; ++j) sum[i][j] += *out(i, j);
        }
    }
    LINVARIANCE_UNROLL
    for (int i = 0; i < M; ++i) {
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j) *out(i, j) = sum[i][j];
    }
}

// Calls the tile of m rows and n vectors.
template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_vectors(Size n, Size depth, Strided<const T> A, const T* B, Size b_row, Size b_last,
                                     Strided<T> C, Size width, bool onto) {
    if constexpr (N > 0) {
        if (n == N) return tile<L, M, N>(depth, A, B, b_row, b_last, C, width, onto);
        choose_vectors<L, M, N - 1>(n, depth, A, B, b_row, b_last, C, width, onto);
    }
}
template <class L, int M, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_rows(Size m, Size n, Size depth, Strided<const T> A, const T* B, Size b_row, Size b_last,
                                  Strided<T> C, Size width, bool onto) {
    if constexpr (M > 0) {
        if (m == M) return choose_vectors<L, M, L::vectors>(n, depth, A, B, b_row, b_last, C, width, onto);
        choose_rows<L, M - 1>(m, n, depth, A, B, b_row, b_last, C, width, onto);
    }
}

// All rows of A against one panel of B, in near-equal blocks of rows.
template <class L, class T = typename L::Scalar>
LINVARIANCE_BODY void panel(Size m, Size vectors, Size n, Size k, Strided<const T> A, const T* B, Size b_row,
                            Size b_last, Strided<T> C, bool onto) {
    for (Size left = m, blocks = (m + L::rows - 1) / L::rows; left > 0; --blocks) {
        const Size rows = blocks == 1 ? left : (left + blocks - 1) / blocks;
        choose_rows<L, L::rows>(rows, vectors, k, A, B, b_row, b_last, C, n, onto);
        A.data += rows * A.rows, C.data += rows * C.rows, left -= rows;
    }
}

// out = [x0+x1, x2+x3, ..., y0+y1, y2+y3, ...]
template <class V, std::size_t... I>
LINVARIANCE_BODY void pair_sums(const V& x, const V& y, V& out, std::index_sequence<I...>) {
    out = __builtin_shufflevector(x, y, int(2 * I)...) + __builtin_shufflevector(x, y, int(2 * I + 1)...);
}

// x[0] = the sums of the entries of as many vectors as a vector has entries, each in the same order.
template <class L, class V = typename L::Vector>
LINVARIANCE_BODY void sum_each(V (&x)[L::width]) {
    LINVARIANCE_UNROLL
    for (int count = L::width / 2; count > 0; count /= 2) {
        LINVARIANCE_UNROLL
        for (int i = 0; i < count; ++i)
            pair_sums(x[2 * i], x[2 * i + 1], x[i], std::make_index_sequence<std::size_t(L::width)>());
    }
}

// Inner products of M rows of A with N rows of B. What is no whole vector is summed from one that overlaps the last
// whole one, the entries of which count once.
template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void dots(Size k, const T* A, Size a_row, const T* B, Size b_row, T* C, Size c_row, bool onto) {
    using V = typename L::Vector;
    using U = typename L::Unaligned;
    V sum[M * N] = {};
    Size p = 0;
    const auto add = [&](Size at, auto&& of) LINVARIANCE_INLINE {
        V b[N];
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j) {
            b[j] = *reinterpret_cast<const U*>(B + j * b_row + at);
            of(b[j]);
        }
        LINVARIANCE_UNROLL
        for (int i = 0; i < M; ++i) {
            V a = *reinterpret_cast<const U*>(A + i * a_row + at);
            of(a);
            LINVARIANCE_UNROLL
            for (int j = 0; j < N; ++j) sum[i * N + j] += a * b[j];
        }
    };
    for (; p + L::width <= k; p += L::width) add(p, [](V&) LINVARIANCE_INLINE {});
    if (p < k && k > L::width) {
        const auto rest = *reinterpret_cast<const typename L::Mask*>(L::ends.data() + (k - p));
        add(k - L::width, [&](V& x) LINVARIANCE_INLINE { x = V(typename L::Mask(x) & rest); });
    }
    constexpr int groups = (M * N + L::width - 1) / L::width;
    T found[groups * L::width];
    LINVARIANCE_UNROLL
    for (int g = 0; g < groups; ++g) {
        V some[L::width];
        LINVARIANCE_UNROLL
        for (int i = 0; i < L::width; ++i) some[i] = g * L::width + i < M * N ? sum[g * L::width + i] : V{};
        sum_each<L>(some);
        *reinterpret_cast<U*>(found + g * L::width) = some[0];
    }
    LINVARIANCE_UNROLL
    for (int i = 0; i < M; ++i) {
        LINVARIANCE_UNROLL
        for (int j = 0; j < N; ++j) {
            T all = found[i * N + j];
            if (k < L::width) {
                for (Size q = 0; q < k; ++q) {
                    LINVARIANCE_SCALAR;
                    all += A[i * a_row + q] * B[j * b_row + q];
                }
            }
            C[i * c_row + j] = onto ? C[i * c_row + j] + all : all;
        }
    }
}

template <class L, int M, int N, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_dot_columns(Size n, Size k, const T* A, Size a_row, const T* B, Size b_row, T* C,
                                         Size c_row, bool onto) {
    if constexpr (N > 0) {
        if (n == N) return dots<L, M, N>(k, A, a_row, B, b_row, C, c_row, onto);
        choose_dot_columns<L, M, N - 1>(n, k, A, a_row, B, b_row, C, c_row, onto);
    }
}
template <class L, int M, class T = typename L::Scalar>
LINVARIANCE_BODY void choose_dot_rows(Size m, Size n, Size k, const T* A, Size a_row, const T* B, Size b_row, T* C,
                                      Size c_row, bool onto) {
    if constexpr (M > 0) {
        if (m == M) return choose_dot_columns<L, M, L::dot_columns>(n, k, A, a_row, B, b_row, C, c_row, onto);
        choose_dot_rows<L, M - 1>(m, n, k, A, a_row, B, b_row, C, c_row, onto);
    }
}

// One vector of columns, all of whose points are in registers at once.
template <class L, int P, class T = typename L::Scalar>
LINVARIANCE_BODY void turn_vector(Size n, Strided<const T> M, const T* in, T* out) {
    using V = typename L::Vector;
    using U = typename L::Unaligned;
    V from[P];
    LINVARIANCE_UNROLL
    for (int q = 0; q < P; ++q) from[q] = *reinterpret_cast<const U*>(in + q * n);
    LINVARIANCE_UNROLL
    for (int p = 0; p < P; ++p) {
        V sum = M.data[p * M.rows] * from[0];
        LINVARIANCE_UNROLL
        for (int q = 1; q < P; ++q) sum += M.data[p * M.rows + q * M.columns] * from[q];
        *reinterpret_cast<U*>(out + p * n) = sum;
    }
}

// The last vector of columns overlaps the one before it.
template <class L, int P, class T = typename L::Scalar>
LINVARIANCE_BODY void turn_points(Size count, Size step, Size n, Strided<const T> M, const T* in, T* out) {
    for (; count > 0; --count, in += step, out += step) {
        for (Size j = 0; j + L::width < n; j += L::width) turn_vector<L, P>(n, M, in + j, out + j);
        turn_vector<L, P>(n, M, in + n - L::width, out + n - L::width);
    }
}

template <class L, class T = typename L::Scalar>
LINVARIANCE_BODY bool turn(Size count, Size step, Size points, Size n, Strided<const T> M, const T* in, T* out) {
    if (n < L::width) return false;
    if (points == 2) return turn_points<L, 2>(count, step, n, M, in, out), true;
    if (points == 3) return turn_points<L, 3>(count, step, n, M, in, out), true;
    if (points == 4) return turn_points<L, 4>(count, step, n, M, in, out), true;
    if (points == 6) return turn_points<L, 6>(count, step, n, M, in, out), true;
    if (points == 8) return turn_points<L, 8>(count, step, n, M, in, out), true;
    return false;
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
        w[i] -= rate * m[i] / (root_of(v[i]) * root + eps);
    }
}

template <class T>
LINVARIANCE_BODY void times(Size size, const T* __restrict a, const T* __restrict b, T* __restrict out) {
    for (Size i = 0; i < size; ++i) out[i] = a[i] * b[i];
}

template <class T>
LINVARIANCE_BODY void residual(Size size, const T* a, const T* b, T* out) {
    for (Size i = 0; i < size; ++i) out[i] = T(2) * (a[i] - b[i]);
}

template <class T>
LINVARIANCE_BODY void scaled_residual(Size size, const T* __restrict s, const T* __restrict b, T* __restrict a) {
    for (Size i = 0; i < size; ++i) a[i] = T(2) * (a[i] * s[i] - b[i]);
}

template <class T>
LINVARIANCE_BODY void move(Size size, T rate, const T* __restrict g, T* __restrict w) {
    for (Size i = 0; i < size; ++i) w[i] -= rate * g[i];
}

template <class T>
LINVARIANCE_BODY void momentum(Size size, T rate, T momentum, const T* __restrict g, T* __restrict w, T* __restrict b) {
    for (Size i = 0; i < size; ++i) {
        b[i] = momentum * b[i] + g[i];
        w[i] -= rate * b[i];
    }
}

}  // namespace linvariance::bodies
