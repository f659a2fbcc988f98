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

// c += a b.  Eigen packs its operands into buffers that lie on the stack up to EIGEN_STACK_ALLOCATION_LIMIT (128 KiB)
// and on the heap beyond; a tile of 96 x 96 doubles takes 72 KiB, so this never allocates and fits any thread's stack.
template <class A, class B, class C>
void add_product(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, Eigen::MatrixBase<C>& c) {
    constexpr Index tile = 96;
    for (Index i = 0; i < c.rows(); i += tile) {
        const Index m = std::min(tile, c.rows() - i);
        for (Index k = 0; k < a.cols(); k += tile) {
            const Index d = std::min(tile, a.cols() - k);
            for (Index j = 0; j < c.cols(); j += tile) {
                const Index n = std::min(tile, c.cols() - j);
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

}  // namespace linvariance
