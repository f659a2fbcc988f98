// A group's Fourier transform for first layers: w·ρ(g)x for all elements g from far fewer products than one for each.
//
// In adapted coordinates x̂ = Q x a group acts by small matrices alike on all copies of an irreducible representation.
// So w·ρ(g)x = Σ_k F(g, k) (N_k w)·x̂_k, where x̂_k is a range of x̂ that several k may share.
#pragma once

#include <vector>

#include "linvariance/matrix.hpp"

namespace linvariance {

// Columns of the data, and how many of a unit's weight vectors look at them.
struct Range {
    Index start, length, looks;
};

template <class T>
struct Fourier {
    std::vector<Range> ranges;
    std::vector<Index> starts, columns;  // the N_k below each other, range by range, as a sparse matrix (., d_0):
    std::vector<T> entries;              // row r holds entries starts[r] to starts[r + 1], at these columns
    Matrix<T> F;                         // (elements, looks)

    // stack: the W N_kᵀ, transposed, those of a range (length, looks * h) next to each other; W too comes transposed.
    void spread(const Matrix<T>& W, Vector<T>& stack) const {
        stack.setZero();
        for_each(W.cols(), [&](Index column, T entry, Index at) {
            stack.segment(at, W.cols()) += entry * W.row(column).transpose();
        });
    }

    // The adjoint: W += what comes back from the stack.
    void add_gathered(const Vector<T>& stack, Matrix<T>& W) const {
        for_each(W.cols(), [&](Index column, T entry, Index at) {
            W.row(column) += entry * stack.segment(at, W.cols()).transpose();
        });
    }

    template <class U>
    Fourier<U> cast() const {
        return {ranges, starts, columns, {entries.begin(), entries.end()}, F.template cast<U>()};
    }

  private:
    // Calls with(column, entry, place in the stack of h units) for all entries.
    template <class Function>
    void for_each(Index h, Function&& with) const {
        std::size_t row = 0;
        Index start = 0;
        for (const auto& range : ranges) {
            for (Index k = 0; k < range.looks; ++k) {
                for (Index i = 0; i < range.length; ++i, ++row) {
                    const Index at = start + (i * range.looks + k) * h;
                    for (auto e = static_cast<std::size_t>(starts[row]); static_cast<Index>(e) < starts[row + 1]; ++e)
                        with(columns[e], entries[e], at);
                }
            }
            start += range.length * range.looks * h;
        }
    }
};

}  // namespace linvariance
