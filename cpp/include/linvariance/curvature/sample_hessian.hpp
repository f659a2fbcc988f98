// Hessian-vector products of a sample objective, in blocks of directions: the tangents of every step of SampleNetwork.
#pragma once

#include <optional>

#include "linvariance/curvature/hessian.hpp"
#include "linvariance/objectives/sample_objective.hpp"

namespace linvariance {

template <class T>
class SampleTangent : public SampleNetwork<T> {
    using Base = SampleNetwork<T>;

  public:
    SampleTangent(const std::vector<Index>& widths, Activation activation, Index elements, bool pooled)
        : Base(widths, activation, elements, pooled), tangents_(widths.size()) {
        for (std::size_t j = 1; j < widths.size(); ++j) {
            const Index rows = j == 1 ? elements * widths[1] : widths[j];
            for (auto* one : {&tangents_[j].curvature, &tangents_[j].pre, &tangents_[j].value, &tangents_[j].adjoint})
                one->resize(rows * Base::block);
        }
    }

    // out (copies, parameters) += H applied to the rows of directions, on one block of samples; the rows of the first
    // layers of directions and results stay in their stacks.
    template <class X, class Y>
    void add(const X& x, const Y& targets, Loss loss, const ConstView<T>& directions, const Matrix<T>& stacks,
             Matrix<T>& stacks_out, View<T>& out, Vector<T>& scratch) {
        const Index copies = directions.rows(), rows = this->stack_.rows();
        this->enter(x);
        keep_curvature(1, this->view(this->layers_[1].value, rows));
        this->activate_first();
        first_.resize(std::max(first_.size(), copies * rows * Base::block));
        View<T> firsts(first_.data(), copies * rows, this->columns_);
        firsts.setZero();
        add_abt<T>(stacks, x, firsts);
        for (Index branch = 0; branch < this->branches(); ++branch) {
            forward(branch, loss, targets);
            scratch.setZero();
            this->go_back(branch, scratch.data());
            for (Index k = 0; k < copies; ++k) {
                View<T> pre(first_.data() + k * rows * this->columns_, rows, this->columns_);
                along(branch, loss, targets, directions.row(k).data(), pre, out.row(k).data());
            }
        }
        add_ab<T>(firsts, x, stacks_out);
    }

  private:
    struct Tangent {
        Vector<T> curvature, pre, value, adjoint;  // φ''(A), Ȧ, Ḣ, derivative of dLoss/dA
    };

    template <class Derived>
    void keep_curvature(std::size_t j, const Eigen::MatrixBase<Derived>& A) {
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
            A.setZero();
            add_ab<T>(this->layer(this->weights_, j), this->value(j - 1, branch), A);
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
            H = A.cwiseProduct(this->view(this->layers_[j].slope, this->widths_[j]));
        }
        auto raw_dot = this->view(tangents_[this->depth()].adjoint, this->widths_.back());
        raw_dot = this->view(tangents_[this->depth()].value, this->widths_.back());
        loss_curvature<T>(loss, targets, this->raw(this->depth()), raw_dot, this->work_);
        for (std::size_t j = this->depth(); j >= 2; --j) {
            const Index d = this->widths_[j], below = this->widths_[j - 1];
            auto adjoint_dot = this->view(tangents_[j].adjoint, d);  // holds the derivative of dLoss/dH_j still
            adjoint_dot.array() = adjoint_dot.array() * this->view(this->layers_[j].slope, d).array() +
                                  this->raw(j).array() * this->view(tangents_[j].curvature, d).array() *
                                      this->view(tangents_[j].pre, d).array();
            auto to = this->layer(out, j);
            const auto adjoint = this->view(this->layers_[j].adjoint, d);
            add_abt<T>(adjoint_dot, this->value(j - 1, branch), to);
            add_abt<T>(adjoint, this->view(tangents_[j - 1].value, below), to);
            auto next = this->view(tangents_[j - 1].adjoint, below);
            next.setZero();
            add_atb<T>(this->layer(V, j), adjoint, next);
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
            one.array() = share * (adjoint_dot.array() * this->first(this->layers_[1].slope, g).array() +
                                   raw.array() * this->first(tangents_[1].curvature, g).array() * one.array());
        }
    }

    std::vector<Tangent> tangents_;
    Vector<T> first_;
};

// The Hessian at a network, applied to blocks of directions.
template <class T>
class SampleHessian {
  public:
    SampleHessian(const SampleProblem<T>& problem, const std::vector<Index>& widths, Activation activation,
                  const Matrix<T>& P, const Vector<T>& weights)
        : problem_(&problem), network_(widths, activation, problem.elements.count, problem.pooled), weights_(weights) {
        network_.set_weights(weights_.data(), problem.elements);
        scratch_.resize(network_.parameters());
        if (P.size() > 0)
            penalty_.emplace(
                Chain(widths),
                MomentObjective<T>{InputMoment<T>(P.template cast<double>()), Matrix<T>::Zero(widths.back(), P.cols())},
                weights);
    }

    Index parameters() const { return network_.parameters(); }

    // out (copies, parameters) = H applied to every row of directions
    void apply(const ConstView<T>& directions, View<T>& out) {
        const Index copies = directions.rows(), h = network_.widths()[1], d = network_.widths()[0];
        const Index rows = network_.elements() * h, n = problem_->X.rows();
        if (penalty_) {
            penalty_->apply(directions, out);
            out *= static_cast<T>(n * network_.branches());  // divided by below
        } else {
            out.setZero();
        }
        stacks_.resize(copies * rows, d);
        for (Index k = 0; k < copies; ++k) {
            auto one = stacks_.middleRows(k * rows, rows);
            problem_->elements.spread(ConstView<T>(directions.row(k).data(), h, d), one);
        }
        stacks_out_.setZero(copies * rows, d);
        for (Index start = 0; start < n; start += network_.block) {
            const Index c = std::min(network_.block, n - start);
            network_.add(problem_->X.middleRows(start, c), problem_->targets.middleCols(start, c), problem_->loss,
                         directions, stacks_, stacks_out_, out, scratch_);
        }
        for (Index k = 0; k < copies; ++k) {
            View<T> first(out.row(k).data(), h, d);
            problem_->elements.add_gathered(stacks_out_.middleRows(k * rows, rows), first);
        }
        out /= static_cast<T>(n * network_.branches());
    }

  private:
    const SampleProblem<T>* problem_;
    SampleTangent<T> network_;
    Vector<T> weights_, scratch_;
    Matrix<T> stacks_, stacks_out_;
    std::optional<Hessian<T>> penalty_;
};

}  // namespace linvariance
