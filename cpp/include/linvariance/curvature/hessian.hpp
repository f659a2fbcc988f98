// Products with the Hessian of the moment objective, or its Gauss-Newton part, in the space of all layers.
#pragma once

#include "linvariance/objectives/moment_objective.hpp"
#include "linvariance/pulse.hpp"

namespace linvariance {

// Of a loss of outputs f: f'ᵀ ℓ'' f' + ℓ'·f'', its first term, or that with ℓ'ℓ'ᵀ of each sample in place of ℓ''.
enum class Second { hessian, gauss_newton, empirical_fisher };

// Prepared once at a network: its products, W S and the adjoints of every node. Each block of directions then costs
// one product of (copies * h, d_0) with S and GEMMs of the size of the layers.
template <class T>
class Hessian {
  public:
    Hessian(const Chain& chain, MomentObjective<T> objective, const Vector<T>& weights, Second second = Second::hessian)
        : chain_(chain),
          objective_(std::move(objective)),
          weights_(weights),
          gradient_(chain.parameters()),
          work_(chain_, objective_) {
        View<T> first(weights_.data(), chain_.widths()[1], chain_.inputs());
        objective_.S.enter(Matrix<T>(first), first);
        product(chain_, value());
        gradient(chain_, objective_, weights_.data(), gradient_.data(), work_);
        if (second == Second::hessian) return;
        gradient_.setZero();  // without it no second derivatives of the product enter
        work_.adjoint_inner.setZero();
    }
    Hessian(const Hessian&) = delete;  // the workspace points to the chain
    Hessian& operator=(const Hessian&) = delete;

    Index parameters() const { return chain_.parameters(); }

    // out (copies, parameters) = H applied to every row of directions (copies, parameters), some at a time: what is in
    // between stays in the cache
    void apply(const ConstView<T>& directions, View<T>& out, Pulse& pulse) {
        const Index some = at_once();
        for (Index k = 0; k < directions.rows(); k += some) {
            const Index copies = std::min(some, directions.rows() - k);
            View<T> part(out.data() + k * parameters(), copies, parameters());
            apply_some({directions.data() + k * parameters(), copies, parameters()}, part, pulse);
        }
    }

  private:
    // As many as fit into half a megabyte, but enough rows for each pass over S.
    Index at_once() const {
        const Index bytes = static_cast<Index>(sizeof(T)) * (4 * chain_.parameters() + 2 * chain_.inner_size() +
                                                             work_.moment_product.size(objective_.S));
        return std::max<Index>((Index{1} << 19) / std::max<Index>(bytes, 1),
                               1 + 32 / std::max<Index>(chain_.widths()[1], 1));
    }

    void apply_some(const ConstView<T>& directions, View<T>& out, Pulse& pulse) {
        const Index copies = directions.rows();
        reserve(copies);
        const Field<T> tangent{tangent_.data(), tangent_inner_.data()};
        const Field<T> adjoint_tangent{adjoint_tangent_.data(), adjoint_tangent_inner_.data()};
        for_each_layer(copies, tangent, [&](auto layer, Index offset, bool first, Index k) {
            const ConstView<T> from(directions.row(k).data() + offset, layer.rows(), layer.cols());
            first ? objective_.S.enter(from, layer) : void(layer = from);
        });
        product_tangent(chain_, value(), tangent, copies, work_.moment_product.needs_root(objective_.S));
        pulse.beat();
        auto root = chain_.at(adjoint_tangent, chain_.root(), copies);
        root = T(2) * work_.moment_product.apply_tangent(objective_.S, value(), work_.moment.data(), tangent,
                                                         moment_tangent_.data(), copies, pulse);
        pulse.beat();
        const Field<T> adjoint{gradient_.data(), work_.adjoint_inner.data()};
        product_pullback_tangent(chain_, value(), adjoint, tangent, adjoint_tangent, copies);
        for_each_layer(copies, adjoint_tangent, [&](auto layer, Index offset, bool first, Index k) {
            View<T> to(out.row(k).data() + offset, layer.rows(), layer.cols());
            first ? objective_.S.leave(layer, to) : void(to = layer);
        });
    }

    Field<T> value() { return {weights_.data(), work_.inner.data()}; }

    template <class Function>
    void for_each_layer(Index copies, const Field<T>& field, Function&& function) {
        for (Index n = 0; n <= chain_.root(); ++n) {
            const auto& node = chain_.node(n);
            if (!node.is_layer()) continue;
            auto stack = chain_.at(field, n, copies);
            for (Index k = 0; k < copies; ++k) {
                function(stack.middleRows(k * node.rows, node.rows), node.offset, n == chain_.spine().back(), k);
            }
        }
    }

    void reserve(Index copies) {
        if (copies <= reserved_) return;
        tangent_.resize(copies * chain_.parameters());
        adjoint_tangent_.resize(copies * chain_.parameters());
        tangent_inner_.resize(copies * chain_.inner_size());
        adjoint_tangent_inner_.resize(copies * chain_.inner_size());
        moment_tangent_.resize(copies * work_.moment_product.size(objective_.S));
        reserved_ = copies;
    }

    Chain chain_;
    MomentObjective<T> objective_;
    Vector<T> weights_, gradient_;
    GradientWorkspace<T> work_;
    Vector<T> tangent_, tangent_inner_, adjoint_tangent_, adjoint_tangent_inner_, moment_tangent_;
    Index reserved_ = 0;
};

}  // namespace linvariance
