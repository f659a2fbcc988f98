// The elements of a group, acting on the columns of a first layer: f(ρ(g)x) has the first layer W_1 ρ(g), so no datum
// is ever moved.
#pragma once

#include <cstdint>
#include <vector>

#include "linvariance/matrix.hpp"

namespace linvariance {

template <class T>
struct Elements {
    Index count = 1;
    std::vector<Index> images;        // (count, d), (ρx)[p[i]] = s[i] x[i]; empty: see matrices
    std::vector<T> signs;             // (count, d), empty if all are +1
    std::vector<Matrix<T>> matrices;  // ρ(g) (d, d); empty too: the identity alone

    // stack (d, count * h): the (W ρ(g))ᵀ side by side, for Wᵀ (d, h)
    template <class Out>
    void spread(const Matrix<T>& W, Out&& stack) const {
        const Index h = W.cols(), d = W.rows();
        for (Index g = 0; g < count; ++g) {
            auto one = stack.middleCols(g * h, h);
            if (!matrices.empty()) {
                one.setZero();
                add_atb<T>(matrices[static_cast<std::size_t>(g)], W, one);
            } else if (images.empty()) {
                one = W;
            } else {
                for (Index i = 0; i < d; ++i) one.row(i) = sign(g * d + i) * W.row(image(g * d + i));
            }
        }
    }

    // The adjoint: Wᵀ (d, h) += the sum of the blocks, moved back
    template <class In>
    void add_gathered(const In& stack, Matrix<T>& W) const {
        const Index h = W.cols(), d = W.rows();
        for (Index g = 0; g < count; ++g) {
            const auto one = stack.middleCols(g * h, h);
            if (!matrices.empty()) {
                add_ab<T>(matrices[static_cast<std::size_t>(g)], one, W);
            } else if (images.empty()) {
                W += one;
            } else {
                for (Index i = 0; i < d; ++i) W.row(image(g * d + i)) += sign(g * d + i) * one.row(i);
            }
        }
    }

    // y = ρ(g) x, rows both
    template <class In, class Out>
    void act(Index g, const In& x, Out&& y) const {
        const Index d = x.size();
        if (!matrices.empty()) {
            y.noalias() = x.lazyProduct(matrices[static_cast<std::size_t>(g)].transpose());
        } else if (images.empty()) {
            y = x;
        } else {
            for (Index i = 0; i < d; ++i) y[image(g * d + i)] = sign(g * d + i) * x[i];
        }
    }

  private:
    Index image(Index k) const { return images[static_cast<std::size_t>(k)]; }
    T sign(Index k) const { return signs.empty() ? T(1) : signs[static_cast<std::size_t>(k)]; }
};

}  // namespace linvariance
