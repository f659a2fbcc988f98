// The core's entry points on sizes, values and permutations that libFuzzer makes up: nothing is read or written outside
// of its place, nothing is undefined. With LINVARIANCE_PLANTED in the environment there is a bug that must be found.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "linvariance/curvature/hessian.hpp"
#include "linvariance/groups/reynolds.hpp"
#include "linvariance/optima/path.hpp"
#include "linvariance/training/descent.hpp"

using namespace linvariance;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// The bytes of an input, one after another; zeros behind its end.
class Bytes {
  public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

    std::uint8_t next() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }
    Index up_to(Index most) { return next() % (most + 1); }
    double number() {
        constexpr double inf = std::numeric_limits<double>::infinity();
        constexpr std::array<double, 8> odd{0.0,     -0.0,   inf,    -inf, std::numeric_limits<double>::quiet_NaN(),
                                            1.7e308, 5e-324, -1e-200};
        const std::uint8_t byte = next();
        return byte < odd.size() ? odd[byte] : (byte - 128) / 16.0;
    }
    template <class T>
    Matrix<T> matrix(Index rows, Index columns) {
        Matrix<T> out(rows, columns);
        constexpr double most = std::numeric_limits<T>::max();  // a cast of more is undefined
        for (Index i = 0; i < out.size(); ++i) out.data()[i] = static_cast<T>(std::clamp(number(), -most, most));
        return out;
    }
    std::vector<Index> widths() {
        std::vector<Index> out(static_cast<std::size_t>(2 + up_to(4)));
        for (Index& width : out) width = up_to(40);
        return out;
    }

  private:
    const std::uint8_t* data_;
    std::size_t left_;
};

template <class T>
void chain(Bytes& bytes) {
    const Chain chain(bytes.widths());
    const Index copies = 1 + bytes.up_to(3);
    Matrix<T> layers = bytes.matrix<T>(1, chain.parameters()), out = layers;
    Matrix<T> directions = bytes.matrix<T>(copies, chain.parameters());
    Vector<T> inner(chain.inner_size()), adjoint(chain.inner_size()), tangent(copies * chain.inner_size());
    const Field<T> value{layers.data(), inner.data()}, slope{out.data(), adjoint.data()};
    product(chain, value);
    chain.at(slope, chain.root()) = bytes.matrix<T>(chain.outputs(), chain.inputs());
    product_pullback(chain, value, slope);
    product_tangent(chain, value, {directions.data(), tangent.data()}, copies);
    static const bool planted = std::getenv("LINVARIANCE_PLANTED") != nullptr;
    if (planted && chain.widths().size() == 3 && chain.widths()[1] == 7) {
        std::vector<T> a(8, T(1)), b(8);
        kernels<T>().times(9, a.data(), a.data(), b.data());
    }
}

template <class T>
void products(Bytes& bytes) {
    const Index m = 1 + bytes.up_to(70), n = 1 + bytes.up_to(70), k = 1 + bytes.up_to(70);
    const Matrix<T> a = bytes.matrix<T>(m, k), b = bytes.matrix<T>(k, n), flipped = b.transpose();
    Matrix<T> plain(m, n), packed(m, n), dots(m, n);
    set_product(a, b, plain);
    multiply(a, PackedMatrix<T>(b), packed, false);
    set_product(a, flipped.transpose(), dots);
    require(std::memcmp(plain.data(), packed.data(), sizeof(T) * static_cast<std::size_t>(plain.size())) == 0);
}

template <class T, class Rule>
void training(Bytes& bytes, const typename Rule::Settings& settings) {
    const Chain chain(bytes.widths());
    const Index d = chain.inputs(), outputs = chain.outputs(), epochs = bytes.up_to(5), every = 1 + bytes.up_to(3);
    const double rate = bytes.number();
    const Stretch stretch{0, epochs, every, &rate, true, {bytes.number(), bytes.number(), bytes.number()}};
    const Matrix<double> root = bytes.matrix<double>(d, d);
    const MomentObjective<T> objective{InputMoment<T>(root.transpose() * root), bytes.matrix<T>(outputs, d)};
    Observables look;
    look.A = root.triangularView<Eigen::Upper>();
    look.T = Matrix<double>::Zero(d, outputs);
    look.parts = {Matrix<double>::Identity(d, d)};
    look.entry_columns = Matrix<double>(0, d);
    const Index times = stretch.times();
    Vector<double> loss(times), norm(times), first(times), parts(times), kept(times * chain.parameters());
    Recorder recorder(look, outputs, chain.widths()[1], d, 0.0,
                      {loss.data(), norm.data(), first.data(), parts.data(), nullptr, nullptr, kept.data()});
    RunState<T> state{bytes.matrix<T>(1, chain.parameters()).transpose(),
                      Matrix<T>::Zero(Rule::means, chain.parameters())};
    Vector<T> network;
    const std::atomic<bool> stop{false};
    descend(chain, objective, Rule(settings), stretch, state, network, recorder, stop);
}

