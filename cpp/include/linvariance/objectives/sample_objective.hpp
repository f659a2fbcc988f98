// A loss that needs the samples themselves (cross-entropy, nonlinear networks): value and gradient in weight space.
#pragma once

#include <atomic>
#include <cstdint>

#include "linvariance/networks/sample_network.hpp"
#include "linvariance/objectives/moment_objective.hpp"
#include "linvariance/parallel.hpp"

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

// One run's objective with its workspace; the data are shared. Full passes go through fixed parts of the samples, on as
// many threads as there are, and add up in a fixed order.
template <class T>
class SampleObjective {
  public:
    static constexpr Index most_parts = 16;

    // P (d_0, d_0) of the penalty, or empty
    SampleObjective(const SampleProblem<T>& problem, const Architecture& shape, const Matrix<T>& P, Index threads = 1)
        : problem_(&problem),
          widths_(shape.widths),
          activation_(shape.activation),
          first_layer_(problem.first_layer(widths_[1])),
          alone_(identity_, nullptr, widths_[1], widths_[0]),
          of_rows_(shape, problem.pooled ? first_layer_ : alone_, problem.pooled),
          rows_(SampleNetwork<T>::block, widths_[0]),
          targets_(widths_.back() * SampleNetwork<T>::block),
          gradients_(parts(problem.X.rows(), first_layer_.size()), of_rows_.parameters() + first_layer_.size()),
          losses_(gradients_.rows()),
          crew_(gradients_.rows(), std::min(threads, gradients_.rows()) - 1,
                [this](Index part, Index member) { pass(part, networks_[static_cast<std::size_t>(member)]); }) {
        for (Index k = 0; k < crew_.members(); ++k) networks_.emplace_back(shape, first_layer_, problem.pooled);
        if (P.size() > 0) penalty_.emplace_back(widths_, P);
    }

    Index parameters() const { return of_rows_.parameters(); }
    const std::vector<Index>& widths() const { return widths_; }
    Activation activation() const { return activation_; }

    // From now on a pass over the data ends where `stop` is set; what it returns is then of no use.
    void heed(const std::atomic<bool>& stop) { stop_ = &stop; }

    // How many rows the augmented data have: row k is element k / n of the group on sample k % n.
    Index rows() const { return problem_->X.rows() * (problem_->pooled ? 1 : problem_->elements.count); }

    double value(T* weights) { return whole_pass(weights, nullptr); }
    double gradient(T* weights, T* out) { return whole_pass(weights, out); }

    // The loss and its gradient on some rows of the augmented data, the penalty included.
    double gradient(T* weights, const std::int32_t* rows, Index count, T* out) {
        auto& first = problem_->pooled ? first_layer_ : alone_;
        first.set_weights({weights, widths_[1], widths_[0]});
        of_rows_.set_weights(weights);
        auto sums = gradients_.row(0).head(parameters() + first.size());
        sums.setZero();
        double total = 0.0;
        for (Index start = 0; start < count; start += of_rows_.block) {
            const Index c = std::min(of_rows_.block, count - start);
            for (Index k = 0; k < c; ++k) fetch(rows[start + k], k, c);
            total += on_block(of_rows_, rows_.topRows(c),
                              ConstView<T>(targets_.data(), targets_.size() / of_rows_.block, c), sums.data());
        }
        return end(first, total, count, weights, out);
    }

  private:
    // How many parts n samples fall into. Each has a gradient of its own, so: some blocks each, and 64 MB together.
    static Index parts(Index n, Index size) {
        const Index room = (Index{1} << 26) / (static_cast<Index>(sizeof(T)) * std::max<Index>(size, 1));
        return std::clamp<Index>(n / (4 * SampleNetwork<T>::block), 1, std::clamp<Index>(room, 1, most_parts));
    }

    double whole_pass(T* weights, T* out) {
        first_layer_.set_weights({weights, widths_[1], widths_[0]});
        for (auto& network : networks_) network.set_weights(weights);
        with_gradient_ = out != nullptr;
        crew_.run();
        if (with_gradient_)
            for (Index part = 1; part < gradients_.rows(); ++part) gradients_.row(0) += gradients_.row(part);
        return end(first_layer_, losses_.sum(), rows(), weights, out);
    }

    void pass(Index part, SampleNetwork<T>& network) {
        const Index n = problem_->X.rows(), parts = gradients_.rows();
        const Index begin = part * n / parts, end = (part + 1) * n / parts;
        T* const sums = with_gradient_ ? gradients_.row(part).data() : nullptr;
        if (with_gradient_) gradients_.row(part).setZero();
        losses_[part] = 0.0;
        for (Index start = begin; start < end && !is_stopped(); start += network.block) {
            const Index c = std::min(network.block, end - start);
            losses_[part] +=
                on_block(network, problem_->X.middleRows(start, c), problem_->targets.middleCols(start, c), sums);
        }
    }

    bool is_stopped() const { return stop_ != nullptr && stop_->load(std::memory_order_relaxed); }

    // `sums`, unless null: the weights' gradients, then that of the first layer's stack.
    template <class X, class Y>
    double on_block(SampleNetwork<T>& network, const X& x, const Y& targets, T* sums) const {
        network.enter(x);
        network.activate_first();
        double total = 0.0;
        for (Index branch = 0; branch < network.branches(); ++branch) {
            total += network.finish(branch, problem_->loss, targets);
            if (sums != nullptr) network.go_back(branch, sums);
        }
        if (sums != nullptr) network.add_first_gradient(x, sums);
        return total;
    }

    // From the sums in the first row.
    double end(FirstLayer<T>& first, double total, Index count, T* weights, T* out) {
        if (out != nullptr) {
            first.gather(gradients_.data() + parameters(), {gradients_.data(), widths_[1], widths_[0]});
            Eigen::Map<Vector<T>>(out, parameters()) = gradients_.row(0).head(parameters()) / static_cast<T>(count);
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

    const SampleProblem<T>* problem_;
    std::vector<Index> widths_;
    Activation activation_;
    const Elements<T> identity_{};
    FirstLayer<T> first_layer_, alone_;
    SampleNetwork<T> of_rows_;
    Matrix<T> rows_;
    Vector<T> targets_;
    Matrix<T> gradients_;  // of each part
    Vector<double> losses_;
    std::vector<SampleNetwork<T>> networks_;  // of each member of the crew
    std::vector<Penalty<T>> penalty_;         // none or one
    const std::atomic<bool>* stop_ = nullptr;
    bool with_gradient_ = false;
    Crew crew_;  // the last: its threads use the others
};

}  // namespace linvariance
