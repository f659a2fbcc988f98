// The whitened target Z(strength) of a regularized problem at many strengths.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "linvariance/matrix.hpp"
#include "linvariance/parallel.hpp"

namespace linvariance {

// Room for so many vectors, at addresses that suit the widest.
class Lanes {
  public:
    Lanes(Index entries, Index width) : memory_(static_cast<std::size_t>(entries * width + 8)) {
        void* start = memory_.data();
        std::size_t room = memory_.size() * sizeof(double);
        data_ = static_cast<double*>(std::align(64, sizeof(double), start, room));
    }
    double* data() const { return data_; }
    double& operator[](Index i) const { return data_[i]; }

  private:
    std::vector<double> memory_;
    double* data_;
};

// The fit of targets C (m, d_L) under a Tikhonov penalty, beside what no strength changes: with [B; √strength I] =
// G [R; 0] for an upper bidiagonal B it is Z = [L, the first m rows of Gᵀ [C; 0]ᵀ] (Eldén, BIT 17, 1977). All is scaled
// by powers of two, so that no square overflows.
class Path {
  public:
    Path(const ConstView<double>& triangle,  // (d_L, d_L): R of a QR factorization of Lᵀ
         const ConstView<double>& targets,   // (d_L, m): Cᵀ
         const double* diagonal,             // (m) of B, not zero
         const double* above,                // (m - 1)
         Index kept, Index rank)             // singular values; left vectors that are led back
        : triangle_(triangle),
          targets_(targets.transpose()),
          diagonal_(Eigen::Map<const Vector<double>>(diagonal, targets.cols())),
          above_(Vector<double>::Zero(targets.cols())),
          kept_(kept),
          rank_(rank) {
        if (targets.cols() > 0)
            above_.head(targets.cols() - 1) = Eigen::Map<const Vector<double>>(above, targets.cols() - 1);
        unit_ = exponent(triangle, targets);
        step_ = exponent(diagonal_, above_);
        triangle_ *= std::ldexp(1.0, -unit_);
        targets_ *= std::ldexp(1.0, -unit_);
        diagonal_ *= std::ldexp(1.0, -step_);
        above_ *= std::ldexp(1.0, -step_);
    }

    // sigma (count, q), descending; left (count, d_L, q); inner (count, rank, m + d_L), the first `rank` left
    // vectors u with the rows uᵀ Z R⁻ᵀ before them; rest (count), the squares of C outside of Z. Strengths are taken in
    // groups of fixed size, each on any of the threads: within one the vectors before are the start for those after.
    void compute(const double* strengths, Index count, double* sigma, double* left, double* inner, double* rest,
                 Index threads) const {
        const Index groups = (count + group - 1) / group;
        const auto one = [&](Index g, const std::atomic<bool>&) {
            const Index first = g * group, some = std::min(group, count - first);
            chains_of(strengths + first, some, sigma + first * kept_, left + first * outputs() * kept_,
                      inner + first * rank_ * (size() + outputs()), rest + first);
        };
        if (groups == 1) return one(0, false);
        run_all(groups, threads, one, [] { return true; });
    }

  private:
    static constexpr Index group = 32;  // vectors drift from orthogonality by eps a rotation, so not for ever

    static int exponent(const auto& a, const auto& b) {
        double largest = 0.0;
        if (a.size() > 0) largest = a.cwiseAbs().maxCoeff();
        if (b.size() > 0) largest = std::max(largest, b.cwiseAbs().maxCoeff());
        return largest > 0.0 ? std::ilogb(largest) : 0;
    }
    Index outputs() const { return triangle_.rows(); }
    Index size() const { return targets_.rows(); }

    // As many chains as a vector has lanes, each of neighbours.
    void chains_of(const double* strengths, Index count, double* sigma, double* left, double* inner,
                   double* rest) const {
        const PathKernel& kernel = path_kernel();
        const Index n = outputs(), m = size(), width = kernel.width, length = (count + width - 1) / width;
        const auto lanes = [&](Index entries) { return Lanes(entries, width); };
        Lanes norms = lanes(n), vectors = lanes(n * n), squares = lanes(1), work = lanes(path_work(n, m));
        Lanes roots = lanes(1), nobody = lanes((m + n) * rank_);
        std::vector<Size> order(static_cast<std::size_t>(n));
        std::vector<double*> rows(static_cast<std::size_t>(width));
        for (Index i = 0; i < n; ++i) std::fill_n(vectors.data() + i * (n + 1) * width, width, 1.0);
        const double unit = std::ldexp(1.0, unit_), shrink = std::ldexp(1.0, -step_);
        const PathSystem system{n, m, rank_, triangle_.data(), diagonal_.data(), above_.data(), targets_.data()};
        const PathPoints points{norms.data(), vectors.data(), rows.data(), unit,
                                shrink,       squares.data(), work.data(), order.data()};
        for (Index step = 0; step < length; ++step) {
            for (Index l = 0; l < width; ++l) {
                const Index at = l * length + step;
                roots[l] = std::min(std::sqrt(strengths[std::min(at, count - 1)]) * shrink, 0x1p500);
                rows[static_cast<std::size_t>(l)] = at < count ? inner + at * rank_ * (m + n) : nobody.data();
            }
            kernel.points(system, roots.data(), points);
            for (Index l = 0, at = step; l < width && at < count; ++l, at += length) {
                const auto lane = [&](const Lanes& from, Index height) {
                    using Stride = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
                    return Eigen::Map<const Matrix<double>, 0, Stride>(from.data() + l, height, n,
                                                                       Stride(n * width, width));
                };
                View<double>(sigma + at * kept_, 1, kept_) = unit * lane(norms, 1).leftCols(kept_);
                View<double>(left + at * n * kept_, n, kept_) = lane(vectors, kept_).transpose();
                View<double>(inner + at * rank_ * (m + n), rank_, m + n).rightCols(n) = lane(vectors, rank_);
                rest[at] = squares[l] * unit * unit;
            }
        }
    }

    Matrix<double> triangle_, targets_;
    Vector<double> diagonal_, above_;
    Index kept_, rank_;
    int unit_, step_;
};

}  // namespace linvariance
