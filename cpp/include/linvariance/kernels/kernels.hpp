// The few loops in which all time is spent, in one version for each instruction set of the processor.
//
// No Eigen in here: two instances of one template, compiled for different instruction sets, would be merged by the
// linker, and the baseline would die on an old processor. Bodies are always-inline templates over the scalar type and
// the width of a vector (bodies.hpp); cpp/kernels/levels.cpp gives each its target. Products of any size are made of
// them in products.hpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace linvariance {

// A matrix by its entries and the steps from row to row and from column to column. By reference, where not inlined: a
// copy, written in halves and read whole, would stall every call.
template <class T>
struct Strided {
    T* data;
    std::ptrdiff_t rows, columns;
};

// What one step of Adam needs besides the weights; see training/optimizers.hpp.
template <class T>
struct AdamStep {
    T rate, root, eps, beta1_rest, beta2, beta2_rest;
};

using Size = std::ptrdiff_t;

template <class T>
struct Kernels {
    Size width;                                 // entries of a vector
    Size rows, vectors, dot_rows, dot_columns;  // of the largest tiles
    Size depth;                                 // rows of B summed in registers at a time

    // C (m, n) = A (m, k) B (k, n) or, with `onto`, C += A B, for columns that fill `vectors` vectors, the last of
    // which begins at b_last in B and ends with the columns of C; for n < width one that is there to be read. An entry
    // of C is summed in the same order whatever m and n are.
    void (*panel)(Size m, Size vectors, Size n, Size k, const Strided<const T>& A, const T* B, Size b_row, Size b_last,
                  const Strided<T>& C, bool onto);
    // C (m, n) = A (m, k) B (n, k)ᵀ or C += A Bᵀ, for m <= dot_rows, n <= dot_columns; the columns of A, B and C are
    // neighbours.
    void (*dots)(Size m, Size n, Size k, const T* A, Size a_row, const T* B, Size b_row, T* C, Size c_row, bool onto);
    // out = M in for `count` matrices of (points, n) each, `step` apart from one to the next; M (points, points).
    // false, and nothing done, for a number of points that it has no loop for.
    bool (*turn)(Size count, Size step, Size points, Size n, const Strided<const T>& M, const T* in, T* out);
    // m <- m + (1 - b1)(g - m);  v <- b2 v + (1 - b2) g²;  w <- w - rate m / (sqrt(v) root + eps)
    void (*adam)(Size size, const AdamStep<T>& step, const T* g, T* w, T* m, T* v);
    // out = a b, entry by entry
    void (*times)(Size size, const T* a, const T* b, T* out);
    // out = 2 (a - b)
    void (*residual)(Size size, const T* a, const T* b, T* out);
    // a <- 2 (a s - b), entry by entry
    void (*scaled_residual)(Size size, const T* s, const T* b, T* a);
    // w <- w - rate g
    void (*move)(Size size, T rate, const T* g, T* w);
    // b <- momentum b + g;  w <- w - rate b
    void (*momentum)(Size size, T rate, T momentum, const T* g, T* w, T* b);

    // a <- φ(a), slope <- φ'(a)
    void (*relu)(Size size, T* a, T* slope);
    void (*leaky_relu)(Size size, T low, T* a, T* slope);
    void (*swish)(Size size, T* a, T* slope);
    void (*tanh)(Size size, T* a, T* slope);
    void (*gelu)(Size size, T* a, T* slope);
    // out = φ''(a)
    void (*swish_curvature)(Size size, const T* a, T* out);
    void (*tanh_curvature)(Size size, const T* a, T* out);
    void (*gelu_curvature)(Size size, const T* a, T* out);
    // O (rows, columns) becomes the gradient by O of the losses of its columns: their sum is returned, or each is left
    // in `losses`.
    double (*squared)(Size rows, Size columns, const T* targets, Size t_row, T* O, Size o_row);
    void (*cross_entropy)(Size rows, Size columns, const T* targets, Size t_row, T* O, Size o_row, T* losses);
};

// Z(strength) = [constant, C' diag]: with B upper bidiagonal and [B; √strength I] = G [R; 0] its last columns are those
// of the transpose of the first m rows of Gᵀ [targets; 0].
struct PathSystem {
    Size outputs, size, rank;        // d_L; m; left vectors that are led back through R
    const double* triangle;          // (d_L, d_L): R of a QR factorization of the transposed constant
    const double *diagonal, *above;  // of B (m), the last one above being 0
    const double* targets;           // (m, d_L)
};
// Results with one strength in each lane, neighbours in memory.
struct PathPoints {
    void* sigma;           // (d_L), descending
    void* left;            // (d_L, d_L): in its rows the left vectors; at first orthogonal ones, best close to them
    double* const* inner;  // of each lane (rank, m + d_L): in front unit shrink R⁻¹ times what the first left vectors
    double unit, shrink;   // see of the last columns
    void* rest;            // what of the targets' squares is outside of Z
    void* work;            // path_work entries for each lane
    Size* order;           // (d_L)
};
constexpr Size path_work(Size outputs, Size size) {
    return (size + 2 * outputs + 18) * outputs + 2 * size;
}
struct PathKernel {
    Size width;
    void (*points)(const PathSystem&, const double* roots, const PathPoints&);
};

// "baseline" and, where this processor and compiler have them, "x86-64-v3" and "x86-64-v4".
std::vector<std::string_view> kernel_levels();

// The one in use: the last of these, or the one that the environment variable LINVARIANCE_KERNELS names. Chosen at the
// first call; std::runtime_error if there is no such level.
std::string_view kernel_level();

template <class T>
const Kernels<T>& kernels();

const PathKernel& path_kernel();

}  // namespace linvariance
