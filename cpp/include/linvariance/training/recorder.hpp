// What a training run leaves behind: written straight into the caller's arrays, always in double.
#pragma once

#include <utility>
#include <vector>

#include "linvariance/sparse.hpp"
#include "linvariance/training/stretch.hpp"

namespace linvariance {

// What to look at in the end-to-end matrix W (d_L, d_0). On moments the loss is taken from an equivalent data set, as
// the sum of squares ‖A Wᵀ - T‖² + floor, A upper trapezoidal: the trace formula would lose the digits that an
// ill-conditioned S eats. In a metric the layers make K W, and all but the loss is recorded of W.
struct Observables {
    Matrix<double> A;                   // (k, d_0)
    Matrix<double> T;                   // (k, d_L)
    double floor = 0.0;                 //
    std::vector<Matrix<double>> parts;  // M_k (d_0, .): ‖W M_k‖ is recorded, and ‖W_1 M_0‖
    std::vector<bool> rest;             // or, instead of the part M_k sees, what it and B do not: W - W BᵀB - W M_kM_kᵀ
    SparseRows invariants;              // B (d, d_0)
    std::vector<Index> entry_rows;      //
    Matrix<double> entry_columns;       // (entries, d_0): W[entry_rows[e]] . entry_columns[e] is recorded
    Matrix<double> back;                // K⁻¹ (d_L, d_L), or empty for the identity
};

// One run's rows of the caller's arrays; `weights` and `layers` may be null.
struct RecordView {
    double* loss;     // (times)
    double* norm;     // (times)
    double* first;    // (times)
    double* parts;    // (times, parts)
    double* entries;  // (times, entries)
    double* weights;  // (times, d_L, d_0)
    double* layers;   // (times, parameters)
};

// ‖A Wᵀ - T‖² + floor, A upper trapezoidal unless it is wide, through a residual (d_L, k): this way round half of A is
// read, and once.
template <class Inputs, class Targets, class Weights>
double loss_of_rows(const Inputs& A, const Targets& T, double floor, const Weights& W, Matrix<double>& residual) {
    residual = -T.transpose();
    constexpr Index at_once = 32;
    const bool wide = 2 * A.rows() < A.cols();
    for (Index i = 0; i < std::min(A.rows(), A.cols()); i += at_once) {
        const Index rows = std::min(at_once, A.rows() - i), columns = A.cols() - (wide ? 0 : i);
        auto part = residual.middleCols(i, rows);
        add_product(W.rightCols(columns), A.middleRows(i, rows).rightCols(columns).transpose(), part);
    }
    return residual.squaredNorm() + floor;
}

class Recorder {
  public:
    template <class T>
    using Layers = Eigen::Map<const Vector<T>>;

    Recorder(const Observables& observables, Index outputs, Index hidden, Index inputs, double before, RecordView view)
        : observables_(&observables),
          before_(before),
          loss_(before),
          view_(view),
          W_(outputs, inputs),
          first_(hidden, inputs),
          there_(outputs, inputs),
          first_there_(hidden, inputs),
          residual_(outputs, observables.T.rows()) {
        Index widest = 0;
        for (const auto& part : observables.parts) widest = std::max(widest, part.cols());
        seen_.resize(std::max(outputs, hidden) * widest);
    }

    // Whether what was recorded last ends the run, its gradient of this norm.
    bool reached(const Until& until, double gradient) const { return until.holds(loss_, before_, gradient); }

    // The end-to-end W (d_L, d_0) and all layers joined, the columns of W and of the first layer as S has them.
    template <class Derived, class Moment>
    void record(const Eigen::MatrixBase<Derived>& W, const Layers<typename Derived::Scalar>& layers, const Moment& S) {
        there_ = W.template cast<double>();
        first_there_ = first_of(layers).template cast<double>();
        S.leave(there_, W_);
        S.leave(first_there_, first_);
        const double rest = S.rest(W_, sparse_);
        const double loss = loss_of_rows(observables_->A, observables_->T, observables_->floor, W_, residual_) + rest;
        if (observables_->back.size() > 0) {
            there_.swap(W_);
            set_product(observables_->back, there_, W_);
        }
        look_at(loss, layers);
    }

    // With a loss that no second moments give.
    template <class Derived>
    void record(const Eigen::MatrixBase<Derived>& W, const Layers<typename Derived::Scalar>& layers, double loss) {
        W_ = W.template cast<double>();
        first_ = first_of(layers).template cast<double>();
        look_at(loss, layers);
    }

  private:
    template <class T>
    ConstView<T> first_of(const Layers<T>& layers) const {
        return {layers.data(), first_.rows(), first_.cols()};
    }

    template <class T>
    void look_at(double loss, const Layers<T>& layers) {
        const Observables& look = *observables_;
        before_ = std::exchange(loss_, loss);
        view_.loss[time_] = loss;
        view_.norm[time_] = W_.norm();
        view_.first[time_] = norm_of(first_, 0);
        for (std::size_t k = 0; k < look.parts.size(); ++k) {
            view_.parts[time_ * static_cast<Index>(look.parts.size()) + static_cast<Index>(k)] = norm_of(W_, k);
        }
        const auto entries = static_cast<Index>(look.entry_rows.size());
        for (Index e = 0; e < entries; ++e) {
            const Index row = look.entry_rows[static_cast<std::size_t>(e)];
            view_.entries[time_ * entries + e] = W_.row(row).dot(look.entry_columns.row(e));
        }
        if (view_.weights != nullptr) View<double>(view_.weights + time_ * W_.size(), W_.rows(), W_.cols()) = W_;
        if (view_.layers != nullptr) {
            Eigen::Map<Vector<double>> out(view_.layers + time_ * layers.size(), layers.size());
            out = layers.template cast<double>();
            // Rounded as the weights are where a run ends.
            View<double>(out.data(), first_.rows(), first_.cols()) = first_.template cast<T>().template cast<double>();
        }
        ++time_;
    }

    double norm_of(const Matrix<double>& M, std::size_t k) {
        const auto& part = observables_->parts[k];
        View<double> seen(seen_.data(), M.rows(), part.cols());
        set_product(M, part, seen);
        if (k >= observables_->rest.size() || !observables_->rest[k]) return seen.norm();
        const SparseRows& B = observables_->invariants;
        sparse_.resize(M.rows(), B.rows());
        sparse_.setZero();
        B.add_transposed(M, sparse_);
        sparse_ = -sparse_;
        Matrix<double>& off = there_;
        off = M;
        B.add_applied(sparse_, off);
        if (part.cols() > 0) {
            seen = -seen;
            add_product(seen, part.transpose(), off);
        }
        return off.norm();
    }

    const Observables* observables_;
    double before_, loss_;  // the two that were recorded last
    RecordView view_;
    Matrix<double> W_, first_, there_, first_there_, residual_, sparse_;
    Vector<double> seen_;
    Index time_ = 0;
};

}  // namespace linvariance
