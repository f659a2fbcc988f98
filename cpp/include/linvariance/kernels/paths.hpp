// The singular value decompositions of Z(strength) for as many strengths as a vector has entries, one in each lane.
#pragma once

#include "linvariance/kernels/bodies.hpp"

namespace linvariance::bodies {

template <class V>
LINVARIANCE_BODY V root_of(const V& x) {
    V root;
    for (Size l = 0; l < Size(sizeof(V) / sizeof(x[0])); ++l) root[l] = __builtin_sqrt(x[l]);
    return root;
}
template <class V>
LINVARIANCE_BODY V size_of(const V& x) {
    return x < 0 ? -x : x;
}

// dot = g (w R + Σ_i x_i X_i), R -= w dot, X_i -= x_i dot for N neighbouring columns: I - g (w, x)(w, x)ᵀ.
template <int N, class V>
LINVARIANCE_BODY void reflect(Size rows, Size step, const V& g, const V& w, const V* x, V* R, V* X) {
    V dot[N];
    LINVARIANCE_UNROLL
    for (int c = 0; c < N; ++c) dot[c] = w * R[c];
    for (Size i = 0; i < rows; ++i) {
        LINVARIANCE_UNROLL
        for (int c = 0; c < N; ++c) dot[c] += x[i * step] * X[i * step + c];
    }
    LINVARIANCE_UNROLL
    for (int c = 0; c < N; ++c) {
        dot[c] *= g;
        R[c] -= w * dot[c];
    }
    for (Size i = 0; i < rows; ++i) {
        LINVARIANCE_UNROLL
        for (int c = 0; c < N; ++c) X[i * step + c] -= x[i * step] * dot[c];
    }
}

// R (n, n) of a QR factorization of [R; X], X (rows, n); X is used up. Columns below 1e-144 are left as they are.
template <class V>
LINVARIANCE_BODY void push(Size n, Size rows, V* R, V* X) {
    for (Size j = 0; j < n; ++j) {
        V* const on = R + j * n + j;
        V square = *on * *on;
        for (Size i = 0; i < rows; ++i) square += X[i * n + j] * X[i * n + j];
        const V norm = root_of(square), w = *on < 0 ? *on - norm : *on + norm;
        const auto seen = square > 0x1p-960;
        const V g = seen ? 1.0 / (norm * size_of(w)) : V{};
        *on = !seen ? *on : *on < 0 ? norm : -norm;
        Size c = j + 1;
        for (; c + 4 <= n; c += 4) reflect<4>(rows, n, g, w, X + j, R + j * n + c, X + c);
        if (n - c == 3) reflect<3>(rows, n, g, w, X + j, R + j * n + c, X + c);
        if (n - c == 2) reflect<2>(rows, n, g, w, X + j, R + j * n + c, X + c);
        if (n - c == 1) reflect<1>(rows, n, g, w, X + j, R + j * n + c, X + c);
    }
}

// One-sided Jacobi (Hestenes): turns the rows of A and of U (n, n) by the same rotations until those of A are
// orthogonal. Their norms are then singular values, small ones to full relative accuracy.
template <class V>
LINVARIANCE_BODY void orthogonalize(Size n, V* A, V* U) {
    constexpr int most_sweeps = 60;  // six are usual; the bound is for the unforeseen
    bool turned = true;
    for (int sweep = 0; turned && sweep < most_sweeps; ++sweep) {
        turned = false;
        for (Size i = 0; i + 1 < n; ++i) {
            for (Size j = i + 1; j < n; ++j) {
                V *const p = A + i * n, *const q = A + j * n;
                V a{}, b{}, c{};
                for (Size k = 0; k < n; ++k) {
                    a += p[k] * p[k];
                    b += q[k] * q[k];
                    c += p[k] * q[k];
                }
                const V size = size_of(c);
                const auto apart = size <= 0x1p-52 * root_of(a * b) || size < 0x1p-960;
                bool all = true;
                for (Size l = 0; l < Size(sizeof(V) / sizeof(double)); ++l) all &= apart[l] != 0;
                if (all) continue;
                turned = true;
                const V zeta = (b - a) / (2.0 * (apart ? V{} + 1.0 : c)), far = size_of(zeta);
                V t = 1.0 / (far + root_of(1.0 + zeta * zeta));
                t = apart ? V{} : zeta < 0 ? -t : t;
                const V cosine = 1.0 / root_of(1.0 + t * t), sine = t * cosine;
                V *const u = U + i * n, *const v = U + j * n;
                for (Size k = 0; k < n; ++k) {
                    const V x = p[k], y = u[k];
                    p[k] = cosine * x - sine * q[k];
                    q[k] = sine * x + cosine * q[k];
                    u[k] = cosine * y - sine * v[k];
                    v[k] = sine * y + cosine * v[k];
                }
            }
        }
    }
}

// Sorts the rows of U by the norms of those of A, descending, lane by lane; A is used up.
template <class V>
LINVARIANCE_BODY void sort(Size n, V* A, V* U, V* sigma, Size* order) {
    for (Size i = 0; i < n; ++i) {
        V square{};
        for (Size k = 0; k < n; ++k) square += A[i * n + k] * A[i * n + k];
        sigma[i] = root_of(square);
    }
    for (Size i = 0; i < n * n; ++i) A[i] = U[i];
    for (Size l = 0; l < Size(sizeof(V) / sizeof(double)); ++l) {
        for (Size i = 0; i < n; ++i) {
            Size at = i;
            const double norm = sigma[i][l];
            for (; at > 0 && sigma[at - 1][l] < norm; --at) {
                sigma[at][l] = sigma[at - 1][l];
                order[at] = order[at - 1];
            }
            sigma[at][l] = norm;
            order[at] = i;
        }
        for (Size i = 0; i < n; ++i) {
            for (Size k = 0; k < n; ++k) U[i * n + k][l] = A[order[i] * n + k][l];
        }
    }
}

// x <- (U C_k - above x) / diagonal for N neighbouring rows of U, from one row of R x = C Uᵀ to that before it.
template <int N, class V>
LINVARIANCE_BODY void solve(Size n, const V* C, const V* U, const V& inverse, const V& above, V* x) {
    V sum[N] = {};
    for (Size o = 0; o < n; ++o) {
        LINVARIANCE_UNROLL
        for (int i = 0; i < N; ++i) sum[i] += C[o] * U[i * n + o];
    }
    LINVARIANCE_UNROLL
    for (int i = 0; i < N; ++i) x[i] = (sum[i] - above * x[i]) * inverse;
}

template <class L>
LINVARIANCE_BODY void path_points(const PathSystem& s, const double* roots, const PathPoints& out) {
    using V = typename L::Vector;
    constexpr Size block = 16;  // rows that are pushed at once
    const Size n = s.outputs, m = s.size, rank = s.rank;
    V *const C = static_cast<V*>(out.work), *const inverse = C + m * n, *const above = inverse + m,
             *const R = above + m;
    V *const A = R + n * n, *const X = A + n * n, *const f = X + block * n;
    V *const U = static_cast<V*>(out.left), *const x = f + n;
    for (Size i = 0; i < n * n; ++i) R[i] = V{} + s.triangle[i];
    for (Size o = 0; o < n; ++o) f[o] = V{};
    const V root = *reinterpret_cast<const typename L::Unaligned*>(roots);
    V z = root, rest{};
    Size filled = 0;
    for (Size k = 0; k < m; ++k) {
        // Rows (d, e) of B and (z, 0) of what is left of √strength I, their targets c and f; after the rotation the
        // second is (0, -s e), and one more makes it and the next (√strength) the next (z, 0).
        const double d = s.diagonal[k], e = s.above[k];
        inverse[k] = 1.0 / root_of(d * d + z * z);
        const V cosine = d * inverse[k], sine = z * inverse[k], fill = -sine * e;
        const V next = root_of(fill * fill + root * root), over = next > 0 ? 1.0 / next : V{};
        const V kept = fill * over, lost = root * over;
        above[k] = cosine * e;
        z = next;
        for (Size o = 0; o < n; ++o) {
            const double c = s.targets[k * n + o];
            const V g = cosine * f[o] - sine * c;
            X[filled * n + o] = C[k * n + o] = cosine * c + sine * f[o];
            f[o] = kept * g;
            rest += (lost * g) * (lost * g);
        }
        if (++filled < block && k + 1 < m) continue;
        push(n, filled, R, X);
        filled = 0;
    }
    *static_cast<V*>(out.rest) = rest;
    // The rows of A = (R Uᵀ)ᵀ, with the left vectors at the strengths before: they are nearly orthogonal.
    for (Size i = 0; i < n; ++i) {
        for (Size r = 0; r < n; ++r) {
            V sum{};
            for (Size k = r; k < n; ++k) sum += R[r * n + k] * U[i * n + k];
            A[i * n + r] = sum;
        }
    }
    orthogonalize(n, A, U);
    sort(n, A, U, static_cast<V*>(out.sigma), out.order);
    for (Size i = 0; i < rank; ++i) x[i] = V{};
    for (Size k = m - 1; k >= 0; --k) {
        const V* const c = C + k * n;
        Size i = 0;
        for (; i + 4 <= rank; i += 4) solve<4>(n, c, U + i * n, inverse[k], above[k], x + i);
        for (; i < rank; ++i) solve<1>(n, c, U + i * n, inverse[k], above[k], x + i);
        for (i = 0; i < rank; ++i) {
            const V row = x[i] * out.shrink * out.unit;
            LINVARIANCE_UNROLL
            for (Size l = 0; l < L::width; ++l) out.inner[l][i * (m + n) + k] = row[l];
        }
    }
}

}  // namespace linvariance::bodies
