// Sparse matrices, as products from the left need them.
#pragma once

#include <vector>

#include "linvariance/matrix.hpp"

namespace linvariance {

// A sparse matrix, row by row: entries starts[i] .. starts[i + 1] - 1 are those of row i.
struct SparseRows {
    std::vector<Index> starts{0}, columns;
    Vector<double> values;

    Index rows() const { return static_cast<Index>(starts.size()) - 1; }

    // out (m, rows) += W Fᵀ, for W (m, d)
    template <class From, class To>
    void add_transposed(const From& W, To& out) const {
        each([&](Index i, Index j, auto value) { out.col(i) += value * W.col(j); }, W);
    }
    // out (m, d) += W F, for W (m, rows)
    template <class From, class To>
    void add_applied(const From& W, To& out) const {
        each([&](Index i, Index j, auto value) { out.col(j) += value * W.col(i); }, W);
    }

  private:
    template <class Function, class W>
    void each(Function&& function, const W&) const {
        for (Index i = 0; i < rows(); ++i) {
            for (Index k = starts[static_cast<std::size_t>(i)]; k < starts[static_cast<std::size_t>(i) + 1]; ++k)
                function(i, columns[static_cast<std::size_t>(k)], static_cast<typename W::Scalar>(values[k]));
        }
    }
};

}  // namespace linvariance
