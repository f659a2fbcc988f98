// The first layer under all elements of a group: W_1 ρ(g) x for every g at once, and back to the gradient of W_1.
//
// The plain way gives each element a layer of its own, W_1 ρ(g); the other goes through the group's Fourier transform.
// Both are stacks of layers, each of which looks at a range of the data's columns.
#pragma once

#include "linvariance/groups/elements.hpp"
#include "linvariance/groups/fourier.hpp"

namespace linvariance {

template <class T>
class FirstLayer {
  public:
    // `fourier` may be null; if it is not, the data come in its coordinates.
    FirstLayer(const Elements<T>& elements, const Fourier<T>* fourier, Index units, Index inputs)
        : elements_(&elements), fourier_(fourier), units_(units), turned_(inputs, units) {
        ranges_ = fourier != nullptr ? fourier->ranges : std::vector<Range>{{0, inputs, elements.count}};
        Index packed = 0;
        for (const auto& range : ranges_) {
            rows_ += range.looks * units;
            padded_ += padded(range.looks * units);
            size_ += range.looks * units * range.length;
            packed += packed_size<T>(range.looks * units, range.length);
        }
        stack_.resize(size_);
        packed_.resize(packed);
    }

    Index elements() const { return elements_->count; }
    Index size() const { return size_; }  // of the gradient of the stack
    Index scratch(Index columns) const { return (padded_ + rows_) * columns; }

    // W (h, d_0)
    void set_weights(const ConstView<T>& W) {
        turned_ = W.transpose();
        if (fourier_ != nullptr) {
            fourier_->spread(turned_, stack_);
        } else {
            elements_->spread(turned_, View<T>(stack_.data(), W.cols(), rows_));
        }
        const T* from = stack_.data();
        T* to = packed_.data();
        for (const auto& range : ranges_) {
            const Index rows = range.looks * units_;
            if (rows > 0) pack<T>(rows, range.length, {from, rows, 1}, to);
            from += rows * range.length;
            to += packed_size<T>(rows, range.length);
        }
    }

    // A (elements * h, c) for data X (c, d_0)
    void enter(Index c, Strided<const T> X, View<T> A, Vector<T>& scratch) const {
        // Samples x rows first, rows in whole vectors, since this is how the data lie; then transposed.
        T* const across = scratch.data();
        T* const found = fourier_ != nullptr ? across + padded_ * c : A.data();
        const T* packed = packed_.data();
        Index row = 0, column = 0;
        for (const auto& range : ranges_) {
            const Index rows = range.looks * units_, wide = padded(rows);
            if (rows > 0)
                multiply_packed<T>(c, wide, range.length, {X.data + range.start, X.rows, 1}, packed,
                                   {across + column, padded_, 1}, false);
            set_transposed(c, rows, across + column, padded_, found + row * c);
            row += rows;
            column += wide;
            packed += packed_size<T>(rows, range.length);
        }
        if (fourier_ == nullptr) return;
        auto out = by_element(A.data(), c);
        set_product(fourier_->F, transformed(found, c), out);
    }

    // gradient (size) += dLoss/dA X, of the stack
    void add_gradient(Index c, Strided<const T> X, View<T> adjoint, T* gradient, Vector<T>& scratch) const {
        T* from = adjoint.data();
        if (fourier_ != nullptr) {
            from = scratch.data();
            auto out = transformed(from, c);
            set_product(fourier_->F.transpose(), by_element(adjoint.data(), c), out);
        }
        for (const auto& range : ranges_) {
            const Index rows = range.looks * units_;
            add_ab_as_it_lies<T>(rows, range.length, c, {from, c, 1}, {X.data + range.start, X.rows, 1},
                                 {gradient, range.length, 1});
            from += rows * c;
            gradient += rows * range.length;
        }
    }

    // out (h, d_0) += the gradient of W_1 from that of the stack. Overwrites what set_weights made of the weights for
    // itself, not what `enter` uses.
    void gather(const T* gradient, View<T> out) {
        T* to = stack_.data();
        for (const auto& range : ranges_) {
            const Index rows = range.looks * units_;
            set_transposed(rows, range.length, gradient, range.length, to);
            gradient += rows * range.length;
            to += rows * range.length;
        }
        turned_.setZero();
        if (fourier_ != nullptr) {
            fourier_->add_gathered(stack_, turned_);
        } else {
            elements_->add_gathered(View<T>(stack_.data(), turned_.rows(), rows_), turned_);
        }
        out += turned_.transpose();
    }

  private:
    static Index padded(Index rows) { return rows > 0 ? std::max(rows, kernels<T>().width) : 0; }  // a vector or more
    View<T> by_element(T* A, Index c) const { return {A, elements(), units_ * c}; }
    View<T> transformed(T* A, Index c) const { return {A, fourier_->F.cols(), units_ * c}; }

    const Elements<T>* elements_;
    const Fourier<T>* fourier_;
    Index units_, rows_ = 0, padded_ = 0, size_ = 0;
    std::vector<Range> ranges_;
    Matrix<T> turned_;
    Vector<T> stack_, packed_;
};

}  // namespace linvariance
