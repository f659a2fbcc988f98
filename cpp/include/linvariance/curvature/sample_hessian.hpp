// Products with the Hessian of a sample objective, its Gauss-Newton part or the empirical Fisher matrix, in blocks of
// directions: the tangents of every step of SampleNetwork.
#pragma once

#include <optional>

#include "linvariance/curvature/hessian.hpp"
#include "linvariance/objectives/sample_objective.hpp"

namespace linvariance {

template <class T>
class SampleTangent : public SampleNetwork<T> {
    using Base = SampleNetwork<T>;

  public:
    SampleTangent(const Architecture& shape, const FirstLayer<T>& first_layer, bool pooled, Second second)
        : Base(shape, first_layer, pooled), second_(second), tangents_(shape.widths.size()) {
        for (std::size_t j = 1; j < tangents_.size(); ++j) {
            const Index rows = j == 1 ? first_layer.elements() * shape.widths[1] : shape.widths[j];
            for (auto* one : {&tangents_[j].curvature, &tangents_[j].pre, &tangents_[j].value, &tangents_[j].adjoint})
                one->resize(rows * Base::block);
        }
    }

    // out (copies, parameters) += H applied to the rows of directions, on one block of samples; the rows of the first
    // layers come as such, and what belongs to those of the results is added to `stacks` (copies, .).
    template <class X, class Y>
    void add(const X& x, const Y& targets, Loss loss, const ConstView<T>& directions,
             const std::vector<FirstLayer<T>>& first_layers, Matrix<T>& stacks, View<T>& out, Vector<T>& scratch,
             Pulse& pulse) {
        const Index copies = directions.rows(), rows = this->elements_ * this->widths_[1];
        this->enter(x);
        keep_curvature(1, this->all(this->layers_[1].value));
        this->activate_first();
        pre_.resize(std::max(pre_.size(), copies * rows * Base::block));
        const auto pre = [&](Index k) {
            return View<T>(pre_.data() + k * rows * this->columns_, rows, this->columns_);
        };
        for (Index k = 0; k < copies; ++k, pulse.beat()) {
            first_layers[static_cast<std::size_t>(k)].enter(this->columns_, strided(x), pre(k), this->scratch_);
            this->add_bias(directions.row(k).data(), 1, pre(k));
        }
        for (Index branch = 0; branch < this->branches(); ++branch) {
            forward(branch, loss, targets);
            if (second_ == Second::hessian) {
                scratch.setZero();
                this->go_back(branch, scratch.data());
            }
            for (Index k = 0; k < copies; ++k, pulse.beat()) {
                auto one = pre(k);
                along(branch, loss, targets, directions.row(k).data(), one, out.row(k).data());
            }
        }
        for (Index k = 0; k < copies; ++k, pulse.beat()) {
            this->add_bias_gradient(pre(k), 1, out.row(k).data());
            this->first_layer_->add_gradient(this->columns_, strided(x), pre(k), stacks.row(k).data(), this->scratch_);
        }
    }

  private:
    struct Tangent {
        Vector<T> curvature, pre, value, adjoint;  // φ''(A), Ȧ, Ḣ, derivative of dLoss/dA
    };

    template <class Derived>
    void keep_curvature(std::size_t j, const Eigen::MatrixBase<Derived>& A) {
        if (second_ != Second::hessian) return;
        auto to = this->view(tangents_[j].curvature, A.rows());
        if (j == this->depth()) {
            to.setZero();
        } else {
            curvature<T>(this->activation_, A, to);
        }
    }

    // As SampleNetwork::finish, keeping the curvatures.
    template <class Y>
    void forward(Index branch, Loss loss, const Y& targets) {
        for (std::size_t j = 2; j <= this->depth(); ++j) {
            auto A = this->value(j, branch), slope = this->view(this->layers_[j].slope, this->widths_[j]);
            set_ab<T>(this->layer(this->weights_, j), this->value(j - 1, branch), A);
            this->add_bias(this->weights_, j, A);
            keep_curvature(j, A);
            if (j < this->depth()) activate<T>(this->activation_, A, slope);
        }
        auto out = this->raw(this->depth());
        out = this->value(this->depth(), branch);
        loss_gradient<T>(loss, targets, out, this->work_);
    }

