// The second moment S of the inputs as products from the left need it, W S: dense, or in blocks.
#pragma once

#include <utility>
#include <vector>

#include "linvariance/matrix.hpp"

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
    explicit InputMoment(const Matrix<double>& S) : size_(S.rows()) { parts_.emplace_back(0, 0, S, false); }

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
    Index scratch(Index rows) const { return segments_.empty() ? 0 : 2 * rows * size_; }

    // Its columns are those of the data in another order: to.col(j) = from.col(order[j]), and back.
    template <class From, class To>
    void enter(const From& from, To&& to) const {
        for (Index i = 0; i < from.rows(); ++i) {
            for (Index j = 0; j < size_; ++j) to(i, j) = from(i, place(j));
        }
    }
    template <class From, class To>
    void leave(const From& from, To&& to) const {
        for (Index i = 0; i < from.rows(); ++i) {
            for (Index j = 0; j < size_; ++j) to(i, place(j)) = from(i, j);
        }
    }

    // out = W S, for W (rows, size) and out of the same shape
    template <class W, class Out>
    void multiply(const Eigen::MatrixBase<W>& left, Eigen::MatrixBase<Out>& out, T* scratch) const {
        if (segments_.empty()) return multiply_parts(strided(left), left.rows(), out);
        View<T> there(scratch, left.rows(), size_), back(scratch + there.size(), left.rows(), size_);
        const ConstView<T> from(left.derived().data(), left.rows(), size_);
        turn(from, there, [](const Matrix<T>& basis) -> const Matrix<T>& { return basis; });
        multiply_parts(strided(std::as_const(there)), left.rows(), back);
        turn(back, out, [](const Matrix<T>& basis) { return basis.transpose(); });
    }

  private:
    struct Segment {
        Index orbits;
        Matrix<T> basis;
    };
    struct Part {
        Part(Index from_, Index to_, const Matrix<double>& S, bool onto_)
            : from(from_), to(to_), onto(onto_), matrix(Matrix<T>(S.cast<T>())) {}

        Index from, to;
        bool onto;
        PackedMatrix<T> matrix;
    };

    Index place(Index j) const { return order_.empty() ? j : order_[static_cast<std::size_t>(j)]; }

    // The first part in a row of blocks sets, the others add to it.
    template <class Out>
    void multiply_parts(Strided<const T> left, Index rows, Eigen::MatrixBase<Out>& out) const {
        auto to = strided(out);
        for (const auto& part : parts_) {
            multiply_packed<T>(rows, part.matrix.cols(), part.matrix.rows(), {left.data + part.from, left.rows, 1},
                               part.matrix.data(), {to.data + part.to, to.rows, 1}, part.onto);
        }
    }

    template <class From, class To, class Basis>
    void turn(const From& from, To& to, Basis&& basis) const {
        for (Index i = 0; i < from.rows(); ++i) {
            Index start = i * size_;
            for (const auto& segment : segments_) {
                const Index points = segment.basis.rows();
                const ConstView<T> in(from.derived().data() + start, points, segment.orbits);
                View<T> out(to.derived().data() + start, points, segment.orbits);
                set_product(basis(segment.basis), in, out);
                start += points * segment.orbits;
            }
        }
    }

    Index size_ = 0;
    std::vector<Index> order_;
    std::vector<Segment> segments_;
    std::vector<Part> parts_;
};

}  // namespace linvariance
