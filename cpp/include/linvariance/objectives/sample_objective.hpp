// A loss that needs the samples themselves (cross-entropy, nonlinear networks): value and gradient in weight space.
#pragma once

#include <atomic>
#include <cstdint>

#include "linvariance/networks/sample_network.hpp"
#include "linvariance/objectives/moment_objective.hpp"

namespace linvariance {

// tr(W P Wᵀ) of a linear network: the moment objective with S = P and C = 0.
template <class T>
class Penalty {
  public:
    Penalty(const std::vector<Index>& widths, const Matrix<T>& P)
        : chain_(widths),
          objective_{InputMoment<T>(P.template cast<double>()), Matrix<T>::Zero(chain_.outputs(), P.cols())},
          work_(chain_, objective_),
          slope_(chain_.parameters()) {}

    const Chain& chain() const { return chain_; }
    const MomentObjective<T>& objective() const { return objective_; }

    // Its value; the gradient is added to `out` unless that is null.
    double add(T* weights, T* out) {
        const Field<T> value{weights, work_.inner.data()};
        product(chain_, value);
        gradient(chain_, objective_, weights, slope_.data(), work_);
        if (out != nullptr) Eigen::Map<Vector<T>>(out, slope_.size()) += slope_;
        const auto W = chain_.at(value, chain_.root()), WP = work_.moment_product.at(work_.moment.data(), 0);
        return W.cwiseProduct(WP).template cast<double>().sum();
    }

  private:
    Chain chain_;
    MomentObjective<T> objective_;
    GradientWorkspace<T> work_;
    Vector<T> slope_;
};

// One run's objective with its workspace; the data are shared.
template <class T>
class SampleObjective {
  public:
    // P (d_0, d_0) of the penalty, or empty
    SampleObjective(const SampleProblem<T>& problem, const std::vector<Index>& widths, Activation activation,
                    const Matrix<T>& P)
        : problem_(&problem),
          network_(widths, activation, problem.elements.count, problem.pooled),
          batch_(widths, activation, 1, problem.pooled),
          stack_gradient_(problem.elements.count * widths[1], widths[0]),
          rows_(SampleNetwork<T>::block, widths[0]),
          targets_(widths.back() * SampleNetwork<T>::block) {
        if (P.size() > 0) penalty_.emplace_back(widths, P);
    }

    Index parameters() const { return network_.parameters(); }
    const SampleProblem<T>& problem() const { return *problem_; }
    SampleNetwork<T>& network() { return network_; }
    const Penalty<T>* penalty() const { return penalty_.empty() ? nullptr : &penalty_[0]; }

    // From now on a pass over the data ends where `stop` is set; what it returns is then of no use.
    void heed(const std::atomic<bool>& stop) { stop_ = &stop; }

    // How many rows the augmented data have: row k is element k / n of the group on sample k % n.
    Index rows() const { return problem_->X.rows() * network_.branches(); }

    double value(T* weights) { return pass(weights, nullptr); }
    double gradient(T* weights, T* out) { return pass(weights, out); }

    // The loss and its gradient on some rows of the augmented data, the penalty included.
    double gradient(T* weights, const std::int32_t* rows, Index count, T* out) {
        auto& network = problem_->pooled ? network_ : batch_;
        const Elements<T> identity;
        network.set_weights(weights, problem_->pooled ? problem_->elements : identity);
        begin(network, out);
        double total = 0.0;
        for (Index start = 0; start < count; start += network.block) {
            const Index c = std::min(network.block, count - start);
            for (Index k = 0; k < c; ++k) fetch(rows[start + k], k, c);
            total += on_block(network, rows_.topRows(c),
                              ConstView<T>(targets_.data(), targets_.size() / network.block, c), out);
        }
        return end(network, problem_->pooled ? problem_->elements : identity, total, count, weights, out);
    }

  private:
    double pass(T* weights, T* out) {
        network_.set_weights(weights, problem_->elements);
        begin(network_, out);
        double total = 0.0;
        const Index n = problem_->X.rows();
        for (Index start = 0; start < n && !is_stopped(); start += network_.block) {
            const Index c = std::min(network_.block, n - start);
            total += on_block(network_, problem_->X.middleRows(start, c), problem_->targets.middleCols(start, c), out);
        }
        return end(network_, problem_->elements, total, rows(), weights, out);
    }

    bool is_stopped() const { return stop_ != nullptr && stop_->load(std::memory_order_relaxed); }

    void begin(const SampleNetwork<T>& network, T* out) {
        if (out == nullptr) return;
        Eigen::Map<Vector<T>>(out, parameters()).setZero();
        stack(network).setZero();
    }

    template <class X, class Y>
    double on_block(SampleNetwork<T>& network, const X& x, const Y& targets, T* out) {
        network.enter(x);
        network.activate_first();
        double total = 0.0;
        for (Index branch = 0; branch < network.branches(); ++branch) {
            total += network.finish(branch, problem_->loss, targets);
            if (out != nullptr) network.go_back(branch, out);
        }
        if (out != nullptr) {
            auto to = stack(network);
            network.add_first_gradient(x, to);
        }
        return total;
    }

    double end(const SampleNetwork<T>& network, const Elements<T>& elements, double total, Index count, T* weights,
               T* out) {
        if (out != nullptr) {
            View<T> first(out, network.widths()[1], network.widths()[0]);
            elements.add_gathered(stack(network), first);
            Eigen::Map<Vector<T>>(out, parameters()) /= static_cast<T>(count);
        }
        total /= static_cast<double>(count);
        return penalty_.empty() ? total : total + penalty_[0].add(weights, out);
    }

    // Row k of the augmented data into place `at` of a block of c.
    void fetch(std::int32_t k, Index at, Index c) {
        const Index n = problem_->X.rows(), i = k % n;
        if (problem_->pooled) {
            rows_.row(at) = problem_->X.row(i);
        } else {
            problem_->elements.act(k / n, problem_->X.row(i), rows_.row(at));
        }
        View<T>(targets_.data(), targets_.size() / SampleNetwork<T>::block, c).col(at) = problem_->targets.col(i);
    }

    View<T> stack(const SampleNetwork<T>& network) {
        return {stack_gradient_.data(), network.elements() * network.widths()[1], network.widths()[0]};
    }

    const SampleProblem<T>* problem_;
    SampleNetwork<T> network_, batch_;
    Matrix<T> stack_gradient_, rows_;
    Vector<T> targets_;
    std::vector<Penalty<T>> penalty_;  // none or one
    const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace linvariance