    // One direction V: `pre` holds Ȧ_1 of all elements and is turned into the derivative of dLoss/dA_1 for this
    // branch's; the later layers' rows of H V are added to `out`.
    template <class Y>
    void along(Index branch, Loss loss, const Y& targets, const T* V, View<T>& pre, T* out) {
        enter_tangent(branch, pre);
        for (std::size_t j = 2; j <= this->depth(); ++j) {
            auto A = this->view(tangents_[j].pre, this->widths_[j]),
                 H = this->view(tangents_[j].value, this->widths_[j]);
            A.setZero();
            add_ab<T>(this->layer(V, j), this->value(j - 1, branch), A);
            add_ab<T>(this->layer(this->weights_, j), this->view(tangents_[j - 1].value, this->widths_[j - 1]), A);
            this->add_bias(V, j, A);
            H = A.cwiseProduct(this->view(this->layers_[j].slope, this->widths_[j]));
        }
        auto raw_dot = this->view(tangents_[this->depth()].adjoint, this->widths_.back());
        raw_dot = this->view(tangents_[this->depth()].value, this->widths_.back());
        if (second_ == Second::empirical_fisher) {
            const auto slope = this->raw(this->depth());
            auto along = this->work_.head(raw_dot.cols()).transpose();
            along = slope.cwiseProduct(raw_dot).colwise().sum();
            raw_dot = slope.array().rowwise() * along.array();
        } else {
            loss_curvature<T>(loss, targets, this->raw(this->depth()), raw_dot, this->work_);
        }
        for (std::size_t j = this->depth(); j >= 2; --j) {
            const Index d = this->widths_[j], below = this->widths_[j - 1];
            auto adjoint_dot = this->view(tangents_[j].adjoint, d);  // holds the derivative of dLoss/dH_j still
            adjoint_dot.array() *= this->view(this->layers_[j].slope, d).array();
            auto to = this->layer(out, j);
            auto next = this->view(tangents_[j - 1].adjoint, below);
            next.setZero();
            if (second_ == Second::hessian) {
                const auto adjoint = this->view(this->layers_[j].adjoint, d);
                adjoint_dot.array() += this->raw(j).array() * this->view(tangents_[j].curvature, d).array() *
                                       this->view(tangents_[j].pre, d).array();
                add_abt<T>(adjoint, this->view(tangents_[j - 1].value, below), to);
                add_atb<T>(this->layer(V, j), adjoint, next);
            }
            add_abt<T>(adjoint_dot, this->value(j - 1, branch), to);
            this->add_bias_gradient(adjoint_dot, j, out);
            add_atb<T>(this->layer(this->weights_, j), adjoint_dot, next);
        }
        leave_tangent(branch, pre);
    }

    // Ḣ_1 of the branch from Ȧ_1.
    void enter_tangent(Index branch, const View<T>& pre) {
        const Index h = this->widths_[1];
        auto H = this->view(tangents_[1].value, h);
        if (!this->pooled_) {
            H = pre.middleRows(branch * h, h).cwiseProduct(this->first(this->layers_[1].slope, branch));
            return;
        }
        H.setZero();
        for (Index g = 0; g < this->elements_; ++g)
            H += pre.middleRows(g * h, h).cwiseProduct(this->first(this->layers_[1].slope, g));
        H /= static_cast<T>(this->elements_);
    }

