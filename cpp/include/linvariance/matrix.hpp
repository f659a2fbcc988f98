// Matrices as NumPy lays them out, and products that leave the heap alone.
#pragma once

#include <Eigen/Core>
#include <algorithm>

namespace linvariance {

using Eigen::Index;

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
template <class T>
using View = Eigen::Map<Matrix<T>>;
template <class T>
using ConstView = Eigen::Map<const Matrix<T>>;

// The size of near-equal tiles of at most `most`, so that none is a sliver.
inline Index tile_size(Index length, Index most) {
    const Index tiles = std::max<Index>((length + most - 1) / most, 1);
    return (length + tiles - 1) / tiles;
}

// c += a b.  Eigen packs its operands into buffers that lie on the stack up to EIGEN_STACK_ALLOCATION_LIMIT (128 KiB)
// and on the heap beyond; tiles of 96 x 128 doubles take 96 KiB each, so this never allocates and fits any thread's
// stack.
template <class A, class B, class C>
void add_product(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, Eigen::MatrixBase<C>& c) {
    const Index rows = tile_size(c.rows(), 96), inner = tile_size(a.cols(), 128), columns = tile_size(c.cols(), 96);
    for (Index i = 0; i < c.rows(); i += rows) {
        const Index m = std::min(rows, c.rows() - i);
        for (Index k = 0; k < a.cols(); k += inner) {
            const Index d = std::min(inner, a.cols() - k);
            for (Index j = 0; j < c.cols(); j += columns) {
                const Index n = std::min(columns, c.cols() - j);
                c.derived().block(i, j, m, n).noalias() +=
                    a.derived().block(i, k, m, d) * b.derived().block(k, j, d, n);
            }
        }
    }
}

// c = a b
template <class A, class B, class C>
void set_product(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, Eigen::MatrixBase<C>& c) {
    c.setZero();
    add_product(a, b, c);
}

// The same for parts of row-major matrices, whatever expression they come from: one instantiation each keeps compile
// times in bounds.
template <class T>
using Part = Eigen::Ref<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstPart = Eigen::Ref<const Matrix<T>, 0, Eigen::OuterStride<>>;

// c += a b
template <class T>
void add_ab(const ConstPart<T>& a, const ConstPart<T>& b, Part<T> c) {
    add_product(a, b, c);
}
// c += a bᵀ
template <class T>
void add_abt(const ConstPart<T>& a, const ConstPart<T>& b, Part<T> c) {
    add_product(a, b.transpose(), c);
}
// c += aᵀ b
template <class T>
void add_atb(const ConstPart<T>& a, const ConstPart<T>& b, Part<T> c) {
    add_product(a.transpose(), b, c);
}

}  // namespace linvariance
