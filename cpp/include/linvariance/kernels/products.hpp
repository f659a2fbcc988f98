// Products of any size from the kernels' panels. Nothing here is compiled for more than the baseline.
#pragma once

#include <algorithm>

#include "linvariance/kernels/kernels.hpp"

namespace linvariance {

constexpr Size PANEL = 40960;   // bytes of the largest panel, of `depth` rows
constexpr Size PAGES = 196608;  // bytes over which what is read may be scattered
constexpr Size FEW = 16;        // rows of B that stay in the cache however far apart they are
constexpr Size LEFT = 131072;   // bytes of the left factor that are copied side by side, where it has many rows
constexpr Size CACHE = 16384;   // bytes of B that stay in the first-level cache beside the rest

// Near-equal parts of at most `most`: `count` of them, the first `longer` of which have one more than `length`.
struct Parts {
    Parts(Size whole, Size most)
        : count(std::max<Size>((whole + most - 1) / most, 1)), length(whole / count), longer(whole - length * count) {}

    Size of(Size k) const { return length + (k < longer); }

    Size count, length, longer;
};

// Calls with(start, width, columns, vectors) for columns in whole vectors. The last of them are the longest, and may
// overlap: columns < width, in two vectors or more if n is a vector or more.
template <class T, class Function>
void for_each_panel(const Kernels<T>& kernel, Size n, Function&& with) {
    const Parts panels((n + kernel.width - 1) / kernel.width, kernel.vectors);
    for (Size k = 0, start = 0; k < panels.count; ++k) {
        const Size vectors = panels.of(panels.count - 1 - k), width = vectors * kernel.width;
        with(start, width, std::min(width, n - start), vectors);
        start += width;
    }
}

// Vectors of columns side by side; the last one overlaps or, if it is the only one, is filled up with zeros.
template <class T>
void copy_panel(Size k, Size width, Size columns, const T* B, Size b_row, T* to) {
    const Size vector = kernels<T>().width, apart = columns < vector ? columns : width - vector;
    for (Size i = 0; i < k; ++i) {
        for (Size j = 0; j < apart; ++j) to[i * width + j] = B[i * b_row + j];
        for (Size j = apart; j < width; ++j)
            to[i * width + j] = columns < vector ? T(0) : B[i * b_row + columns - width + j];
    }
}

// C (m, n) = A (m, k) B (k, n) or, with `onto`, C += A B; the columns of B and of C are next to each other. Every entry
// is summed in the same order whatever m and n are.
template <class T>
void multiply_ab(Size m, Size n, Size k, const Strided<const T>& A, const Strided<const T>& B, const Strided<T>& C,
                 bool onto) {
    const Kernels<T>& kernel = kernels<T>();
    alignas(64) T buffer[PANEL / Size(sizeof(T))];
    const Parts tiles(k, kernel.depth);
    for (Size t = 0, at = 0; t < tiles.count; at += tiles.of(t++)) {
        const Size depth = tiles.of(t);
        const Strided<const T> left{A.data + at * A.columns, A.rows, A.columns};
        for_each_panel(kernel, n, [&](Size start, Size width, Size columns, Size vectors) {
            const T* from = B.data + at * B.rows + start;
            Size step = B.rows, last = columns - kernel.width;
            // Else there to be read, and read once or from the cache.
            if (last < 0 || (m > kernel.rows && depth > FEW && depth * B.rows > CACHE / Size(sizeof(T)))) {
                copy_panel(depth, width, columns, from, step, buffer);
                from = buffer, step = width, last = width - kernel.width;
            }
            kernel.panel(m, vectors, columns, depth, left, from, step, last, {C.data + start, C.rows, 1},
                         onto || t > 0);
        });
    }
}

// multiply_ab with `onto` for a B whose rows are few enough, and not an unlucky number of bytes apart, to be read as
// they lie.
template <class T>
void add_ab_as_it_lies(Size m, Size n, Size k, const Strided<const T>& A, const Strided<const T>& B,
                       const Strided<T>& C) {
    const Kernels<T>& kernel = kernels<T>();
    if (n < kernel.width || k > kernel.depth || k * B.rows > PAGES / Size(sizeof(T)) ||
        B.rows * Size(sizeof(T)) % 512 == 0)
        return multiply_ab(m, n, k, A, B, C, true);
    for_each_panel(kernel, n, [&](Size start, Size, Size columns, Size vectors) {
        kernel.panel(m, vectors, columns, k, A, B.data + start, B.rows, columns - kernel.width,
                     {C.data + start, C.rows, 1}, true);
    });
}

// B (k, n) in panels, so that nothing strides through memory.
template <class T>
Size packed_size(Size n, Size k) {
    const Size width = kernels<T>().width;
    return (n + width - 1) / width * width * k;
}
template <class T>
void pack(Size n, Size k, const Strided<const T>& B, T* packed) {
    for_each_panel(kernels<T>(), n, [&](Size start, Size width, Size columns, Size) {
        copy_panel(k, width, columns, B.data + start, B.rows, packed + start * k);
    });
}

// multiply_packed for many rows of A far apart in memory, which would push each other out of the cache.
template <class T>
void multiply_tall(Size m, Size n, Size k, const Strided<const T>& A, const T* packed, const Strided<T>& C, bool onto) {
    const Kernels<T>& kernel = kernels<T>();
    alignas(64) T left[LEFT / Size(sizeof(T))];
    const Parts tiles(k, kernel.depth), blocks(m, LEFT / Size(sizeof(T)) / kernel.depth);
    for (Size b = 0, row = 0; b < blocks.count; row += blocks.of(b++)) {
        const Size rows = blocks.of(b);
        for (Size t = 0, at = 0; t < tiles.count; at += tiles.of(t++)) {
            const Size depth = tiles.of(t);
            for (Size i = 0; i < rows; ++i) {
                const T* const from = A.data + (row + i) * A.rows + at * A.columns;
                for (Size j = 0; j < depth; ++j) left[i * depth + j] = from[j * A.columns];
            }
            for_each_panel(kernel, n, [&](Size start, Size width, Size columns, Size vectors) {
                kernel.panel(rows, vectors, columns, depth, {left, depth, 1}, packed + start * k + at * width, width,
                             width - kernel.width, {C.data + row * C.rows + start, C.rows, 1}, onto || t > 0);
            });
        }
    }
}

// multiply_ab, bit for bit.
template <class T>
void multiply_packed(Size m, Size n, Size k, const Strided<const T>& A, const T* packed, const Strided<T>& C,
                     bool onto) {
    const Kernels<T>& kernel = kernels<T>();
    const Parts tiles(k, kernel.depth);
    if (m > 2 * kernel.rows && A.rows * Size(sizeof(T)) >= 4096) return multiply_tall(m, n, k, A, packed, C, onto);
    for_each_panel(kernel, n, [&](Size start, Size width, Size columns, Size vectors) {
        Strided<const T> left = A;
        const T* from = packed + start * k;
        for (Size t = 0; t < tiles.count; ++t) {
            const Size depth = tiles.of(t);
            kernel.panel(m, vectors, columns, depth, left, from, width, width - kernel.width,
                         {C.data + start, C.rows, 1}, onto || t > 0);
            left.data += depth * left.columns, from += depth * width;
        }
    });
}

// C (m, n) = A (m, k) B (n, k)ᵀ or C += A Bᵀ; the columns of A, B and C are next to each other.
template <class T>
void multiply_abt(Size m, Size n, Size k, const Strided<const T>& A, const Strided<const T>& B, const Strided<T>& C,
                  bool onto) {
    const Kernels<T>& kernel = kernels<T>();
    const Parts rows(m, kernel.dot_rows), columns(n, kernel.dot_columns);
    for (Size p = 0, j = 0; p < columns.count; j += columns.of(p++)) {
        for (Size b = 0, i = 0; b < rows.count; i += rows.of(b++)) {
            kernel.dots(rows.of(b), columns.of(p), k, A.data + i * A.rows, A.rows, B.data + j * B.rows, B.rows,
                        C.data + i * C.rows + j, C.rows, onto);
        }
    }
}

}  // namespace linvariance
