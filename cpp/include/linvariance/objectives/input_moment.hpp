// The second moment S of the inputs as products from the left need it, W S: dense, in blocks, diagonal, or as a factor.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "linvariance/sparse.hpp"

namespace linvariance {

// Columns kind of orbit by kind of orbit, and there point by point: a row of a segment is a matrix (points, orbits). An
// orthogonal matrix on the points makes the average of a moment over a group block-diagonal.
struct AdaptedSegment {
    Index orbits;
    Matrix<double> basis;  // (points, points)
};

struct MomentBlock {
    std::vector<std::pair<Index, Index>> ranges;  // where its coordinates lie: (offset, length)
    Matrix<double> S;
};

template <class T>
class InputMoment {
  public:
    template <class Derived>
    explicit InputMoment(const Eigen::MatrixBase<Derived>& S) : size_(S.rows()) {
        parts_.emplace_back(0, 0, S, false);
    }

    // S = basis diag(values) basisᵀ: the columns are turned into its eigenbasis, W -> W basis. Descent that treats all
    // directions alike commutes with that, Adam does not.
    InputMoment(const ConstView<double>& basis, const ConstView<double>& values)
        : size_(basis.rows()),
          values_(values.template cast<T>().reshaped()),
          basis_(std::make_shared<const Matrix<double>>(basis)) {}

    // S = RᵀR + FᵀF, R (k, d) of few rows
    InputMoment(const ConstView<double>& R, SparseRows F)
        : size_(R.cols()),
          factor_(std::make_shared<const Factor>(Factor{Matrix<T>(R.template cast<T>()), std::move(F)})) {}

    InputMoment(const std::vector<Index>& order, const std::vector<AdaptedSegment>& segments,
                const std::vector<MomentBlock>& blocks)
        : order_(order) {
        for (const auto& segment : segments) {
            segments_.push_back({segment.orbits, segment.basis.cast<T>()});
            size_ += segment.orbits * segment.basis.rows();
        }
        for (const auto& block : blocks) {
            Index row = 0;
            for (const auto& [from, high] : block.ranges) {
                Index column = 0;
                for (const auto& [to, wide] : block.ranges) {
                    parts_.emplace_back(from, to, block.S.block(row, column, high, wide), row > 0);
                    column += wide;
                }
                row += high;
            }
        }
    }

    Index size() const { return size_; }
    bool is_diagonal() const { return basis_ != nullptr; }
    bool is_factored() const { return factor_ != nullptr; }
    const Vector<T>& values() const { return values_; }
    Index scratch(Index rows) const {
        if (factor_) return rows * (factor_->R.rows() + factor_->F.rows());
        return segments_.empty() ? 0 : 2 * rows * size_;
    }
    // Multiplications of a row with it, at most
    Index cost() const { return factor_ ? 2 * factor_->R.size() : size_ * size_; }

    // ‖W Fᵀ‖², what a loss by the rows of R alone lacks; `room` is for W Fᵀ
    double rest(const Matrix<double>& W, Matrix<double>& room) const {
        if (!factor_ || factor_->F.rows() == 0) return 0.0;
        room.resize(W.rows(), factor_->F.rows());
        room.setZero();
        factor_->F.add_transposed(W, room);
        return room.squaredNorm();
    }

    // Its columns are those of the data in another order, to.col(j) = from.col(order[j]), or turned (in double only);
    // and back.
    template <class From, class To>
    void enter(const From& from, To&& to) const {
        if constexpr (std::is_same_v<typename From::Scalar, double>) {
            if (is_diagonal()) return set_product(from, *basis_, to);
        }
        for (Index i = 0; i < from.rows(); ++i) {
            for (Index j = 0; j < size_; ++j) to(i, j) = from(i, place(j));
        }
    }
    template <class From, class To>
    void leave(const From& from, To&& to) const {
        if constexpr (std::is_same_v<typename From::Scalar, double>) {
            if (is_diagonal()) return set_product(from, basis_->transpose(), to);
        }
        for (Index i = 0; i < from.rows(); ++i) {
            for (Index j = 0; j < size_; ++j) to(i, place(j)) = from(i, j);
        }
    }

    // out = W S, for W (rows, size) and out of the same shape; not where S is diagonal
    template <class W, class Out>
    void multiply(const Eigen::MatrixBase<W>& left, Eigen::MatrixBase<Out>& out, T* scratch) const {
        if (factor_) return multiply_factor(left.derived(), out.derived(), scratch);
        if (segments_.empty()) return multiply_parts(strided(left), left.rows(), out);
        View<T> there(scratch, left.rows(), size_), back(scratch + there.size(), left.rows(), size_);
        const ConstView<T> from(left.derived().data(), left.rows(), size_);
        turn(from, there, false);
        multiply_parts(strided(std::as_const(there)), left.rows(), back);
        turn(back, out, true);
    }

  private:
    struct Segment {
        Index orbits;
        Matrix<T> basis;
    };
    struct Factor {
        Matrix<T> R;
        SparseRows F;
    };
    struct Part {
        template <class Derived>
        Part(Index from_, Index to_, const Eigen::MatrixBase<Derived>& S, bool onto_)
            : from(from_),
              to(to_),
              onto(onto_),
              matrix(std::make_shared<const PackedMatrix<T>>(Matrix<T>(S.template cast<T>()))) {}

        Index from, to;
        bool onto;
        std::shared_ptr<const PackedMatrix<T>> matrix;  // copies of a moment share it
    };

    Index place(Index j) const { return order_.empty() ? j : order_[static_cast<std::size_t>(j)]; }

    template <class W, class Out>
    void multiply_factor(const W& left, Out& out, T* scratch) const {
        const auto& [R, F] = *factor_;
        View<T> seen(scratch, left.rows(), R.rows()), rest(scratch + seen.size(), left.rows(), F.rows());
        set_product(left, R.transpose(), seen);
        set_product(seen, R, out);
        if (F.rows() == 0) return;
        rest.setZero();
        F.add_transposed(left, rest);
        F.add_applied(rest, out);
    }

    // The first part in a row of blocks sets, the others add to it.
    template <class Out>
    void multiply_parts(Strided<const T> left, Index rows, Eigen::MatrixBase<Out>& out) const {
        if (rows == 0) return;  // from no address
        auto to = strided(out);
        for (const auto& part : parts_) {
            const PackedMatrix<T>& S = *part.matrix;
            multiply_packed<T>(rows, S.cols(), S.rows(), {left.data + part.from, left.rows, 1}, S.data(),
                               {to.data + part.to, to.rows, 1}, part.onto);
        }
    }

    // Segment by segment into the coordinates of the blocks, or back.
    template <class From, class To>
    void turn(const From& from, To& to, bool back) const {
        Index start = 0;
        for (const auto& [orbits, basis] : segments_) {
            const Index points = basis.rows();
            const Strided<const T> M{basis.data(), back ? 1 : points, back ? points : 1};
            const T* const in = from.derived().data() + start;
            T* const out = to.derived().data() + start;
            if (!kernels<T>().turn(from.rows(), size_, points, orbits, M, in, out)) {
                for (Index i = 0; i < from.rows() * size_; i += size_)
                    multiply_ab<T>(points, orbits, points, M, {in + i, orbits, 1}, {out + i, orbits, 1}, false);
            }
            start += points * orbits;
        }
    }

    Index size_ = 0;
    std::vector<Index> order_;
    std::vector<Segment> segments_;
    std::vector<Part> parts_;
    Vector<T> values_;
    std::shared_ptr<const Matrix<double>> basis_;
    std::shared_ptr<const Factor> factor_;
};

}  // namespace linvariance
