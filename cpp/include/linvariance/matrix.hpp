// Matrices as NumPy lays them out, and products that leave the heap alone.
#pragma once

#include <Eigen/Core>
#include <algorithm>

#include "linvariance/kernels/products.hpp"

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

template <class Derived>
auto strided(const Eigen::MatrixBase<Derived>& a) {
    const Derived& it = a.derived();
    return Strided<const typename Derived::Scalar>{it.data(), it.rowStride(), it.colStride()};
}
template <class Derived>
auto strided(Eigen::MatrixBase<Derived>& a) {
    Derived& it = a.derived();
    return Strided<typename Derived::Scalar>{it.data(), it.rowStride(), it.colStride()};
}

// Whether nothing is to be multiplied, c being set where need be: an empty factor may have no address to count from.
template <class C>
bool is_empty_product(Index depth, Eigen::MatrixBase<C>& c, bool onto) {
    if (depth == 0 && !onto) c.derived().setZero();
    return depth == 0 || c.size() == 0;
}

// c = a b or, with `onto`, c += a b, for parts of row-major matrices and their transposes; not both transposed.
template <class A, class B, class C>
void multiply(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, Eigen::MatrixBase<C>& c, bool onto) {
    if (is_empty_product(a.cols(), c, onto)) return;
    if constexpr (B::IsRowMajor) {
        multiply_ab(c.rows(), c.cols(), a.cols(), strided(a), strided(b), strided(c), onto);
    } else {
        static_assert(A::IsRowMajor, "there is no kernel for aᵀ bᵀ");
        multiply_abt(c.rows(), c.cols(), a.cols(), strided(a), strided(b.transpose()), strided(c), onto);
    }
}

// c = a b
template <class A, class B, class C>
void set_product(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, Eigen::MatrixBase<C>& c) {
    multiply(a, b, c, false);
}

// c += a b
template <class A, class B, class C>
void add_product(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b, Eigen::MatrixBase<C>& c) {
    multiply(a, b, c, true);
}

// to (columns, rows) = fromᵀ for `from` (rows, columns), whose rows are `step` apart: eight rows at a time, so that
// both are walked along.
template <class T>
void set_transposed(Index rows, Index columns, const T* from, Index step, T* to) {
    Index i = 0;
    for (; i + 8 <= rows; i += 8) {
        const T* const part = from + i * step;
        for (Index j = 0; j < columns; ++j) {
            for (Index k = 0; k < 8; ++k) to[j * rows + i + k] = part[k * step + j];
        }
    }
    for (; i < rows; ++i) {
        for (Index j = 0; j < columns; ++j) to[j * rows + i] = from[i * step + j];
    }
}

// A matrix laid out for many products from the left, a S.
template <class T>
class PackedMatrix {
  public:
    explicit PackedMatrix(const Matrix<T>& matrix)
        : rows_(matrix.rows()), cols_(matrix.cols()), packed_(packed_size<T>(cols_, rows_)) {
        if (matrix.size() > 0) pack<T>(cols_, rows_, strided(matrix), packed_.data());
    }

    Index rows() const { return rows_; }
    Index cols() const { return cols_; }
    const T* data() const { return packed_.data(); }

  private:
    Index rows_, cols_;
    Vector<T> packed_;
};

// c = a S or, with `onto`, c += a S
template <class A, class T, class C>
void multiply(const Eigen::MatrixBase<A>& a, const PackedMatrix<T>& S, Eigen::MatrixBase<C>& c, bool onto) {
    if (is_empty_product(S.rows(), c, onto)) return;
    multiply_packed<T>(c.rows(), c.cols(), S.rows(), strided(a), S.data(), strided(c), onto);
}

// The same for parts of row-major matrices, whatever expression they come from: one instantiation each keeps compile
// times in bounds.
template <class T>
using Part = Eigen::Ref<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstPart = Eigen::Ref<const Matrix<T>, 0, Eigen::OuterStride<>>;

// c = a b
template <class T>
void set_ab(const ConstPart<T>& a, const ConstPart<T>& b, Part<T> c) {
    set_product(a, b, c);
}
// c = aᵀ b
template <class T>
void set_atb(const ConstPart<T>& a, const ConstPart<T>& b, Part<T> c) {
    set_product(a.transpose(), b, c);
}
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