void hessian(Bytes& bytes) {
    const Chain chain(bytes.widths());
    const Index d = chain.inputs(), copies = 1 + bytes.up_to(9);
    const MomentObjective<double> objective{InputMoment<double>(bytes.matrix<double>(d, d)),
                                            bytes.matrix<double>(chain.outputs(), d)};
    Hessian<double> hessian(chain, objective, bytes.matrix<double>(1, chain.parameters()).transpose());
    const Matrix<double> directions = bytes.matrix<double>(copies, chain.parameters());
    Matrix<double> out(copies, chain.parameters());
    View<double> to(out.data(), out.rows(), out.cols());
    Pulse pulse([] { return true; });
    hessian.apply({directions.data(), copies, chain.parameters()}, to, pulse);
}

void path(Bytes& bytes) {
    const Index outputs = 1 + bytes.up_to(9), size = bytes.up_to(12), count = 1 + bytes.up_to(70);
    const Index kept = bytes.up_to(outputs), rank = bytes.up_to(kept);
    const Matrix<double> triangle = bytes.matrix<double>(outputs, outputs).triangularView<Eigen::Upper>();
    const Matrix<double> targets = bytes.matrix<double>(outputs, size), diagonal = bytes.matrix<double>(1, size),
                         above = bytes.matrix<double>(1, size), strengths = bytes.matrix<double>(1, count).cwiseAbs();
    Matrix<double> sigma(count, kept), left(count, outputs * kept), inner(count, rank * (size + outputs));
    Vector<double> rest(count);
    Path({triangle.data(), outputs, outputs}, {targets.data(), outputs, size}, diagonal.data(), above.data(), kept,
         rank)
        .compute(strengths.data(), count, sigma.data(), left.data(), inner.data(), rest.data(), 1 + bytes.up_to(1));
}

// Generators (M, d) of permutations of d points, with signs or not.
struct Generators {
    Generators(Bytes& bytes, Index count, Index dim) : dim_(dim) {
        for (Index m = 0; m < count; ++m) {
            std::vector<std::int64_t> image(static_cast<std::size_t>(dim));
            std::iota(image.begin(), image.end(), 0);
            for (std::size_t i = image.size(); i > 1; --i) std::swap(image[i - 1], image[bytes.next() % i]);
            images_.insert(images_.end(), image.begin(), image.end());
            for (Index i = 0; i < dim; ++i) signs_.push_back(bytes.next() % 2 == 0 ? 1 : -1);
        }
        signed_ = bytes.next() % 2 == 0;
    }
    Action action() const {
        return {images_.data(), signed_ ? signs_.data() : nullptr,
                dim_ > 0 ? static_cast<Index>(images_.size()) / dim_ : 0, dim_};
    }
    Index dim_;
    bool signed_;
    std::vector<std::int64_t> images_;
    std::vector<Sign> signs_;
};

// Every label is that of a class, as the average needs it.
void average_over(const Partition& found, Bytes& bytes) {
    const auto points = static_cast<Index>(found.labels.size());
    for (const Label label : found.labels) require(label >= 0 && label < found.classes);
    const Matrix<double> values = bytes.matrix<double>(2, points);
    Matrix<double> once(2, points);
    View<double> out(once.data(), 2, points);
    average({values.data(), 2, points}, found.labels.data(), found.signs.empty() ? nullptr : found.signs.data(),
            found.classes, out);
}

void groups(Bytes& bytes) {
    const Index count = bytes.up_to(3), d = 1 + bytes.up_to(20);
    const Generators on_rows(bytes, count, d), on_columns(bytes, count, 1 + bytes.up_to(20));
    average_over(orbits(on_rows.action()), bytes);
    average_over(orbitals(on_rows.action(), on_columns.action()), bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    switch (bytes.next() % 10) {
        case 0:
            chain<double>(bytes);
            break;
        case 1:
            chain<float>(bytes);
            break;
        case 2:
            products<double>(bytes);
            break;
        case 3:
            products<float>(bytes);
            break;
        case 4:
            training<double, Adam<double>>(bytes, {0.9, 0.999, 1e-8, 1e-3, false});
            break;
        case 5:
            training<float, GradientDescent<float>>(bytes, {0.9, 1e-3, true});
            break;
        case 6:
            training<double, RMSprop<double>>(bytes, {0.99, 1e-8, 1e-3, 0.5, true});
            break;
        case 7:
            hessian(bytes);
            break;
        case 8:
            path(bytes);
            break;
        default:
            groups(bytes);
    }
    return 0;
}
