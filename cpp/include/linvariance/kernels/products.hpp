// Products of any size from the kernels' panels. Nothing here is compiled for more than the baseline.
#pragma once

#include <algorithm>

#include "linvariance/kernels/kernels.hpp"

namespace linvariance {

constexpr Size DEPTH = 96;       // rows of B that a panel keeps in the first-level cache
constexpr Size WIDEST = 5 * 64;  // bytes of a row of the widest panel

// Near-equal parts of at most `most`, and where the k-th begins.
inline Size parts(Size length, Size most) {
    return std::max<Size>((length + most - 1) / most, 1);
}
inline Size cut(Size length, Size count, Size k) {
    return length * k / count;
}

// Columns of B (., n) next to each other in whole vectors, the last of which may be cut short.
struct Panel {
    Size start, width, columns, vectors;
};
template <class T>
Size panels_of(const Kernels<T>& with, Size n) {
    return parts((n + with.width - 1) / with.width, with.vectors);
}
template <class T>
Panel panel_of(const Kernels<T>& with, Size n, Size count, Size k) {
    const Size all = (n + with.width - 1) / with.width, start = cut(all, count, k), end = cut(all, count, k + 1);
    return {start * with.width, (end - start) * with.width, std::min(n, end * with.width) - start * with.width,
            end - start};
}

template <class T>
void copy_panel(Size k, const Panel& at, const T* B, Size b_row, T* to) {
    for (Size i = 0; i < k; ++i) {
        std::copy_n(B + i * b_row, at.columns, to + i * at.width);
        std::fill(to + i * at.width + at.columns, to + (i + 1) * at.width, T(0));
    }
}

// C (m, n) += A (m, k) B (k, n); the columns of B and of C are next to each other. Every entry is summed in the same
// order whatever m and n are.
template <class T>
void add_ab(Size m, Size n, Size k, Strided<const T> A, Strided<const T> B, Strided<T> C) {
    const Kernels<T>& with = kernels<T>();
    alignas(64) T buffer[DEPTH * WIDEST / Size(sizeof(T))];
    const Size count = panels_of(with, n), tiles = parts(k, DEPTH);
    for (Size t = 0; t < tiles; ++t) {
        const Size first = cut(k, tiles, t), depth = cut(k, tiles, t + 1) - first;
        const Strided<const T> left{A.data + first * A.columns, A.rows, A.columns};
        for (Size p = 0; p < count; ++p) {
            const Panel at = panel_of(with, n, count, p);
            const T* from = B.data + first * B.rows + at.start;
            Size step = B.rows;
            if (at.columns < at.width || m > with.rows) {  // else read once, and there to be read
                copy_panel(depth, at, from, step, buffer);
                from = buffer, step = at.width;
            }
            with.panel(m, at.vectors, at.columns, depth, left, from, step, {C.data + at.start, C.rows, 1});
        }
    }
}

// B (k, n) in panels, so that nothing strides through memory.
template <class T>
Size packed_size(Size n, Size k) {
    const Size width = kernels<T>().width;
    return (n + width - 1) / width * width * k;
}
template <class T>
void pack(Size n, Size k, Strided<const T> B, T* packed) {
    const Kernels<T>& with = kernels<T>();
    const Size count = panels_of(with, n);
    for (Size p = 0; p < count; ++p) {
        const Panel at = panel_of(with, n, count, p);
        copy_panel(k, at, B.data + at.start, B.rows, packed + at.start * k);
    }
}

// add_ab, bit for bit.
template <class T>
void add_packed(Size m, Size n, Size k, Strided<const T> A, const T* packed, Strided<T> C) {
    const Kernels<T>& with = kernels<T>();
    const Size count = panels_of(with, n), tiles = parts(k, DEPTH);
    for (Size p = 0; p < count; ++p) {
        const Panel at = panel_of(with, n, count, p);
        for (Size t = 0; t < tiles; ++t) {
            const Size first = cut(k, tiles, t), depth = cut(k, tiles, t + 1) - first;
            with.panel(m, at.vectors, at.columns, depth, {A.data + first * A.columns, A.rows, A.columns},
                       packed + at.start * k + first * at.width, at.width, {C.data + at.start, C.rows, 1});
        }
    }
}

// C (m, n) += A (m, k) B (n, k)ᵀ; the columns of A, B and C are next to each other.
template <class T>
void add_abt(Size m, Size n, Size k, Strided<const T> A, Strided<const T> B, Strided<T> C) {
    const Kernels<T>& with = kernels<T>();
    const Size blocks = parts(m, with.dot_rows), columns = parts(n, with.dot_columns);
    for (Size p = 0; p < columns; ++p) {
        const Size j = cut(n, columns, p), wide = cut(n, columns, p + 1) - j;
        for (Size b = 0; b < blocks; ++b) {
            const Size i = cut(m, blocks, b), high = cut(m, blocks, b + 1) - i;
            with.dots(high, wide, k, A.data + i * A.rows, A.rows, B.data + j * B.rows, B.rows, C.data + i * C.rows + j,
                      C.rows);
        }
    }
}

}  // namespace linvariance
