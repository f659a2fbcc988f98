// The squared loss seen through second moments: f(W) = tr(W S Wᵀ) - 2 tr(W Cᵀ) + c.
#pragma once

#include "linvariance/networks/chain.hpp"
#include "linvariance/objectives/input_moment.hpp"
#include "linvariance/pulse.hpp"

namespace linvariance {

template <class T>
struct MomentObjective {
    InputMoment<T> S;  // (d_0, d_0), symmetric
    Matrix<T> C;       // (d_L, d_0), its columns as S has them
};

// With the columns of C (d_L, d_0) as the data have them.
template <class T>
MomentObjective<T> moment_objective(InputMoment<T> S, const ConstView<double>& C) {
    Matrix<double> there(C.rows(), C.cols());
    S.enter(C, there);
    return {std::move(S), there.template cast<T>()};
}

// Forms W S. S is multiplied into the node of the chain's right spine (W, its right factor, ...) that makes it
// cheapest: with a bottleneck h < d_L that is the (h, d_0) factor, and the products to its left lead up to W S.
class MomentProduct {
  public:
    explicit MomentProduct(const Chain& chain) : chain_(&chain) {
        double climb = 0.0, best = std::numeric_limits<double>::infinity();
        const double d0 = static_cast<double>(chain.inputs());
        Index offset = 0;
        for (std::size_t level = 0; level < chain.spine().size(); ++level) {
            const auto& node = chain.node(chain.spine()[level]);
            const double here = climb + static_cast<double>(node.rows) * d0 * d0;
            if (here < best) {
                best = here;
                start_ = level;
            }
            if (!node.is_layer()) {
                climb += static_cast<double>(node.rows) * static_cast<double>(chain.node(node.right).rows) * d0;
            }
            offsets_.push_back(offset);
            offset += node.rows * node.cols;
        }
        size_ = offset;
    }

    // Of a buffer, per copy, for moments of this kind
    template <class T>
    Index size(const InputMoment<T>& S) const {
        return size_ + S.scratch(chain_->node(chain_->spine()[start_]).rows);
    }
    template <class T>
    bool needs_root(const InputMoment<T>& S) const {
        return S.is_diagonal() ? chain_->nodes().size() > 3 : start_ == 0;
    }

    // N S for the node N of a level of the spine; level 0 is W S
    template <class T>
    View<T> at(T* buffer, std::size_t level, Index copies = 1) const {
        const auto& node = chain_->node(chain_->spine()[level]);
        return {buffer + copies * offsets_[level], copies * node.rows, node.cols};
    }

    template <class T>
    View<T> apply(const InputMoment<T>& S, const Field<T>& value, T* buffer) const {
        auto first = at(buffer, start_);
        S.multiply(chain_->at(value, chain_->spine()[start_]), first, buffer + size_);
        for (std::size_t level = start_; level-- > 0;) {
            auto out = at(buffer, level);
            set_product(chain_->at(value, left_of(level)), at(buffer, level + 1), out);
        }
        return at(buffer, 0);
    }

    // Ẇ S in `copies` directions, given the buffer that apply() left; a beat between any two parts of a long product
    template <class T>
    View<T> apply_tangent(const InputMoment<T>& S, const Field<T>& value, T* buffer, const Field<T>& tangent,
                          T* buffer_tangent, Index copies, Pulse& pulse) const {
        auto first = at(buffer_tangent, start_, copies);
        const auto from = chain_->at(tangent, chain_->spine()[start_], copies);
        const Index some = std::max<Index>((Index{1} << 29) / std::max<Index>(S.cost(), 1), S.is_factored() ? 8 : 48);
        for (Index row = 0; row < from.rows(); row += some, pulse.beat()) {
            auto part = first.middleRows(row, std::min(some, from.rows() - row));
            S.multiply(from.middleRows(row, part.rows()), part, buffer_tangent + copies * size_);
        }
        for (std::size_t level = start_; level-- > 0;) {
            auto out = at(buffer_tangent, level, copies);
            const auto below = at(buffer_tangent, level + 1, copies);
            const auto left = chain_->at(value, left_of(level));
            set_product(chain_->at(tangent, left_of(level), copies), at(buffer, level + 1), out);
            for (Index k = 0; k < copies; ++k) {
                auto one = out.middleRows(k * left.rows(), left.rows());
                add_product(left, below.middleRows(k * left.cols(), left.cols()), one);
            }
        }
        return at(buffer_tangent, 0, copies);
    }

  private:
    Index left_of(std::size_t level) const { return chain_->node(chain_->spine()[level]).left; }

    const Chain* chain_;
    std::vector<Index> offsets_;
    std::size_t start_ = 0;
    Index size_ = 0;
};

// What a gradient needs besides the layers: allocated once, used for every step.
template <class T>
struct GradientWorkspace {
    GradientWorkspace(const Chain& chain, const MomentObjective<T>& objective)
        : moment_product(chain),
          inner(chain.inner_size()),
          adjoint_inner(chain.inner_size()),
          moment(moment_product.size(objective.S)) {}

    MomentProduct moment_product;
    Vector<T> inner, adjoint_inner, moment;
};

// D = 2 (W S - C) for a diagonal S, columns `start` and on of all; D holds W.
template <class T, class Block>
void diagonal_residual(const MomentObjective<T>& objective, Index start, Block& D) {
    for (Index i = 0; i < D.rows(); ++i) {
        kernels<T>().scaled_residual(D.cols(), objective.S.values().data() + start, objective.C.row(i).data() + start,
                                     D.row(i).data());
    }
}

// The gradient of two layers for a diagonal S, some columns at a time: what is in between stays in the first-level
// cache, `buffer` (d_L, d_0) long.
template <class T>
void gradient_by_columns(const Chain& chain, const MomentObjective<T>& objective, const Field<T>& value,
                         const Field<T>& adjoint, T* buffer) {
    const auto& root = chain.node(chain.root());
    const auto first = chain.at(value, root.right), last = chain.at(value, root.left);
    auto to_first = chain.at(adjoint, root.right), to_last = chain.at(adjoint, root.left);
    to_last.setZero();
    constexpr Index some = 1024 / Index(sizeof(T));
    for (Index start = 0; start < root.cols; start += some) {
        const Index columns = std::min(some, root.cols - start);
        View<T> D(buffer, root.rows, columns);
        const auto there = first.middleCols(start, columns);
        auto out = to_first.middleCols(start, columns);
        set_product(last, there, D);
        diagonal_residual(objective, start, D);
        add_product(D, there.transpose(), to_last);
        set_product(last.transpose(), D, out);
    }
}

// gradient: G_1, ..., G_L of f(W_L ... W_1), given the products that product() left in the workspace:
// D = 2 (W S - C), pulled back to every layer.
template <class T>
void gradient(const Chain& chain, const MomentObjective<T>& objective, T* weights, T* gradient,
              GradientWorkspace<T>& work) {
    const Field<T> value{weights, work.inner.data()}, adjoint{gradient, work.adjoint_inner.data()};
    auto root = chain.at(adjoint, chain.root());
    if (objective.S.is_diagonal()) {
        if (chain.nodes().size() == 3)
            return gradient_by_columns(chain, objective, value, adjoint, work.adjoint_inner.data());
        root = chain.at(value, chain.root());
        diagonal_residual(objective, 0, root);
    } else {
        const auto ws = work.moment_product.apply(objective.S, value, work.moment.data());
        kernels<T>().residual(root.size(), ws.data(), objective.C.data(), root.data());
    }
    product_pullback(chain, value, adjoint);
}

}  // namespace linvariance