    // Ȧ_1 <- derivative of dLoss/dA_1, of the branch or of all that were pooled.
    void leave_tangent(Index branch, View<T>& pre) {
        const Index h = this->widths_[1], first = this->pooled_ ? 0 : branch,
                    last = this->pooled_ ? this->elements_ : branch + 1;
        const T share = this->pooled_ ? T(1) / static_cast<T>(this->elements_) : T(1);
        const auto adjoint_dot = this->view(tangents_[1].adjoint, h), raw = this->raw(1);
        for (Index g = first; g < last; ++g) {
            auto one = pre.middleRows(g * h, h);
            const auto slope = this->first(this->layers_[1].slope, g).array();
            if (second_ == Second::hessian) {
                one.array() = share * (adjoint_dot.array() * slope +
                                       raw.array() * this->first(tangents_[1].curvature, g).array() * one.array());
            } else {
                one.array() = share * adjoint_dot.array() * slope;
            }
        }
    }

    Second second_;
    std::vector<Tangent> tangents_;
    Vector<T> pre_;
};

// The Hessian at a network, or one of the others, applied to blocks of directions. A penalty is no sample: its Hessian
// belongs to the empirical Fisher matrix as little as to the data.
template <class T>
class SampleHessian {
  public:
    SampleHessian(const SampleProblem<T>& problem, const Architecture& shape, const Matrix<T>& P,
                  const Vector<T>& weights, Second second = Second::hessian)
        : problem_(&problem),
          first_layer_(problem.first_layer(shape.widths[1])),
          network_(shape, first_layer_, problem.pooled, second),
          weights_(weights) {
        first_layer_.set_weights({weights_.data(), shape.widths[1], shape.widths[0]});
        network_.set_weights(weights_.data());
        scratch_.resize(network_.parameters());
        if (P.size() > 0 && second != Second::empirical_fisher)
            penalty_.emplace(Chain(shape.widths),
                             MomentObjective<T>{InputMoment<T>(P.template cast<double>()),
                                                Matrix<T>::Zero(shape.widths.back(), P.cols())},
                             weights, second);
    }

    Index parameters() const { return network_.parameters(); }

    // out (copies, parameters) = H applied to every row of directions
    void apply(const ConstView<T>& directions, View<T>& out, Pulse& pulse) {
        const Index copies = directions.rows(), h = network_.widths()[1], d = network_.widths()[0];
        const Index n = problem_->X.rows();
        out.setZero();
        if (penalty_) {  // of the layers, without the biases
            const Index count = penalty_->parameters();
            penalized_ = directions.leftCols(count);
            penalties_.resize(copies, count);
            View<T> to(penalties_.data(), copies, count);
            penalty_->apply({penalized_.data(), copies, count}, to, pulse);
            out.leftCols(count) = static_cast<T>(n * network_.branches()) * to;  // divided by below
        }
        while (static_cast<Index>(first_layers_.size()) < copies) first_layers_.push_back(problem_->first_layer(h));
        for (Index k = 0; k < copies; ++k)
            first_layers_[static_cast<std::size_t>(k)].set_weights({directions.row(k).data(), h, d});
        stacks_.setZero(copies, first_layer_.size());
        for (Index start = 0; start < n; start += network_.block) {
            const Index c = std::min(network_.block, n - start);
            network_.add(problem_->X.middleRows(start, c), problem_->targets.middleCols(start, c), problem_->loss,
                         directions, first_layers_, stacks_, out, scratch_, pulse);
        }
        for (Index k = 0; k < copies; ++k)
            first_layers_[static_cast<std::size_t>(k)].gather(stacks_.row(k).data(), {out.row(k).data(), h, d});
        out /= static_cast<T>(n * network_.branches());
    }

  private:
    const SampleProblem<T>* problem_;
    FirstLayer<T> first_layer_;
    SampleTangent<T> network_;
    Vector<T> weights_, scratch_;
    std::vector<FirstLayer<T>> first_layers_;  // of the directions
    Matrix<T> stacks_, penalized_, penalties_;
    std::optional<Hessian<T>> penalty_;
};

}  // namespace linvariance
