// Singular values and left vectors of Z(strength) = [L, F diag(tau / h)], h = sqrt(tau² + strength), for many
// strengths.
#pragma once

#include <Eigen/QR>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "linvariance/parallel.hpp"

namespace linvariance {

// One-sided Jacobi (Hestenes): turns R and V by the same rotations until the columns of R are orthogonal. Their norms
// are then the singular values, small ones to full relative accuracy, and V the right vectors if it began orthogonal.
inline void orthogonalize_columns(Eigen::MatrixXd& R, Eigen::MatrixXd& V) {
    constexpr double eps = std::numeric_limits<double>::epsilon();
    constexpr int most_sweeps = 60;  // six are usual; the bound is for the unforeseen
    bool turned = true;
    for (int sweep = 0; turned && sweep < most_sweeps; ++sweep) {
        turned = false;
        for (Index i = 0; i + 1 < R.cols(); ++i) {
            for (Index j = i + 1; j < R.cols(); ++j) {
                const double a = R.col(i).squaredNorm(), b = R.col(j).squaredNorm(), c = R.col(i).dot(R.col(j));
                if (std::abs(c) <= eps * std::sqrt(a * b)) continue;
                const double zeta = (b - a) / (2.0 * c);
                const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::hypot(1.0, zeta));
                const Eigen::JacobiRotation<double> rotation(1.0 / std::hypot(1.0, t), t / std::hypot(1.0, t));
                R.applyOnTheRight(i, j, rotation);
                V.applyOnTheRight(i, j, rotation);
                turned = true;
            }
        }
    }
}

class PathSpectra {
  public:
    PathSpectra(const ConstView<double>& L,  // (d_L, k)
                const ConstView<double>& F,  // (d_L, m)
                const double* tau)           // (m), positive
        : Ft_(F.transpose()), tau_(tau, F.cols()), outputs_(L.rows()), kept_(std::min(L.rows(), L.cols() + F.cols())) {
        constant_ = L.transpose();
        if (constant_.rows() > outputs_) {  // only the triangle of what no strength changes matters
            constant_ = Eigen::HouseholderQR<Eigen::MatrixXd>(constant_)
                            .matrixQR()
                            .topRows(outputs_)
                            .template triangularView<Eigen::Upper>()
                            .toDenseMatrix();
        }
    }

    Index kept() const { return kept_; }  // q = min(d_L, k + m) singular values

    // sigma (count, q), descending; left (count, d_L, q). Strengths are taken in groups of fixed size, each on any of
    // the threads: within one the vectors before are the start for those after.
    void compute(const double* strengths, Index count, double* sigma, double* left, Index threads) const {
        const Index groups = (count + group - 1) / group;
        const auto one = [&](Index g, const std::atomic<bool>&) {
            const Index first = g * group, some = std::min(group, count - first);
            chain_of(strengths + first, some, sigma + first * kept_, left + first * outputs_ * kept_);
        };
        if (groups == 1) return one(0, false);
        run_all(groups, threads, one, [] { return true; });
    }

  private:
    static constexpr Index group = 16;  // V drifts from orthogonality by eps a rotation, so not for ever

    // By QR of Zᵀ and Jacobi on its triangle: a Gram matrix would lose half the digits of small values.
    void chain_of(const double* strengths, Index count, double* sigma, double* left) const {
        const Index fixed = constant_.rows(), rows = std::max(fixed + Ft_.rows(), outputs_);
        Eigen::MatrixXd Zt = Eigen::MatrixXd::Zero(rows, outputs_), R, V;
        V.setIdentity(outputs_, outputs_);
        Eigen::HouseholderQR<Eigen::MatrixXd> qr(rows, outputs_);
        Eigen::ArrayXd scale(Ft_.rows());
        Eigen::VectorXd norms(outputs_);
        std::vector<Index> order(static_cast<std::size_t>(outputs_));
        Zt.topRows(fixed) = constant_;
        for (Index i = 0; i < count; ++i) {
            scale = (1.0 + (std::sqrt(strengths[i]) / tau_).square()).rsqrt();
            Zt.middleRows(fixed, Ft_.rows()) = scale.matrix().asDiagonal() * Ft_;
            qr.compute(Zt);
            R = qr.matrixQR().topRows(outputs_).template triangularView<Eigen::Upper>() * V;
            orthogonalize_columns(R, V);
            norms = R.colwise().stableNorm();
            std::iota(order.begin(), order.end(), Index{0});
            std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return norms[a] > norms[b]; });
            View<double> vectors(left + i * outputs_ * kept_, outputs_, kept_);
            for (Index k = 0; k < kept_; ++k) {
                const Index from = order[static_cast<std::size_t>(k)];
                sigma[i * kept_ + k] = norms[from];
                vectors.col(k) = V.col(from);
            }
        }
    }

    Eigen::MatrixXd constant_, Ft_;
    Eigen::Map<const Eigen::ArrayXd> tau_;
    Index outputs_, kept_;
};

}  // namespace linvariance
